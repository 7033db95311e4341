/* SPDX-License-Identifier: Apache-2.0
 *
 * Sinks that are no files: which of a drain's items they want, decided before anything of an event becomes a Python object. */
#include <stdlib.h>

#include "native.h"

bool mplog_rules(PyObject *given, struct mpl_rule rules[MPL_MAX_RULES])
{
    if (PyList_GET_SIZE(given) > MPL_MAX_RULES) {
        mplog_raise(MPL_E_ARG);
        return false;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(given); i++) {
        Py_ssize_t length;
        PyObject *rule = PyList_GET_ITEM(given, i);
        if (!PyTuple_Check(rule) || !PyArg_ParseTuple(rule, "s#b", &rules[i].prefix, &length, &rules[i].level)) {
            if (!PyErr_Occurred())
                mplog_raise(MPL_E_ARG);
            return false;
        }
        rules[i].length = (size_t)length;
    }
    return true;
}

void mplog_forget_routes(ReaderObject *self)
{
    while (self->nroutes)
        free(self->routes[--self->nroutes]);
}

static bool add_route(ReaderObject *self, PyObject *route)
{
    unsigned char level;
    PyObject *given;
    struct mpl_rule rules[MPL_MAX_RULES];
    int rc;
    if (!PyTuple_Check(route) || !PyArg_ParseTuple(route, "bO!", &level, &PyList_Type, &given) || !mplog_rules(given, rules))
        return false;
    struct mpl_filter *made = mpl_filter_new(level, rules, (uint32_t)PyList_GET_SIZE(given), &rc);
    if (made)
        self->routes[self->nroutes++] = made;
    else
        mplog_raise(rc);
    return made;
}

PyObject *mplog_set_routes(ReaderObject *self, PyObject *given)
{
    if (!PyList_Check(given) || PyList_GET_SIZE(given) > MPLOG_MAX_ROUTES)
        return mplog_raise(MPL_E_ARG);
    mplog_forget_routes(self);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(given); i++)
        if (!add_route(self, PyList_GET_ITEM(given, i))) {
            if (!PyErr_Occurred())
                mplog_raise(MPL_E_ARG);
            return NULL;
        }
    Py_RETURN_NONE;
}

const char mplog_routed_doc[] = "routed(count) -> [(routes, item)] of the first so many items of the last drain: those that a route (bit) wants, and those\n"
    "behind a gap. What an item says of filters and of gaps is the first file's.";
/* The routes (bits) that want it; what has ended a writer is looked into no more. */
static unsigned long wanted_by(const ReaderObject *self, const struct mpl_item *item)
{
    unsigned long wanted = 0;
    const bool all = item->flags & MPL_ITEM_POISON;
    for (uint32_t k = 0; k < self->nroutes; k++)
        wanted |= (unsigned long)(all || mpl_filter_takes(self->routes[k], item->level, self->reader.arena + item->place, item->len)) << k;
    return wanted;
}

static PyObject *row_of(ReaderObject *self, const struct mpl_item *item, unsigned long wanted)
{
    PyObject *made = mplog_item(self, item, 0);
    if (made && item->seq == item->expected) { /* what one file was not given is no gap here */
        Py_DECREF(PyTuple_GET_ITEM(made, 7));
        PyTuple_SET_ITEM(made, 7, Py_NewRef(Py_None));
    }
    return made ? Py_BuildValue("(kN)", wanted, made) : NULL;
}

PyObject *mplog_routed(ReaderObject *self, PyObject *count)
{
    unsigned long most = PyLong_AsUnsignedLong(count);
    if (PyErr_Occurred())
        return NULL;
    const struct mpl_reader *r = &self->reader;
    PyObject *out = PyList_New(0);
    for (uint32_t i = 0; out && i < r->nitems && i < most; i++) {
        const struct mpl_item *item = &r->items[i];
        const unsigned long wanted = wanted_by(self, item);
        if (!wanted && item->seq == item->expected)
            continue;
        PyObject *row = row_of(self, item, wanted);
        if (!row || PyList_Append(out, row))
            Py_CLEAR(out);
        Py_XDECREF(row);
    }
    return out;
}

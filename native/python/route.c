/* SPDX-License-Identifier: Apache-2.0
 *
 * Sinks that are no files: which of a drain's items they want, decided before anything of an event becomes a Python object. */
#include <stdlib.h>

#include "native.h"
#include "ring/origin.h"

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
    while (self->nroutes) {
        free(self->routes[--self->nroutes]);
        free(self->route_conditions[self->nroutes]);
    }
}

static bool add_route(ReaderObject *self, PyObject *route)
{
    unsigned char level;
    PyObject *given;
    const char *program;
    Py_ssize_t program_len;
    struct mpl_rule rules[MPL_MAX_RULES];
    int rc = 0;
    if (!PyTuple_Check(route) || !PyArg_ParseTuple(route, "bO!z#", &level, &PyList_Type, &given, &program, &program_len) || !mplog_rules(given, rules))
        return false;
    struct mpl_condition *condition = program ? mpl_condition_new(program, (size_t)program_len, &rc) : NULL;
    struct mpl_filter *made = rc ? NULL : mpl_filter_new(level, rules, (uint32_t)PyList_GET_SIZE(given), &rc);
    if (!made) {
        free(condition);
        mplog_raise(rc);
        return false;
    }
    self->route_conditions[self->nroutes] = condition;
    self->routes[self->nroutes++] = made;
    return true;
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
static bool is_wanted(ReaderObject *self, const struct mpl_item *item, uint32_t route)
{
    const char *payload = self->reader.arena + item->place;
    const struct mpl_condition *condition = self->route_conditions[route];
    if (!mpl_filter_takes(self->routes[route], item->level, payload, item->len))
        return false;
    return !condition || mpl_condition_holds(condition, &mpl_known_at(&self->reader, item->view, item->slot)->origin, item->level, payload, item->len);
}

/* The routes (bits) that want it; what has ended a writer is looked into no more. */
static unsigned long wanted_by(ReaderObject *self, const struct mpl_item *item)
{
    unsigned long wanted = 0;
    for (uint32_t k = 0; k < self->nroutes; k++)
        wanted |= (unsigned long)(item->flags & MPL_ITEM_POISON || is_wanted(self, item, k)) << k;
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

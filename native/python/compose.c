/* SPDX-License-Identifier: Apache-2.0
 *
 * Reader.compose: the items of the last drain into the journal's staging area, without the GIL but for the caller's fallback, which makes the lines that
 * the core's formatter declines, and those behind a gap. */
#include "ring/compose.h"

#include "native.h"
#include "pack.h"

struct call {
    ReaderObject *reader;
    PyObject *fallback;
    PyThreadState *without; /* the state to take the GIL with */
    uint32_t sink;
    unsigned long unreadable;
};

/* The bytes and whether the event was unreadable; -1 with an exception. */
static int64_t take_answer(struct call *c, PyObject *answer, char *out, size_t room)
{
    if (!PyTuple_Check(answer) || PyTuple_GET_SIZE(answer) != 2 || !PyBytes_Check(PyTuple_GET_ITEM(answer, 0)) ||
        !PyBytes_GET_SIZE(PyTuple_GET_ITEM(answer, 0))) {
        PyErr_SetString(PyExc_TypeError, "the fallback returns (bytes, whether the event was unreadable)");
        return -1;
    }
    const PyObject *line = PyTuple_GET_ITEM(answer, 0);
    const int unreadable = PyObject_IsTrue(PyTuple_GET_ITEM(answer, 1));
    const size_t n = (size_t)PyBytes_GET_SIZE(line);
    if (unreadable < 0)
        return -1;
    if (n > room)
        return 0;
    memcpy(out, PyBytes_AS_STRING(line), n);
    c->unreadable += (unsigned long)unreadable;
    return (int64_t)n;
}

static int64_t fall_back(void *arg, const struct mpl_item *item, char *out, size_t room)
{
    struct call *c = arg;
    PyEval_RestoreThread(c->without);
    PyObject *tuple = mplog_item(c->reader, item, c->sink), *answer = tuple ? PyObject_CallOneArg(c->fallback, tuple) : NULL;
    int64_t n = answer ? take_answer(c, answer, out, room) : -1;
    Py_XDECREF(tuple);
    Py_XDECREF(answer);
    c->without = PyEval_SaveThread();
    return n;
}

/* The staging area from offset on, up to `limit` if it is not 0; false: there is no such place. */
static bool place_in(const struct mpl_journal *j, Py_ssize_t offset, Py_ssize_t limit, struct mpl_compose *out)
{
    size_t bytes = j->page ? j->mapped - (size_t)(j->staging - (char *)j->page) : 0;
    if (j->page && j->page->staging_bytes < bytes)
        bytes = j->page->staging_bytes;
    if (limit > 0 && (size_t)limit < bytes)
        bytes = (size_t)limit;
    if (!j->page || offset < 0 || limit < 0 || (size_t)offset > bytes)
        return false;
    out->at = j->staging + offset;
    out->end = j->staging + bytes;
    return true;
}

PyObject *mplog_compose(ReaderObject *self, PyObject *args)
{
    JournalObject *journal;
    Py_ssize_t offset, room, limit = 0;
    unsigned format, sink = 0, most = 0;
    struct call call = {.reader = self};
    if (!PyArg_ParseTuple(args, "O!nnIO|IIn", &JournalType, &journal, &offset, &room, &format, &call.fallback, &sink, &most, &limit))
        return NULL;
    call.sink = sink;
    struct mpl_compose c = {.r = &self->reader, .sink = sink, .most = most, .format = mpl_formatter_of((enum mpl_format)format), .room = (size_t)room, .fallback = fall_back,
        .arg = &call, .second = &self->seconds[sink % MPL_MAX_SINKS]};
    c.second->secrets = self->redacts ? &mplog_redaction : NULL;
    if (!c.second->memo)
        c.second->memo = mpl_memo_new();
    if (room < 0 || !c.format || sink >= self->reader.nsinks || !place_in(&journal->journal, offset, limit, &c))
        return mplog_raise(MPL_E_ARG);
    if (self->composing)
        return mplog_raise(MPL_E_STATE);
    self->composing = true; /* the fallback is Python: it must not drain meanwhile */
    call.without = PyEval_SaveThread();
    int rc = mpl_compose(&c);
    PyEval_RestoreThread(call.without);
    self->composing = false;
    return rc < 0 ? NULL : Py_BuildValue("(Ink)", c.count, (Py_ssize_t)c.size, call.unreadable);
}

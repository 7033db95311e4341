/* SPDX-License-Identifier: Apache-2.0
 *
 * Reader.compose: the items of the last drain into the journal's staging area. A plain event becomes its line without any Python object; what the core
 * declines, and every item that comes after a gap, goes through the caller's fallback. */
#include "native.h"

struct row { /* one session of the batch */
    PyObject *who;
    struct mpl_origin origin;
    uint64_t first, last, count;
};

struct batch {
    ReaderObject *reader;
    PyObject *fallback;
    char *at, *end;
    size_t size, room;
    uint32_t count, nrows;
    uint64_t late, dropped, unreadable;
    struct row rows[MPL_MAX_TOUCHES];
    uint16_t index[MPL_MAX_SEGMENTS * MPL_MAX_LANES][MPL_SLOTS]; /* of a session's row, plus one */
};

static int set_origin(struct mpl_origin *o, PyObject *who)
{
    Py_ssize_t session_len, name_len;
    o->session = PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(who, 0), &session_len);
    o->name = PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(who, 2), &name_len);
    if (!o->session || !o->name)
        return -1;
    o->session_len = (size_t)session_len;
    o->name_len = (size_t)name_len;
    o->pid = (uint32_t)PyLong_AsUnsignedLong(PyTuple_GET_ITEM(who, 1));
    return PyErr_Occurred() ? -1 : 0;
}

/* The row of an item's session. NULL with an exception; NULL without one when a batch can hold no further session. */
static struct row *row_of(struct batch *b, const struct mpl_item *item)
{
    uint16_t *index = &b->index[item->view][item->slot];
    if (*index)
        return &b->rows[*index - 1];
    if (b->nrows == MPL_MAX_TOUCHES)
        return NULL;
    struct row *row = &b->rows[b->nrows];
    PyObject *who = mplog_who(b->reader, mpl_view_at(&b->reader->reader, item->view), item->slot);
    if (!who || set_origin(&row->origin, who))
        return NULL;
    row->who = Py_NewRef(who);
    *index = (uint16_t)++b->nrows;
    return row;
}

/* Asks the caller for the line. Its length; 0: there is no room for it; -1 with an exception. */
static Py_ssize_t fall_back(struct batch *b, const struct mpl_item *item, int *unreadable)
{
    Py_ssize_t n = -1;
    PyObject *tuple = mplog_item(b->reader, item), *answer = tuple ? PyObject_CallOneArg(b->fallback, tuple) : NULL;
    Py_XDECREF(tuple);
    if (!answer)
        return -1;
    if (!PyTuple_Check(answer) || PyTuple_GET_SIZE(answer) != 2 || !PyBytes_Check(PyTuple_GET_ITEM(answer, 0)) ||
        !PyBytes_GET_SIZE(PyTuple_GET_ITEM(answer, 0))) {
        PyErr_SetString(PyExc_TypeError, "the fallback returns (bytes, whether the event was unreadable)");
    } else {
        PyObject *line = PyTuple_GET_ITEM(answer, 0);
        n = PyBytes_GET_SIZE(line);
        *unreadable = PyObject_IsTrue(PyTuple_GET_ITEM(answer, 1));
        if (n > b->end - b->at)
            n = 0;
        memcpy(b->at, PyBytes_AS_STRING(line), (size_t)n);
    }
    Py_DECREF(answer);
    return n;
}

/* 1: the item is in; 0: it does not fit any more; -1 with an exception. */
static int compose_item(struct batch *b, const struct mpl_item *item)
{
    const struct mpl_reader *r = &b->reader->reader;
    struct row *row = row_of(b, item);
    int unreadable = 0;
    if (!row)
        return PyErr_Occurred() ? -1 : 0;
    struct mpl_stamp stamp = {.origin = &row->origin, .wall_ns = mplog_shown_wall(b->reader, item), .seq = item->seq, .level = item->level,
        .kind = item->kind, .flags = item->flags};
    Py_ssize_t n = MPL_FORMAT_DECLINED;
    if (item->seq == item->expected)
        n = mpl_format_json(&b->reader->second, &stamp, (const uint8_t *)r->arena + item->place, item->len, b->at, (size_t)(b->end - b->at));
    if (n == MPL_FORMAT_NO_ROOM && b->count)
        return 0;
    if (n < 0 && (n = fall_back(b, item, &unreadable)) < 0)
        return -1;
    if (!n || (b->count && b->size + (size_t)n > b->room))
        return 0;
    b->at += n;
    b->size += (size_t)n;
    b->count++;
    b->late += item->flags & MPL_FLAG_LATE ? 1 : 0;
    b->dropped += item->seq - item->expected;
    b->unreadable += unreadable ? 1 : 0;
    if (!row->count++)
        row->first = item->expected;
    row->last = item->seq;
    return 1;
}

static PyObject *ranges_of(const struct batch *b)
{
    PyObject *out = PyDict_New();
    for (uint32_t i = 0; out && i < b->nrows; i++) {
        const struct row *row = &b->rows[i];
        if (!row->count)
            continue;
        PyObject *range = Py_BuildValue("(KKK)", row->first, row->last, row->count);
        if (!range || PyDict_SetItem(out, PyTuple_GET_ITEM(row->who, 0), range))
            Py_CLEAR(out);
        Py_XDECREF(range);
    }
    return out;
}

static PyObject *compose(struct batch *b)
{
    const struct mpl_reader *r = &b->reader->reader;
    int more = 1;
    for (uint32_t i = 0; more > 0 && i < r->nitems; i++)
        more = compose_item(b, &r->items[i]);
    if (more < 0)
        return NULL;
    return Py_BuildValue("(InKKKN)", b->count, (Py_ssize_t)b->size, b->late, b->dropped, b->unreadable, ranges_of(b));
}

PyObject *mplog_compose(ReaderObject *self, PyObject *args)
{
    JournalObject *journal;
    Py_ssize_t offset, room;
    PyObject *fallback;
    if (!PyArg_ParseTuple(args, "O!nnO", &JournalType, &journal, &offset, &room, &fallback))
        return NULL;
    const struct mpl_journal *j = &journal->journal;
    size_t bytes = j->staging ? j->mapped - (size_t)(j->staging - (char *)j->page) : 0;
    if (j->page && j->page->staging_bytes < bytes)
        bytes = j->page->staging_bytes;
    if (offset < 0 || room < 0 || (size_t)offset > bytes)
        return mplog_raise(MPL_E_ARG);
    if (self->composing)
        return mplog_raise(MPL_E_STATE);
    struct batch *b = PyMem_Calloc(1, sizeof *b);
    if (!b)
        return PyErr_NoMemory();
    b->reader = self;
    b->fallback = fallback;
    b->at = j->staging + offset;
    b->end = j->staging + bytes;
    b->room = (size_t)room;
    self->composing = true; /* the fallback is Python: it must not drain meanwhile */
    PyObject *out = compose(b);
    self->composing = false;
    for (uint32_t i = 0; i < b->nrows; i++)
        Py_DECREF(b->rows[i].who);
    PyMem_Free(b);
    return out;
}

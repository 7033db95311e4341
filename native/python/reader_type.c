/* SPDX-License-Identifier: Apache-2.0
 *
 * Reader: the writer's face of all lanes (and, not writable, the face for tools). What an item is: items.c. */
#include <string.h>

#include "native.h"
#include "ring/homeless.h"
#include "ring/poison.h"

#define MAX_ENDS 256

static const char *const counter_names[] = {
#define COUNTER(name, text) #name,
#include "counters.def"
};

/* The number of items, or -1 with an exception. */
static int drain(ReaderObject *self, PyObject *arg)
{
    size_t max_bytes = PyLong_AsSize_t(arg);
    if (max_bytes == (size_t)-1 && PyErr_Occurred())
        return -1;
    if (self->composing) {
        mplog_raise(MPL_E_STATE);
        return -1;
    }
    int count = mpl_drain(&self->reader, max_bytes);
    if (count < 0)
        mplog_raise(count);
    return count < 0 ? -1 : count;
}

static PyObject *reader_drain(ReaderObject *self, PyObject *arg)
{
    int count = drain(self, arg);
    return count < 0 ? NULL : mplog_items(self, 0);
}

static PyObject *reader_items(ReaderObject *self, PyObject *arg)
{
    unsigned long sink = PyLong_AsUnsignedLong(arg);
    if (PyErr_Occurred())
        return NULL;
    return sink < self->reader.nsinks ? mplog_items(self, (uint32_t)sink) : mplog_raise(MPL_E_ARG);
}

static PyObject *reader_drain_count(ReaderObject *self, PyObject *arg)
{
    int count = drain(self, arg);
    return count < 0 ? NULL : PyLong_FromLong(count);
}

PyDoc_STRVAR(accept_doc, "accept(count) -> (count, late, dropped, filtered, {session: (first, last, events)}): how many of the first items go into the\n"
    "batch, and what its lines tell");
static PyObject *reader_accept(ReaderObject *self, PyObject *arg)
{
    unsigned long count = PyLong_AsUnsignedLong(arg);
    if (PyErr_Occurred())
        return NULL;
    uint32_t accepted = mpl_accept(&self->reader, (uint32_t)count);
    const struct mpl_account *a = &self->reader.account;
    return Py_BuildValue("(IKKKN)", accepted, a->late, a->dropped, a->filtered, mplog_ranges(self, 0));
}

static PyObject *reader_ranges(ReaderObject *self, PyObject *arg)
{
    unsigned long sink = PyLong_AsUnsignedLong(arg);
    if (PyErr_Occurred())
        return NULL;
    return sink < self->reader.nsinks ? mplog_ranges(self, (uint32_t)sink) : mplog_raise(MPL_E_ARG);
}

/* Items are for so many files from the next drain on. */
static PyObject *reader_set_sinks(ReaderObject *self, PyObject *arg)
{
    unsigned long count = PyLong_AsUnsignedLong(arg);
    if (PyErr_Occurred())
        return NULL;
    if (count < 1 || count > MPL_MAX_SINKS)
        return mplog_raise(MPL_E_ARG);
    mpl_rewind(&self->reader);
    self->reader.nsinks = (uint32_t)count;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(set_filter_doc, "set_filter(level, [(prefix, level)], sink=0): which events are written; other levels for the loggers at and below a prefix");
static PyObject *reader_set_filter(ReaderObject *self, PyObject *args)
{
    unsigned char level;
    PyObject *given;
    unsigned sink = 0;
    struct mpl_rule rules[MPL_MAX_RULES];
    if (!PyArg_ParseTuple(args, "bO!|I", &level, &PyList_Type, &given, &sink) || !mplog_rules(given, rules))
        return NULL;
    int rc = mpl_filter_set(&self->reader, sink, level, rules, (uint32_t)PyList_GET_SIZE(given));
    if (rc)
        return mplog_raise(rc);
    Py_RETURN_NONE;
}

/* Forgets what was drained: lines that a losing file is not given are counted with the accepted items. */
static PyObject *reader_set_losing(ReaderObject *self, PyObject *arg)
{
    unsigned long files = PyLong_AsUnsignedLong(arg);
    if (PyErr_Occurred())
        return NULL;
    mpl_rewind(&self->reader);
    self->reader.losing = (uint8_t)files;
    Py_RETURN_NONE;
}

static PyObject *reader_rewind(ReaderObject *self, PyObject *unused)
{
    mpl_rewind(&self->reader);
    Py_RETURN_NONE;
}

static PyObject *journal_of(PyObject *arg, struct mpl_journal **out)
{
    *out = NULL;
    if (arg == Py_None)
        return arg;
    if (!PyObject_TypeCheck(arg, &JournalType)) {
        PyErr_SetString(PyExc_TypeError, "a Journal, or None");
        return NULL;
    }
    *out = &((JournalObject *)arg)->journal;
    return arg;
}

static PyObject *reader_scan(ReaderObject *self, PyObject *arg)
{
    struct mpl_journal *journal;
    if (!journal_of(arg, &journal))
        return NULL;
    int rc = mpl_reader_scan(&self->reader, journal);
    return rc < 0 ? mplog_raise(rc) : PyBool_FromLong(rc);
}

PyDoc_STRVAR(ends_doc, "ends(look_at_owners) -> [(index, session, pid, name, start_ns, last, settled, delivered, filtered, dropped, clean, reasons, untold, since_ns, until_ns)]");
static PyObject *reader_ends(ReaderObject *self, PyObject *arg)
{
    int look = PyObject_IsTrue(arg);
    self->nends = mpl_ends(&self->reader, look > 0, self->ends, MAX_ENDS);
    PyObject *out = PyList_New(self->nends);
    for (int i = 0; out && i < self->nends; i++) {
        const struct mpl_end *e = &self->ends[i];
        const struct mpl_told *told = &e->told[0];
        const uint64_t wall_ns = self->reader.foreign_boot[e->view / MPL_MAX_LANES] ? 0 : (uint64_t)self->reader.wall_offset_ns;
        PyObject *item = Py_BuildValue("(iNINKKKKKKONKKK)", i, mplog_session(e->segment_id, e->view % MPL_MAX_LANES, e->epoch), e->pid,
            mplog_text(e->name, sizeof e->name), e->start_ns, e->last, e->settled, told->delivered, told->filtered, e->settled - told->delivered - told->filtered,
            e->clean ? Py_True : Py_False, mplog_reasons(e->gap.count, e->exact), told->untold, wall_ns && e->gap.first_mono ? e->gap.first_mono + wall_ns : 0ull,
            wall_ns && e->gap.last_mono ? e->gap.last_mono + wall_ns : 0ull);
        if (!item)
            Py_CLEAR(out);
        else
            PyList_SET_ITEM(out, i, item);
    }
    return out;
}

PyDoc_STRVAR(end_told_doc, "end_told(index, sink) -> (delivered, filtered, untold, lost_first): of that end, what the file has of it");
static PyObject *reader_end_told(ReaderObject *self, PyObject *args)
{
    int index;
    unsigned sink;
    if (!PyArg_ParseTuple(args, "iI", &index, &sink))
        return NULL;
    if (index < 0 || index >= self->nends || sink >= self->reader.nsinks)
        return mplog_raise(MPL_E_ARG);
    const struct mpl_told *t = &self->ends[index].told[sink];
    return Py_BuildValue("(KKKK)", t->delivered, t->filtered, t->untold, t->lost_first);
}

static PyObject *reader_close_session(ReaderObject *self, PyObject *arg)
{
    long index = PyLong_AsLong(arg);
    if (PyErr_Occurred())
        return NULL;
    if (index < 0 || index >= self->nends)
        return mplog_raise(MPL_E_ARG);
    int rc = mpl_close_session(&self->reader, &self->ends[index]);
    return PyBool_FromLong(rc == 0);
}

static PyObject *reader_owned(ReaderObject *self, PyObject *unused) { return PyLong_FromLong(mpl_owned(&self->reader)); }
static PyObject *reader_pending(ReaderObject *self, PyObject *unused) { return PyLong_FromUnsignedLongLong(mpl_pending(&self->reader)); }

static PyObject *reader_sleep(ReaderObject *self, PyObject *args)
{
    double timeout_s;
    long long departures = -1;
    if (!PyArg_ParseTuple(args, "d|L", &timeout_s, &departures))
        return NULL;
    const uint64_t timeout_ns = (uint64_t)(timeout_s * 1e9);
    Py_BEGIN_ALLOW_THREADS
    departures < 0 ? (void)mpl_doze(&self->reader, timeout_ns) : mpl_sleep(&self->reader, timeout_ns, (uint32_t)departures);
    Py_END_ALLOW_THREADS
    return PyErr_CheckSignals() ? NULL : Py_NewRef(Py_None);
}

static PyObject *reader_retire(ReaderObject *self, PyObject *arg)
{
    struct mpl_journal *journal;
    if (!journal_of(arg, &journal))
        return NULL;
    return PyBool_FromLong(mpl_retire(&self->reader, journal));
}

static PyObject *reader_tell_doubt(ReaderObject *self, PyObject *unused)
{
    const int rc = mpl_tell_doubt(&self->reader);
    return rc < 0 ? mplog_raise(rc) : Py_NewRef(Py_None);
}

static PyObject *reader_set_aside(ReaderObject *self, PyObject *unused) { return PyBool_FromLong(mpl_set_aside(&self->reader)); }

static PyObject *reader_count(ReaderObject *self, PyObject *args)
{
    const char *name;
    unsigned long long n;
    if (!PyArg_ParseTuple(args, "sK", &name, &n))
        return NULL;
    for (unsigned i = 0; i < MPL_COUNTERS; i++)
        if (strcmp(name, counter_names[i]) == 0) {
            MPL_ACCOUNT(mpl_add(&self->reader.bell->counters[i], n));
            Py_RETURN_NONE;
        }
    PyErr_Format(PyExc_KeyError, "%s is no counter of counters.def", name);
    return NULL;
}

PyDoc_STRVAR(homeless_doc, "homeless() -> ({level: count}, since_ns): events of processes without a lane that no file tells yet");
static PyObject *reader_homeless(ReaderObject *self, PyObject *unused)
{
    uint64_t untold[MPL_REASONS][MPL_LEVELS] = {{0}};
    if (!mpl_homeless_untold(self->reader.bell))
        return Py_BuildValue("({}K)", 0ull);
    const unsigned long long since = mpl_homeless_look(&self->reader, untold[0]);
    PyObject *reasons = mplog_reasons(untold, true), *levels = reasons ? PyDict_GetItemString(reasons, "lane_full") : NULL;
    PyObject *out = levels ? Py_BuildValue("(OK)", levels, since) : NULL;
    Py_XDECREF(reasons);
    return out;
}

static PyObject *reader_set_poison(ReaderObject *self, PyObject *arg)
{
    struct mpl_journal *journal;
    if (!journal_of(arg, &journal) || !journal)
        return PyErr_Occurred() ? NULL : mplog_raise(MPL_E_ARG);
    mpl_poison_load(&self->reader, journal);
    int rc = mpl_poison_watch(journal);
    return rc < 0 ? mplog_raise(rc) : PyLong_FromUnsignedLong(self->reader.npoison);
}

static PyObject *reader_at(ReaderObject *self, PyObject *arg)
{
    const long index = PyLong_AsLong(arg);
    if (index < 0 || index >= (long)self->reader.nitems) {
        mpl_poison_done();
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
    }
    mpl_poison_of(&self->reader);
    mpl_poison_at(&self->reader.items[index]);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(poisoned_doc, "poisoned() -> [(session, seq, record as bytes)] of the last drain that have ended writers");
static PyObject *reader_poisoned(ReaderObject *self, PyObject *unused)
{
    const struct mpl_reader *r = &self->reader;
    PyObject *out = PyList_New(0);
    for (uint32_t i = 0; out && r->npoison && i < r->nitems; i++) {
        const struct mpl_item *item = &r->items[i];
        PyObject *row = item->flags & MPL_ITEM_POISON ? mplog_record(self, item) : Py_None;
        if (!row || (row != Py_None && PyList_Append(out, row)))
            Py_CLEAR(out);
        if (row != Py_None)
            Py_XDECREF(row);
    }
    return out;
}

static PyObject *reader_tell_homeless(ReaderObject *self, PyObject *unused)
{
    self->reader.tells_homeless = true;
    Py_RETURN_NONE;
}

static PyObject *reader_counters(ReaderObject *self, PyObject *unused)
{
    PyObject *out = PyDict_New();
    for (unsigned i = 0; out && i < MPL_COUNTERS; i++) {
        PyObject *n = PyLong_FromUnsignedLongLong(mpl_load(&self->reader.bell->counters[i]));
        if (!n || PyDict_SetItemString(out, counter_names[i], n))
            Py_CLEAR(out);
        Py_XDECREF(n);
    }
    uint64_t homeless = 0;
    for (unsigned i = 0; i < MPL_LEVELS; i++)
        homeless += mpl_load(&self->reader.bell->homeless[i]);
    PyObject *n = PyLong_FromUnsignedLongLong(homeless);
    if (out && n && PyDict_SetItemString(out, "homeless", n))
        Py_CLEAR(out);
    Py_XDECREF(n);
    return out;
}

static PyObject *reader_tell_problem(ReaderObject *self, PyObject *arg)
{
    /* A path in it may hold bytes that are no UTF-8. */
    PyObject *text = PyUnicode_AsEncodedString(arg, "utf-8", "backslashreplace");
    struct mpl_bell *b = self->reader.bell;
    if (!text)
        return NULL;
    size_t n = (size_t)PyBytes_GET_SIZE(text), len = n < sizeof b->problem - 1 ? n : sizeof b->problem - 1;
    memset(b->problem, 0, sizeof b->problem);
    memcpy(b->problem, PyBytes_AS_STRING(text), len);
    mpl_add(&b->problem_seq, 1);
    Py_DECREF(text);
    Py_RETURN_NONE;
}

static PyObject *reader_set_pids(ReaderObject *self, PyObject *args)
{
    unsigned writer, supervisor;
    if (!PyArg_ParseTuple(args, "II", &writer, &supervisor))
        return NULL;
    mpl_store(&self->reader.bell->writer_pid, writer);
    mpl_store(&self->reader.bell->supervisor_pid, supervisor);
    Py_RETURN_NONE;
}

static PyObject *reader_set_overflow_dir(ReaderObject *self, PyObject *arg)
{
    const char *dir = PyUnicode_AsUTF8(arg);
    if (!dir)
        return NULL;
    if (strlen(dir) >= sizeof self->reader.overflow_dir)
        return mplog_raise(MPL_E_ARG);
    strcpy(self->reader.overflow_dir, dir);
    Py_RETURN_NONE;
}

static PyObject *reader_set_threshold(ReaderObject *self, PyObject *arg)
{
    const long level = arg == Py_None ? -1 : PyLong_AsLong(arg);
    if (PyErr_Occurred())
        return NULL;
    if (level < -1 || level > 255)
        return mplog_raise(MPL_E_ARG);
    mpl_store(&self->reader.bell->threshold, (uint32_t)(level + 1));
    Py_RETURN_NONE;
}

PyDoc_STRVAR(broken_doc, "broken() -> [(session, segment, lane)] of lanes set aside since the last call");
static PyObject *reader_broken(ReaderObject *self, PyObject *unused)
{
    PyObject *out = PyList_New(0);
    struct mpl_reader *r = &self->reader;
    for (uint32_t s = 0; out && s < MPL_MAX_SEGMENTS; s++)
        for (uint32_t i = 0; out && r->views[s] && i < r->segments[s].head.lanes; i++) {
            struct mpl_view *v = &r->views[s][i];
            if (!v->quarantined || v->told)
                continue;
            v->told = true;
            PyObject *row = Py_BuildValue("(NII)", mplog_session(r->segments[s].head.segment_id, i, mpl_load(&v->lane->epoch)), s, i);
            if (!row || PyList_Append(out, row))
                Py_CLEAR(out);
            Py_XDECREF(row);
        }
    return out;
}

PyDoc_STRVAR(compose_doc, "compose(journal, offset, room_bytes, format, fallback, sink=0, most=0, limit=0) -> (count, size_bytes, unreadable): lines of the items drained, in the\n"
    "staging area from offset on, by the formatter with that number; fallback(item) -> (bytes, unreadable) makes those that are not plain.");
static PyMethodDef reader_methods[] = {
    {"scan", (PyCFunction)reader_scan, METH_O, "scan(journal or None) -> whether there were new segments"},
    {"drain", (PyCFunction)reader_drain, METH_O, "drain(max_bytes) -> items, oldest first; nothing is consumed yet"},
    {"drain_count", (PyCFunction)reader_drain_count, METH_O, "drain_count(max_bytes) -> how many items there are for compose()"},
    {"compose", (PyCFunction)mplog_compose, METH_VARARGS, compose_doc},
    {"accept", (PyCFunction)reader_accept, METH_O, accept_doc},
    {"items", (PyCFunction)reader_items, METH_O, "items(sink) -> the items of the last drain, as that file has them"},
    {"ranges", (PyCFunction)reader_ranges, METH_O, "ranges(sink) -> what the accepted items' lines tell in that file: {session: (first, last, events)}"},
    {"set_sinks", (PyCFunction)reader_set_sinks, METH_O, "set_sinks(n): for so many files; forgets what was drained"},
    {"set_losing", (PyCFunction)reader_set_losing, METH_O, "set_losing(bits): files that get nothing for now, and are told of the gap when they do again"},
    {"set_filter", (PyCFunction)reader_set_filter, METH_VARARGS, set_filter_doc},
    {"set_condition", (PyCFunction)mplog_set_condition, METH_VARARGS, mplog_set_condition_doc},
    {"set_patterns", (PyCFunction)mplog_set_patterns, METH_O, "set_patterns(on): compose leaves what looks like a secret to the fallback"},
    {"refuse", (PyCFunction)mplog_refuse, METH_VARARGS, mplog_refuse_doc},
    {"set_routes", (PyCFunction)mplog_set_routes, METH_O, "set_routes([(level, [(prefix, level)], condition or None)]): what each sink that is no file wants"},
    {"routed", (PyCFunction)mplog_routed, METH_O, mplog_routed_doc},
    {"rewind", (PyCFunction)reader_rewind, METH_NOARGS, "forget what was drained and accepted since the last commit"},
    {"ends", (PyCFunction)reader_ends, METH_O, ends_doc},
    {"close_session", (PyCFunction)reader_close_session, METH_O, "close_session(index): its end line goes into the batch"},
    {"end_told", (PyCFunction)reader_end_told, METH_VARARGS, end_told_doc},
    {"owned", (PyCFunction)reader_owned, METH_NOARGS, "lanes that somebody holds"},
    {"pending", (PyCFunction)reader_pending, METH_NOARGS, "bytes that nobody has drained"},
    {"sleep", (PyCFunction)reader_sleep, METH_VARARGS, "sleep(timeout_s, departures): until rung; without departures: until something is urgent"},
    {"retire", (PyCFunction)reader_retire, METH_O, "retire(journal) -> whether the service is gone"},
    {"set_aside", (PyCFunction)reader_set_aside, METH_NOARGS, "set_aside() -> whether no publish is under way: every owner claims anew elsewhere"},
    {"tell_doubt", (PyCFunction)reader_tell_doubt, METH_NOARGS, "what is settled and not synced may never reach the disk: told to its producers"},
    {"count", (PyCFunction)reader_count, METH_VARARGS, "count(name, n)"},
    {"homeless", (PyCFunction)reader_homeless, METH_NOARGS, homeless_doc},
    {"set_poison", (PyCFunction)reader_set_poison, METH_O, "set_poison(journal) -> how many records have ended writers: faults are noted there from now on"},
    {"at", (PyCFunction)reader_at, METH_O, "at(index): the item whose line is being made, for the note of a fault; -1: none"},
    {"poisoned", (PyCFunction)reader_poisoned, METH_NOARGS, poisoned_doc},
    {"tell_homeless", (PyCFunction)reader_tell_homeless, METH_NOARGS, "the next commit tells what homeless() was last"},
    {"counters", (PyCFunction)reader_counters, METH_NOARGS, "all counters"},
    {"tell_problem", (PyCFunction)reader_tell_problem, METH_O, "tell_problem(text): for producers to tell on stderr"},
    {"set_pids", (PyCFunction)reader_set_pids, METH_VARARGS, "set_pids(writer, supervisor)"},
    {"set_overflow_dir", (PyCFunction)reader_set_overflow_dir, METH_O, "set_overflow_dir(dir): where producers put chunks, if not beside the segments"},
    {"set_threshold", (PyCFunction)reader_set_threshold, METH_O, "set_threshold(level or None): of all processes of the service, from their next call on"},
    {"lanes", (PyCFunction)mplog_lanes, METH_NOARGS, "a dict for every lane that was ever claimed"},
    {"broken", (PyCFunction)reader_broken, METH_NOARGS, broken_doc},
    {0},
};

#define BELL_GETTER(name) \
    static PyObject *get_##name(ReaderObject *self, void *unused) { return PyLong_FromUnsignedLongLong(mpl_load_acquire(&self->reader.bell->name)); }
BELL_GETTER(departures)
BELL_GETTER(segments)
BELL_GETTER(sync_asked)
static PyObject *get_durable(ReaderObject *self, void *unused) { return PyLong_FromUnsignedLongLong(self->reader.account.durable); }
static PyObject *get_patterns(ReaderObject *self, void *unused) { return PyBool_FromLong(self->redacts); }
BELL_GETTER(writer_pid)
BELL_GETTER(supervisor_pid)
BELL_GETTER(begun)
BELL_GETTER(done)
BELL_GETTER(state)
BELL_GETTER(lane_bytes)
BELL_GETTER(overflow_bytes)
static PyObject *get_problem(ReaderObject *self, void *unused) { return mplog_text(self->reader.bell->problem, sizeof self->reader.bell->problem); }
static PyObject *get_drained(ReaderObject *self, void *unused) { return Py_BuildValue("(KI)", (unsigned long long)self->reader.drains, self->reader.nitems); }
static PyObject *get_seen_segments(ReaderObject *self, void *unused) { return PyLong_FromUnsignedLong(self->reader.seen_segments); }

static PyGetSetDef reader_getset[] = {
    {"departures", (getter)get_departures, NULL, "grows when a producer detaches or wants attention", NULL},
    {"sync_asked", (getter)get_sync_asked, NULL, "grows when somebody waits for the disk", NULL},
    {"durable", (getter)get_durable, NULL, "events among those accepted for the next commit whose calls wait for the disk", NULL},
    {"segments", (getter)get_segments, NULL, "grows with each segment that is added", NULL},
    {"drained", (getter)get_drained, NULL, "(drains so far, items that the last one has brought and nobody has committed or forgotten)", NULL},
    {"seen_segments", (getter)get_seen_segments, NULL, "segments as of the last scan", NULL},
    {"patterns", (getter)get_patterns, NULL, "whether what looks like a secret is hidden", NULL},
    {"writer_pid", (getter)get_writer_pid, NULL, NULL, NULL},
    {"supervisor_pid", (getter)get_supervisor_pid, NULL, NULL, NULL},
    {"begun", (getter)get_begun, NULL, NULL, NULL},
    {"done", (getter)get_done, NULL, NULL, NULL},
    {"state", (getter)get_state, NULL, "1 live, 2 retired", NULL},
    {"lane_bytes", (getter)get_lane_bytes, NULL, "of the lanes of the service", NULL},
    {"overflow_bytes", (getter)get_overflow_bytes, NULL, "of its overflow", NULL},
    {"problem", (getter)get_problem, NULL, "the writer's last problem", NULL},
    {0},
};

static int reader_init(ReaderObject *self, PyObject *args, PyObject *kwargs)
{
    const char *dir, *service;
    int writable = 1;
    Py_ssize_t arena_bytes = 2 << 20;
    if (!PyArg_ParseTuple(args, "ss|pn", &dir, &service, &writable, &arena_bytes))
        return -1;
    self->ends = PyMem_Calloc(MAX_ENDS, sizeof *self->ends);
    int rc = self->ends ? mpl_reader_open(&self->reader, dir, service, writable, (size_t)arena_bytes) : -ENOMEM;
    if (rc)
        mplog_raise(rc);
    return rc ? -1 : 0;
}

static void reader_dealloc(ReaderObject *self)
{
    mplog_forget_routes(self);
    mpl_reader_close(&self->reader);
    for (uint32_t i = 0; i < MPL_MAX_SINKS; i++)
        mpl_memo_free(self->seconds[i].memo);
    PyMem_Free(self->ends);
    PyObject **who = &self->who[0][0][0];
    for (size_t i = 0; i < sizeof self->who / sizeof *who; i++)
        Py_XDECREF(who[i]);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

PyTypeObject ReaderType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mplog._native.Reader",
    .tp_doc = "Reader(dir, service, writable=True, arena_bytes=2 MiB): all lanes of a service",
    .tp_basicsize = sizeof(ReaderObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)reader_init,
    .tp_dealloc = (destructor)reader_dealloc,
    .tp_methods = reader_methods,
    .tp_getset = reader_getset,
};

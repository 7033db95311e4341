/* SPDX-License-Identifier: Apache-2.0
 *
 * Producer: a process's face of its lane. */
#include "pack.h"

/* level, [payload or event], kind, flags: the numbers of the arguments. */
static int parse_event(PyObject *const *args, Py_ssize_t nargs, struct mplog_event *e)
{
    long level = PyLong_AsLong(args[0]), kind = nargs > 2 ? PyLong_AsLong(args[2]) : 0, flags = nargs > 3 ? PyLong_AsLong(args[3]) : 0;
    if (PyErr_Occurred())
        return -1;
    *e = (struct mplog_event){.level = (unsigned)(level < 0 ? 0 : level > 255 ? 255 : level), .kind = (unsigned)kind, .flags = (unsigned)flags};
    return 0;
}

PyDoc_STRVAR(publish_doc, "publish(level, payload, kind=0, flags=0) -> True: accepted; False: dropped and counted; None: larger than max_payload, or closed");
static PyObject *producer_publish(ProducerObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    struct mplog_event e;
    if (nargs < 2 || nargs > 4 || !PyBytes_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "publish(level, payload: bytes, kind=0, flags=0)");
        return NULL;
    }
    if (parse_event(args, nargs, &e))
        return NULL;
    e.payload = PyBytes_AS_STRING(args[1]);
    e.len = (size_t)PyBytes_GET_SIZE(args[1]);
    return mplog_publish(self, &e);
}

/* Encoding and publishing are one call, so that no signal handler of the user's runs between them: an event is never sent twice because of one. */
PyDoc_STRVAR(emit_doc, "emit(level, event, kind=0) -> as publish; None also for what does not encode: it goes the bounded way");
static PyObject *producer_emit(ProducerObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    struct mplog_event e;
    if (nargs < 2 || nargs > 3 || !PyTuple_Check(args[1]) || PyTuple_GET_SIZE(args[1]) < 2 || !self->encode) {
        PyErr_SetString(PyExc_TypeError, "emit(level, event: tuple, kind=0)");
        return NULL;
    }
    if (parse_event(args, nargs, &e))
        return NULL;
    if (!PyUnicode_CheckExact(PyTuple_GET_ITEM(args[1], 1)))
        Py_RETURN_NONE;
    PyObject *payload = PyObject_CallOneArg(self->encode, args[1]);
    if (payload && PyBytes_Check(payload))
        payload = mplog_redact_payload(payload);
    if (!payload || !PyBytes_Check(payload)) {
        Py_XDECREF(payload);
        if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_Exception))
            return NULL;
        PyErr_Clear();
        Py_RETURN_NONE;
    }
    e.payload = PyBytes_AS_STRING(payload);
    e.len = (size_t)PyBytes_GET_SIZE(payload);
    PyObject *result = mplog_publish(self, &e);
    Py_DECREF(payload);
    return result;
}

static PyObject *producer_close(ProducerObject *self, PyObject *unused)
{
    mpl_detach(&self->p, false);
    self->closed = self->unusual = true;
    Py_RETURN_NONE;
}

static PyObject *producer_count_internal(ProducerObject *self, PyObject *unused)
{
    if (self->p.bell)
        MPL_ACCOUNT(mpl_add(&self->p.bell->counters[MPL_COUNT_internal], 1));
    Py_RETURN_NONE;
}

static PyObject *producer_attach(ProducerObject *self, PyObject *unused)
{
    return PyLong_FromLong(self->closed ? MPL_E_STATE : mpl_attach(&self->p));
}

static PyObject *producer_detach(ProducerObject *self, PyObject *final)
{
    int last = PyObject_IsTrue(final);
    if (last < 0)
        return NULL;
    mpl_detach(&self->p, last);
    Py_RETURN_NONE;
}

static PyObject *get_session(ProducerObject *self, void *unused)
{
    if (!mpl_lane_is_mine(&self->p))
        Py_RETURN_NONE;
    return mplog_session(self->p.segment_id, self->p.lane_number, self->p.epoch);
}

/* Events that this session's owner has taken back and the writer had already, once all is settled that was published. */
static uint64_t rescued(const struct mpl_producer *p)
{
    uint64_t counted = 0;
    if (!p->taken_back || !mpl_lane_is_mine(p) || mpl_settled(p) < p->published)
        return 0;
    const uint64_t there = mpl_load(&p->slot->told[0].delivered) + mpl_load(&p->slot->told[0].filtered), dropped = p->seq > there ? p->seq - there : 0;
    for (unsigned i = 0; i < MPL_REASONS; i++)
        for (unsigned k = 0; k < MPL_LEVELS; k++)
            counted += mpl_load(&p->lane->drops[i][k]);
    return counted > dropped ? counted - dropped : 0;
}

#define NUMBER_GETTER(name, expression) \
    static PyObject *get_##name(ProducerObject *self, void *unused) { return PyLong_FromUnsignedLongLong((unsigned long long)(expression)); }
NUMBER_GETTER(seq, mpl_lane_is_mine(&self->p) ? self->p.seq : 0)
NUMBER_GETTER(published, mpl_lane_is_mine(&self->p) ? self->p.published : 0)
NUMBER_GETTER(settled, mpl_lane_is_mine(&self->p) ? mpl_settled(&self->p) : 0)
NUMBER_GETTER(synced, mpl_lane_is_mine(&self->p) ? mpl_synced(&self->p) : 0)
NUMBER_GETTER(segment, self->p.segment)
NUMBER_GETTER(lane, self->p.lane_number)
NUMBER_GETTER(capacity, self->p.capacity)
NUMBER_GETTER(accepted, self->p.accepted - (self->p.taken_back - rescued(&self->p)))
NUMBER_GETTER(dropped, self->p.dropped - rescued(&self->p))
NUMBER_GETTER(max_payload, mpl_max_payload(&self->p) < self->p.max_event_bytes && self->p.capacity ? mpl_max_payload(&self->p) : self->p.max_event_bytes)

static PyObject *get_trouble(ProducerObject *self, void *unused) { return PyLong_FromLong(self->p.trouble); }
static PyObject *get_overflow_error(ProducerObject *self, void *unused)
{
    const int error = self->p.overflow_error;
    self->p.overflow_error = 0;
    return PyLong_FromLong(error);
}
static PyObject *get_memory(ProducerObject *self, void *unused)
{
    const struct mpl_bell *bell = self->p.bell;
    return Py_BuildValue("(KK)", (unsigned long long)(bell ? mpl_load(&bell->lane_bytes) : 0), (unsigned long long)(bell ? mpl_load(&bell->overflow_bytes) : 0));
}
static PyObject *get_overflowing(ProducerObject *self, void *unused) { return PyBool_FromLong(mpl_lane_is_mine(&self->p) && self->p.overflowing); }
static PyObject *get_attached(ProducerObject *self, void *unused) { return PyBool_FromLong(mpl_lane_is_mine(&self->p)); }
static PyObject *get_attended(ProducerObject *self, void *unused) { return PyBool_FromLong(mpl_attended(self->p.dir, self->p.service)); }
static PyObject *get_quarantined(ProducerObject *self, void *unused) { return PyBool_FromLong(mpl_lane_is_mine(&self->p) && mpl_load(&self->p.lane->quarantined)); }

static PyObject *get_backlog(ProducerObject *self, void *unused)
{
    struct mpl_bell *b = self->p.bell;
    return Py_BuildValue("(KK)", b ? (unsigned long long)mpl_load_acquire(&b->begun) : 0ull, b ? (unsigned long long)mpl_load_acquire(&b->done) : 0ull);
}

static PyObject *get_problem(ProducerObject *self, void *unused)
{
    struct mpl_bell *b = self->p.bell;
    char text[sizeof b->problem];
    if (!b)
        return Py_BuildValue("(Is)", 0u, "");
    memcpy(text, b->problem, sizeof text);
    text[sizeof text - 1] = 0;
    return Py_BuildValue("(IN)", mpl_load_acquire(&b->problem_seq), PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace"));
}

static PyGetSetDef producer_getset[] = {
    {"session", (getter)get_session, NULL, "name of the session, or None", NULL},
    {"seq", (getter)get_seq, NULL, "number of the last event", NULL},
    {"published", (getter)get_published, NULL, "number of the last event that was accepted", NULL},
    {"settled", (getter)get_settled, NULL, "number of the last event that stands in the sinks", NULL},
    {"synced", (getter)get_synced, NULL, "number of the last event that is on the disk", NULL},
    {"segment", (getter)get_segment, NULL, NULL, NULL},
    {"lane", (getter)get_lane, NULL, NULL, NULL},
    {"capacity", (getter)get_capacity, NULL, "bytes of the lane, 0 without one", NULL},
    {"accepted", (getter)get_accepted, NULL, "events that were accepted and not taken back", NULL},
    {"dropped", (getter)get_dropped, NULL, NULL, NULL},
    {"max_payload", (getter)get_max_payload, NULL, "largest payload in bytes", NULL},
    {"trouble", (getter)get_trouble, NULL, "why there is no lane, or 0", NULL},
    {"overflowing", (getter)get_overflowing, NULL, "whether events go into the overflow", NULL},
    {"overflow_error", (getter)get_overflow_error, NULL, "why the overflow took an event last not, or 0; asked once, it is 0 again", NULL},
    {"memory", (getter)get_memory, NULL, "(lanes, overflow): bytes that the service has of both", NULL},
    {"attached", (getter)get_attached, NULL, "whether this process holds a lane", NULL},
    {"attended", (getter)get_attended, NULL, "whether a supervisor looks after the service, or there is none to look after", NULL},
    {"quarantined", (getter)get_quarantined, NULL, "whether the writer has set this lane aside", NULL},
    {"backlog", (getter)get_backlog, NULL, "(begun, done): batches of the service", NULL},
    {"problem", (getter)get_problem, NULL, "(number, text) of the writer's last problem", NULL},
    {0},
};

static PyObject *producer_rename(ProducerObject *self, PyObject *arg)
{
    const char *name = PyUnicode_AsUTF8(arg);
    if (!name)
        return NULL;
    mpl_rename(&self->p, name);
    Py_RETURN_NONE;
}

static PyObject *producer_set_policy(ProducerObject *self, PyObject *args)
{
    unsigned when_full, max_event;
    unsigned long long block_ns;
    if (!PyArg_ParseTuple(args, "IKI", &when_full, &block_ns, &max_event))
        return NULL;
    self->p.when_full = when_full;
    self->p.block_ns = block_ns;
    self->p.max_event_bytes = max_event;
    Py_RETURN_NONE;
}

static PyObject *producer_set_durable(ProducerObject *self, PyObject *args)
{
    unsigned level;
    unsigned long long timeout_ns;
    if (!PyArg_ParseTuple(args, "IK", &level, &timeout_ns))
        return NULL;
    self->durable_level = level;
    self->durable_ns = timeout_ns;
    self->unusual = self->closed || level <= 255;
    Py_RETURN_NONE;
}

static PyObject *producer_set_overflow(ProducerObject *self, PyObject *args)
{
    const char *dir;
    unsigned long long bytes, memory_bytes = 0;
    if (!PyArg_ParseTuple(args, "zK|K", &dir, &bytes, &memory_bytes))
        return NULL;
    if (bytes > MPL_OVERFLOW_MAX || (dir && strlen(dir) >= sizeof self->p.overflow_dir))
        return mplog_raise(MPL_E_ARG);
    strcpy(self->p.overflow_dir, dir ? dir : self->p.dir);
    self->p.overflow_bytes = bytes;
    self->p.memory_bytes = memory_bytes > INT64_MAX / 2 ? 0 : memory_bytes;
    Py_RETURN_NONE;
}

static PyObject *producer_set_seen(ProducerObject *self, PyObject *args)
{
    unsigned long long dev, ino;
    unsigned problem;
    if (!PyArg_ParseTuple(args, "KKI", &dev, &ino, &problem))
        return NULL;
    self->p.seen.dev = dev, self->p.seen.ino = ino, self->p.seen.problem = problem;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(seen_doc, "set_seen(dev, ino, problem): of the bell; on_event is told to look where they have changed, or nobody looks after the service");
PyDoc_STRVAR(wait_doc, "wait_settled(target, timeout_s) -> bool: whether the event numbered target stands in the sinks");
PyDoc_STRVAR(sync_doc, "sync(timeout_s) -> bool: whether all that this process has had accepted so far is on the disk; what is in doubt is told once");
static PyMethodDef producer_methods[] = {
    {"publish", (PyCFunction)(void (*)(void))producer_publish, METH_FASTCALL, publish_doc},
    {"emit", (PyCFunction)(void (*)(void))producer_emit, METH_FASTCALL, emit_doc},
    {"close", (PyCFunction)producer_close, METH_NOARGS, "close(): gives the lane back for good; publish and emit return None from now on"},
    {"count_internal", (PyCFunction)producer_count_internal, METH_NOARGS, "count_internal(): a fault of mplog's own inside a log call"},
    {"attach", (PyCFunction)producer_attach, METH_NOARGS, "attach() -> 0, or a negative code"},
    {"detach", (PyCFunction)producer_detach, METH_O, "detach(final): gives the lane back"},
    {"wait_settled", (PyCFunction)mplog_wait_settled, METH_VARARGS, wait_doc},
    {"sync", (PyCFunction)mplog_sync, METH_O, sync_doc},
    {"set_durable", (PyCFunction)producer_set_durable, METH_VARARGS, "set_durable(level, timeout_ns): from this level up a call returns when its event is on the disk; above 255: none does"},
    {"rename", (PyCFunction)producer_rename, METH_O, "rename(process_name): of this process's session too"},
    {"set_policy", (PyCFunction)producer_set_policy, METH_VARARGS, "set_policy(when_full, block_ns, max_event_bytes)"},
    {"set_seen", (PyCFunction)producer_set_seen, METH_VARARGS, seen_doc},
    {"set_overflow", (PyCFunction)producer_set_overflow, METH_VARARGS, "set_overflow(dir or None, bytes, memory=0): where chunks go, how much all of the service's may take, and with its lanes; 0: no bound"},
    {0},
};

static int producer_new_init(ProducerObject *self, PyObject *args, PyObject *kwargs)
{
    const char *dir, *service, *name;
    PyObject *on_event = Py_None, *encode = NULL;
    if (!PyArg_ParseTuple(args, "sss|OO", &dir, &service, &name, &on_event, &encode))
        return -1;
    int rc = mpl_producer_init(&self->p, dir, service, name);
    if (rc) {
        mplog_raise(rc);
        return -1;
    }
    self->on_event = Py_NewRef(on_event);
    self->encode = Py_XNewRef(encode);
    return 0;
}

static int producer_traverse(ProducerObject *self, visitproc visit, void *arg)
{
    Py_VISIT(self->on_event);
    Py_VISIT(self->encode);
    return 0;
}

static int producer_clear(ProducerObject *self)
{
    Py_CLEAR(self->on_event);
    Py_CLEAR(self->encode);
    return 0;
}

static void producer_dealloc(ProducerObject *self)
{
    PyObject_GC_UnTrack(self);
    mpl_producer_free(&self->p);
    producer_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

PyTypeObject ProducerType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mplog._native.Producer",
    .tp_doc = "Producer(dir, service, process_name, on_event=None, encode=None): this process's lane",
    .tp_basicsize = sizeof(ProducerObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)producer_new_init,
    .tp_dealloc = (destructor)producer_dealloc,
    .tp_traverse = (traverseproc)producer_traverse,
    .tp_clear = (inquiry)producer_clear,
    .tp_methods = producer_methods,
    .tp_getset = producer_getset,
};

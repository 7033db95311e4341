/* SPDX-License-Identifier: Apache-2.0
 *
 * Producer: a process's face of its lane. The caller holds the GIL from the first instruction of publish to its end, so that threads of one process
 * take turns; only a wait gives it up, and then starts again from the generation test. */
#include <time.h>

#include "native.h"

#define SLICE_NS 100000000u

typedef struct {
    PyObject_HEAD
    struct mpl_producer p;
    PyObject *on_event;
    int told_trouble;
} ProducerObject;

/* Tells the Python side of something that happened during a publish. What it raises is not the log call's to raise. */
static void tell(ProducerObject *self, const char *what)
{
    if (!self->on_event || self->on_event == Py_None)
        return;
    PyObject *result = PyObject_CallFunction(self->on_event, "s", what);
    if (result)
        Py_DECREF(result);
    else
        PyErr_WriteUnraisable(self->on_event);
}

/* A claim is told before the first event goes into it, so that the session carries the name which Python knows only now. */
static void before_publish(ProducerObject *self)
{
    struct mpl_producer *p = &self->p;
    if (!mpl_lane_is_mine(p) && !(p->trouble && p->generation == mpl_generation() && mpl_now(CLOCK_MONOTONIC) < p->retry_ns))
        mpl_attach(p);
    if (p->claimed) {
        p->claimed = false;
        self->told_trouble = 0;
        tell(self, "claimed");
    }
}

static void after_publish(ProducerObject *self)
{
    struct mpl_producer *p = &self->p;
    if (p->trouble && p->trouble != self->told_trouble) {
        self->told_trouble = p->trouble;
        tell(self, "trouble");
    }
    if (p->wants_look) {
        p->wants_look = false;
        tell(self, "look");
    }
}

/* One slice of waiting without the GIL; -1 with the exception of a signal handler. */
static int wait_slice(ProducerObject *self, uint64_t target, uint64_t left_ns)
{
    int moved;
    self->p.waiting++;
    Py_BEGIN_ALLOW_THREADS
    moved = mpl_wait(&self->p, target, left_ns < SLICE_NS ? left_ns : SLICE_NS);
    Py_END_ALLOW_THREADS
    if (self->p.waiting)
        self->p.waiting--;
    if (PyErr_CheckSignals())
        return -1;
    if (!moved)
        tell(self, "stalled");
    return 0;
}

/* No lane: tell, which may set up what was missing, and try once more before the event counts as lost. */
static enum mpl_outcome publish_homeless(ProducerObject *self, unsigned level, unsigned kind, unsigned flags, const char *payload, Py_ssize_t len)
{
    enum mpl_outcome outcome = MPL_HOMELESS;
    after_publish(self);
    if (self->p.lane)
        outcome = mpl_publish(&self->p, level, kind, flags, payload, (size_t)len);
    if (outcome == MPL_HOMELESS)
        mpl_drop(&self->p, MPL_REASON_lane_full, level);
    return outcome == MPL_HOMELESS ? MPL_DROPPED : outcome;
}

static PyObject *publish_waiting(ProducerObject *self, unsigned level, unsigned kind, unsigned flags, const char *payload, Py_ssize_t len)
{
    uint64_t deadline = mpl_now(CLOCK_MONOTONIC) + self->p.block_ns;
    enum mpl_outcome outcome = MPL_WAIT;
    int interrupted = 0;
    while (outcome == MPL_WAIT) {
        uint64_t now = mpl_now(CLOCK_MONOTONIC);
        if (now >= deadline || interrupted) {
            self->p.gave_up = !interrupted;
            mpl_drop(&self->p, MPL_REASON_timeout, level);
            outcome = MPL_DROPPED;
            break;
        }
        interrupted = wait_slice(self, 0, deadline - now) < 0;
        outcome = mpl_publish(&self->p, level, kind, flags, payload, (size_t)len);
        if (outcome == MPL_HOMELESS)
            outcome = publish_homeless(self, level, kind, flags, payload, len);
    }
    if (interrupted)
        return NULL; /* what the user's own signal handler raised */
    after_publish(self);
    return outcome == MPL_TOO_BIG ? Py_NewRef(Py_None) : PyBool_FromLong(outcome == MPL_ACCEPTED);
}

PyDoc_STRVAR(publish_doc, "publish(level, payload, kind=0, flags=0) -> True: accepted; False: dropped and counted; None: larger than max_payload");
static PyObject *producer_publish(ProducerObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs < 2 || nargs > 4 || !PyBytes_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "publish(level, payload: bytes, kind=0, flags=0)");
        return NULL;
    }
    long level = PyLong_AsLong(args[0]), kind = nargs > 2 ? PyLong_AsLong(args[2]) : 0, flags = nargs > 3 ? PyLong_AsLong(args[3]) : 0;
    if (PyErr_Occurred())
        return NULL;
    level = level < 0 ? 0 : level > 255 ? 255 : level;
    struct mpl_producer *p = &self->p;
    if (p->claimed || !mpl_lane_is_mine(p))
        before_publish(self);
    enum mpl_outcome outcome =
        mpl_publish(p, (unsigned)level, (unsigned)kind, (unsigned)flags, PyBytes_AS_STRING(args[1]), (size_t)PyBytes_GET_SIZE(args[1]));
    if (outcome == MPL_HOMELESS)
        outcome = publish_homeless(self, (unsigned)level, (unsigned)kind, (unsigned)flags, PyBytes_AS_STRING(args[1]), PyBytes_GET_SIZE(args[1]));
    if (outcome == MPL_WAIT)
        return publish_waiting(self, (unsigned)level, (unsigned)kind, (unsigned)flags, PyBytes_AS_STRING(args[1]), PyBytes_GET_SIZE(args[1]));
    if (p->wants_look || p->trouble)
        after_publish(self);
    if (outcome == MPL_TOO_BIG)
        Py_RETURN_NONE;
    return PyBool_FromLong(outcome == MPL_ACCEPTED);
}

static PyObject *producer_attach(ProducerObject *self, PyObject *unused)
{
    int rc = mpl_attach(&self->p);
    if (!rc)
        self->told_trouble = 0;
    return PyLong_FromLong(rc);
}

static PyObject *producer_detach(ProducerObject *self, PyObject *final)
{
    int last = PyObject_IsTrue(final);
    if (last < 0)
        return NULL;
    mpl_detach(&self->p, last);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(wait_doc, "wait_settled(target, timeout_s) -> bool: whether the event numbered target stands in the sinks");
static PyObject *producer_wait_settled(ProducerObject *self, PyObject *args)
{
    unsigned long long target;
    double timeout_s;
    if (!PyArg_ParseTuple(args, "Kd", &target, &timeout_s))
        return NULL;
    uint64_t deadline = mpl_now(CLOCK_MONOTONIC) + (uint64_t)(timeout_s > 0 ? (timeout_s < 1e9 ? timeout_s : 1e9) * 1e9 : 0);
    if (self->p.bell && self->p.lane)
        mpl_add(&self->p.bell->departures, 1);
    while (mpl_lane_is_mine(&self->p) && mpl_settled(&self->p) < target) {
        uint64_t now = mpl_now(CLOCK_MONOTONIC);
        if (now >= deadline)
            Py_RETURN_FALSE;
        if (wait_slice(self, target, deadline - now) < 0)
            return NULL;
    }
    Py_RETURN_TRUE;
}

static PyObject *get_session(ProducerObject *self, void *unused)
{
    if (!mpl_lane_is_mine(&self->p))
        Py_RETURN_NONE;
    return mplog_session(self->p.segment_id, self->p.lane_number, self->p.epoch);
}

#define NUMBER_GETTER(name, expression) \
    static PyObject *get_##name(ProducerObject *self, void *unused) { return PyLong_FromUnsignedLongLong((unsigned long long)(expression)); }
NUMBER_GETTER(seq, mpl_lane_is_mine(&self->p) ? self->p.seq : 0)
NUMBER_GETTER(published, mpl_lane_is_mine(&self->p) ? self->p.published : 0)
NUMBER_GETTER(settled, mpl_lane_is_mine(&self->p) ? mpl_settled(&self->p) : 0)
NUMBER_GETTER(segment, self->p.segment)
NUMBER_GETTER(lane, self->p.lane_number)
NUMBER_GETTER(capacity, self->p.capacity)
NUMBER_GETTER(accepted, self->p.accepted)
NUMBER_GETTER(dropped, self->p.dropped)
NUMBER_GETTER(max_payload, mpl_max_payload(&self->p) < self->p.max_event_bytes && self->p.capacity ? mpl_max_payload(&self->p) : self->p.max_event_bytes)

static PyObject *get_trouble(ProducerObject *self, void *unused) { return PyLong_FromLong(self->p.trouble); }
static PyObject *get_attached(ProducerObject *self, void *unused) { return PyBool_FromLong(mpl_lane_is_mine(&self->p)); }
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
    {"segment", (getter)get_segment, NULL, NULL, NULL},
    {"lane", (getter)get_lane, NULL, NULL, NULL},
    {"capacity", (getter)get_capacity, NULL, "bytes of the lane, 0 without one", NULL},
    {"accepted", (getter)get_accepted, NULL, NULL, NULL},
    {"dropped", (getter)get_dropped, NULL, NULL, NULL},
    {"max_payload", (getter)get_max_payload, NULL, "largest payload in bytes", NULL},
    {"trouble", (getter)get_trouble, NULL, "why there is no lane, or 0", NULL},
    {"attached", (getter)get_attached, NULL, "whether this process holds a lane", NULL},
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

static PyMethodDef producer_methods[] = {
    {"publish", (PyCFunction)(void (*)(void))producer_publish, METH_FASTCALL, publish_doc},
    {"attach", (PyCFunction)producer_attach, METH_NOARGS, "attach() -> 0, or a negative code"},
    {"detach", (PyCFunction)producer_detach, METH_O, "detach(final): gives the lane back"},
    {"wait_settled", (PyCFunction)producer_wait_settled, METH_VARARGS, wait_doc},
    {"rename", (PyCFunction)producer_rename, METH_O, "rename(process_name): of this process's session too"},
    {"set_policy", (PyCFunction)producer_set_policy, METH_VARARGS, "set_policy(when_full, block_ns, max_event_bytes)"},
    {0},
};

static int producer_new_init(ProducerObject *self, PyObject *args, PyObject *kwargs)
{
    const char *dir, *service, *name;
    PyObject *on_event = Py_None;
    if (!PyArg_ParseTuple(args, "sss|O", &dir, &service, &name, &on_event))
        return -1;
    int rc = mpl_producer_init(&self->p, dir, service, name);
    if (rc) {
        mplog_raise(rc);
        return -1;
    }
    self->on_event = Py_NewRef(on_event);
    return 0;
}

static void producer_dealloc(ProducerObject *self)
{
    mpl_producer_free(&self->p);
    Py_XDECREF(self->on_event);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

PyTypeObject ProducerType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mplog._native.Producer",
    .tp_doc = "Producer(dir, service, process_name, on_event=None): this process's lane",
    .tp_basicsize = sizeof(ProducerObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)producer_new_init,
    .tp_dealloc = (destructor)producer_dealloc,
    .tp_methods = producer_methods,
    .tp_getset = producer_getset,
};

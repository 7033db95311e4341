/* SPDX-License-Identifier: Apache-2.0
 *
 * Logger: a log call from its level test to its publish, without a Python object and without an allocation where the event is plain. Bytes are encoded
 * where they are taken from, into the process's scratch; what is not plain, and what the reserved keywords ask for, goes through mplog/producer/logger.py
 * and msgspec. The caller holds the GIL; a call that was cut short by a kill has left nothing. */
#include "around.h"
#include "codec/redact.h"
#include "gate.h"

#include <structmember.h> /* after Python.h */

#define PLAIN_ITEMS 10 /* of Event: up to the task; the rest is empty, and left out */

typedef struct {
    PyObject_HEAD
    PyObject *name, *bound; /* a dict, or NULL */
    uint8_t *head;          /* the name, encoded; NULL: it is no text that can be */
    uint8_t *fields;        /* the bound pairs, encoded; NULL: they are encoded with every event */
    uint32_t head_bytes, fields_bytes;
    uint64_t redaction; /* that `fields` was encoded under */
} LoggerObject;

static PyObject *slow, *number_of, *contain; /* of mplog/producer/logger.py */

/* ---- what a logger says with every event ------------------------------------------------------------------------------ */
static uint8_t *kept(const struct mplog_pack *p, const uint8_t *from, uint32_t *n)
{
    *n = (uint32_t)(p->at - from);
    uint8_t *out = PyMem_Malloc(*n + 1);
    if (out)
        memcpy(out, from, *n);
    return out;
}

static bool are_fixed(PyObject *bound)
{
    PyObject *key, *value;
    for (Py_ssize_t place = 0; PyDict_Next(bound, &place, &key, &value);)
        if (!PyUnicode_CheckExact(key) || !mplog_is_fixed(value))
            return false;
    return true;
}

/* Values that can change are encoded when they are logged: an event says what was so at its call. */
static void encode_bound(LoggerObject *self)
{
    struct mplog_scratch s;
    PyMem_Free(self->fields);
    self->fields = NULL;
    self->redaction = mplog_redaction.version;
    if (!self->bound || !are_fixed(self->bound) || !mplog_scratch_take(&s))
        return;
    struct mplog_pack p = {.at = s.bytes, .end = s.bytes + MPLOG_SCRATCH_BYTES};
    if (mplog_pack_pairs(&p, self->bound, PyDict_GET_SIZE(self->bound)))
        self->fields = kept(&p, s.bytes, &self->fields_bytes);
    mplog_scratch_give(&s);
}

static void encode_name(LoggerObject *self)
{
    struct mplog_scratch s;
    PyMem_Free(self->head);
    self->head = NULL;
    if (!mplog_scratch_take(&s))
        return;
    struct mplog_pack p = {.at = s.bytes, .end = s.bytes + MPLOG_SCRATCH_BYTES};
    if (mplog_pack_byte(&p, 0x90 | PLAIN_ITEMS) && mplog_pack_text(&p, self->name))
        self->head = kept(&p, s.bytes, &self->head_bytes);
    mplog_scratch_give(&s);
}

/* Keys of the compiled code are the same objects wherever they stand; any other is compared. */
static bool stands_in(PyObject *key, PyObject *bound)
{
    return PyDict_GetItemWithError(bound, key) != NULL;
}

/* ---- the call --------------------------------------------------------------------------------------------------------------- */
struct call {
    LoggerObject *logger;
    PyObject *template, *const *values, *names; /* of the keywords; NULL without any */
    unsigned level;
};

static bool pack_own(struct mplog_pack *p, const struct call *c)
{
    const Py_ssize_t count = c->names ? PyTuple_GET_SIZE(c->names) : 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *name = PyTuple_GET_ITEM(c->names, i);
        const enum mplog_key kind = mplog_key_of(name);
        if (kind == MPLOG_KEY_RESERVED || !mplog_pack_pair(p, name, c->values[i], kind == MPLOG_KEY_SECRET))
            return false;
    }
    return true;
}

/* Where a call names a field that is bound, its value stands in the bound one's place. */
static bool pack_merged(struct mplog_pack *p, const struct call *c)
{
    PyObject *all = PyDict_Copy(c->logger->bound);
    bool ok = all != NULL;
    for (Py_ssize_t i = 0; ok && c->names && i < PyTuple_GET_SIZE(c->names); i++) {
        PyObject *name = PyTuple_GET_ITEM(c->names, i);
        ok = mplog_key_of(name) != MPLOG_KEY_RESERVED && PyDict_SetItem(all, name, c->values[i]) == 0;
    }
    ok = ok && mplog_pack_dict(p, all);
    Py_XDECREF(all);
    return ok;
}

static bool pack_fields(struct mplog_pack *p, const struct call *c)
{
    LoggerObject *self = c->logger;
    const Py_ssize_t count = c->names ? PyTuple_GET_SIZE(c->names) : 0;
    if (!self->bound)
        return mplog_pack_map(p, count) && pack_own(p, c);
    if (self->redaction != mplog_redaction.version)
        encode_bound(self);
    bool apart = self->fields != NULL;
    for (Py_ssize_t i = 0; apart && i < count; i++)
        apart = !stands_in(PyTuple_GET_ITEM(c->names, i), self->bound);
    if (!apart)
        return pack_merged(p, c);
    return mplog_pack_map(p, PyDict_GET_SIZE(self->bound) + count) && mplog_pack_bytes(p, self->fields, self->fields_bytes) && pack_own(p, c);
}

static bool pack_call(struct mplog_pack *p, const struct call *c)
{
    return mplog_pack_bytes(p, c->logger->head, c->logger->head_bytes) && mplog_pack_text(p, c->template) && pack_fields(p, c) &&
           mplog_pack_context(p) && mplog_pack_place(p) && mplog_pack_thread(p) && mplog_pack_task(p);
}

static PyObject *fields_of(const struct call *c)
{
    PyObject *fields = PyDict_New();
    for (Py_ssize_t i = 0; fields && c->names && i < PyTuple_GET_SIZE(c->names); i++)
        if (PyDict_SetItem(fields, PyTuple_GET_ITEM(c->names, i), c->values[i]))
            Py_CLEAR(fields);
    return fields;
}

/* What has been raised inside a call: False, where it was mplog's own business and has been told; NULL with it, where a signal handler of the user's has
 * raised it, or what has come of telling it is no Exception. */
static PyObject *contained(void)
{
    PyObject *type, *value, *trace;
    if (!contain || !PyErr_ExceptionMatches(PyExc_Exception))
        return NULL;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    if (trace)
        PyException_SetTraceback(value, trace);
    PyObject *ours = PyObject_CallOneArg(contain, value);
    if (ours == Py_False) {
        PyErr_Restore(type, value, trace);
    } else {
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(trace);
        if (!ours && PyErr_ExceptionMatches(PyExc_Exception))
            PyErr_Clear();
    }
    Py_XDECREF(ours);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_False);
}

static PyObject *through_python(const struct call *c, bool with_exception)
{
    PyObject *fields = fields_of(c), *level = fields ? PyLong_FromLong(c->level) : NULL, *result = NULL;
    if (!slow)
        PyErr_SetString(PyExc_RuntimeError, "import mplog, not mplog._native");
    else if (level && (!with_exception || PyDict_SetDefault(fields, mplog_exc_info, Py_True)))
        result = PyObject_CallFunctionObjArgs(slow, (PyObject *)c->logger, level, c->template, fields, NULL);
    Py_XDECREF(level);
    Py_XDECREF(fields);
    return result ? result : contained();
}

/* True, False; None: not plain, or too large, or the service is another one now; NULL with what a signal handler of the user's has raised. */
static PyObject *publish_plain(ProducerObject *producer, const struct call *c)
{
    struct mplog_scratch s;
    PyObject *result = NULL;
    if (!mplog_scratch_take(&s))
        Py_RETURN_NONE;
    struct mplog_pack p = {.at = s.bytes, .end = s.bytes + MPLOG_SCRATCH_BYTES};
    if (pack_call(&p, c)) {
        const struct mplog_event e = {.level = c->level, .payload = (char *)s.bytes, .len = (size_t)(p.at - s.bytes)};
        result = mplog_publish(producer, &e);
    } else if (!PyErr_Occurred()) {
        result = Py_NewRef(Py_None);
    } else {
        result = contained();
    }
    mplog_scratch_give(&s);
    return result;
}

static PyObject *call(const struct call *c)
{
    ProducerObject *producer = mplog_gate.producer;
    if (!producer || !PyUnicode_CheckExact(c->template) || !c->logger->head)
        return through_python(c, false);
    Py_INCREF((PyObject *)producer); /* what runs meanwhile may put another one in its place */
    PyObject *result = publish_plain(producer, c);
    Py_DECREF((PyObject *)producer);
    if (result != Py_None)
        return result;
    Py_DECREF(result);
    return through_python(c, false);
}

static bool one_template(const char *method, Py_ssize_t given, Py_ssize_t wanted)
{
    if (given == wanted)
        return true;
    PyErr_Format(PyExc_TypeError, "%s() takes %s and keywords: %zd positional arguments were given; values go in as fields, {name} in the template shows them",
        method, wanted == 1 ? "a template" : "a level, a template", given);
    return false;
}

#define METHOD(name, number)                                                                                     \
    static PyObject *logger_##name(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *names)      \
    {                                                                                                             \
        if (!one_template(#name, nargs, 1))                                                                       \
            return NULL;                                                                                          \
        if (mplog_threshold() > (number))                                                                         \
            Py_RETURN_FALSE;                                                                                      \
        const struct call c = {.logger = (LoggerObject *)self, .template = args[0], .values = args + 1, .names = names, .level = (number)}; \
        return call(&c);                                                                                          \
    }
METHOD(debug, 10)
METHOD(info, 20)
METHOD(warning, 30)
METHOD(error, 40)
METHOD(critical, 50)

static PyObject *logger_exception(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *names)
{
    if (!one_template("exception", nargs, 1))
        return NULL;
    if (mplog_threshold() > 40)
        Py_RETURN_FALSE;
    const struct call c = {.logger = (LoggerObject *)self, .template = args[0], .values = args + 1, .names = names, .level = 40};
    return through_python(&c, true);
}

/* A level by number or name, 0 to 255; -1 with an exception. */
static long level_of(PyObject *level)
{
    int overflow = 0;
    if (!PyLong_Check(level)) {
        PyObject *found = number_of ? PyObject_CallOneArg(number_of, level) : NULL;
        const long number = found ? PyLong_AsLong(found) : -1;
        Py_XDECREF(found);
        return number;
    }
    const long number = PyLong_AsLongAndOverflow(level, &overflow);
    return overflow > 0 || number > 255 ? 255 : overflow < 0 || number < 0 ? 0 : number;
}

static PyObject *logger_log(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *names)
{
    if (!one_template("log", nargs, 2))
        return NULL;
    const long level = level_of(args[0]);
    if (level < 0)
        return NULL;
    if (mplog_threshold() > (unsigned long)level)
        Py_RETURN_FALSE;
    const struct call c = {.logger = (LoggerObject *)self, .template = args[1], .values = args + 2, .names = names, .level = (unsigned)level};
    return call(&c);
}

static PyObject *logger_is_enabled(PyObject *self, PyObject *level)
{
    const long number = level_of(level);
    return number < 0 ? NULL : PyBool_FromLong(mplog_threshold() <= (unsigned long)number);
}

/* ---- the type ---------------------------------------------------------------------------------------------------------------- */
static int set_up(LoggerObject *self, PyObject *name, PyObject *bound)
{
    PyObject *text = PyUnicode_CheckExact(name) ? Py_NewRef(name) : PyObject_Str(name);
    if (!text)
        return -1;
    Py_XSETREF(self->name, text);
    Py_XSETREF(self->bound, bound && bound != Py_None && PyDict_GET_SIZE(bound) ? Py_NewRef(bound) : NULL);
    encode_name(self);
    encode_bound(self);
    return 0;
}

static int logger_init(LoggerObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"name", "bound", NULL};
    PyObject *name, *bound = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:Logger", keywords, &name, &bound))
        return -1;
    if (bound && bound != Py_None && !PyDict_Check(bound)) {
        PyErr_Format(PyExc_TypeError, "Logger(bound): a dict of fields is wanted, not %.80R", bound);
        return -1;
    }
    PyObject *own = bound && bound != Py_None ? PyDict_Copy(bound) : NULL;
    if (PyErr_Occurred())
        return -1;
    const int rc = set_up(self, name, own);
    Py_XDECREF(own);
    return rc;
}

static PyObject *merged(PyObject *bound, PyObject *const *values, PyObject *names)
{
    PyObject *all = bound ? PyDict_Copy(bound) : PyDict_New();
    for (Py_ssize_t i = 0; all && names && i < PyTuple_GET_SIZE(names); i++)
        if (PyDict_SetItem(all, PyTuple_GET_ITEM(names, i), values[i]))
            Py_CLEAR(all);
    return all;
}

static PyObject *logger_bind(LoggerObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *names)
{
    if (nargs)
        return PyErr_Format(PyExc_TypeError, "bind() takes fields as keywords: %zd positional arguments were given", nargs);
    PyObject *all = merged(self->bound, args, names), *out = NULL;
    if (all && Py_TYPE(self) != &LoggerType) {
        out = PyObject_CallFunctionObjArgs((PyObject *)Py_TYPE(self), self->name, all, NULL);
    } else if (all) {
        out = LoggerType.tp_alloc(&LoggerType, 0);
        if (out && set_up((LoggerObject *)out, self->name, all))
            Py_CLEAR(out);
    }
    Py_XDECREF(all);
    return out;
}

static PyObject *logger_repr(LoggerObject *self)
{
    PyObject *out = PyUnicode_FromFormat("mplog.get_logger(%R", self->name), *key, *value;
    PyObject *bound = self->bound ? PyDict_Copy(self->bound) : NULL; /* a repr may run anything */
    for (Py_ssize_t place = 0; out && bound && PyDict_Next(bound, &place, &key, &value);) {
        const bool secret = PyUnicode_CheckExact(key) && mplog_key_of(key) == MPLOG_KEY_SECRET;
        PyObject *pair = secret ? PyUnicode_FromFormat(", %S=" MPL_REDACTED, key) : PyUnicode_FromFormat(", %S=%R", key, value);
        PyUnicode_AppendAndDel(&out, pair);
    }
    Py_XDECREF(bound);
    if (out)
        PyUnicode_AppendAndDel(&out, PyUnicode_FromString(")"));
    return out;
}

/* A subclass's own attributes travel too. */
static PyObject *logger_reduce(LoggerObject *self, PyObject *unused)
{
    PyObject *state = PyObject_GetAttrString((PyObject *)self, "__dict__");
    if (!state) {
        PyErr_Clear();
        state = Py_NewRef(Py_None);
    }
    return Py_BuildValue("O(OO)N", Py_TYPE(self), self->name, self->bound ? self->bound : Py_None, state);
}

static int logger_traverse(LoggerObject *self, visitproc visit, void *arg)
{
    Py_VISIT(self->bound);
    return 0;
}

static int logger_clear(LoggerObject *self)
{
    Py_CLEAR(self->bound);
    return 0;
}

static void logger_dealloc(LoggerObject *self)
{
    PyObject_GC_UnTrack(self);
    logger_clear(self);
    Py_XDECREF(self->name);
    PyMem_Free(self->head);
    PyMem_Free(self->fields);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *get_bound(LoggerObject *self, void *unused) { return self->bound ? PyDict_Copy(self->bound) : PyDict_New(); }

#define CALL(function) (PyCFunction)(void (*)(void))(function)
#define LEVELLED(name, text) {#name, CALL(logger_##name), METH_FASTCALL | METH_KEYWORDS, #name "($self, template, /, **fields)\n--\n\n" text}
static PyMethodDef logger_methods[] = {
    LEVELLED(debug, "Log at DEBUG."),
    LEVELLED(info, "Log at INFO."),
    LEVELLED(warning, "Log at WARNING."),
    LEVELLED(error, "Log at ERROR."),
    LEVELLED(critical, "Log at CRITICAL."),
    LEVELLED(exception, "Log at ERROR with the exception that is being handled."),
    {"log", CALL(logger_log), METH_FASTCALL | METH_KEYWORDS,
        "log($self, level, template, /, **fields)\n--\n\nLog at any level: a number from 0 to 255, or a name."},
    {"is_enabled", logger_is_enabled, METH_O, "is_enabled($self, level, /)\n--\n\nWhether an event of *level* would pass."},
    {"bind", CALL(logger_bind), METH_FASTCALL | METH_KEYWORDS,
        "bind($self, /, **fields)\n--\n\nA logger of the same name whose events carry *fields* too; this one stays as it is."},
    {"__reduce__", (PyCFunction)logger_reduce, METH_NOARGS, NULL},
    {0},
};

static PyMemberDef logger_members[] = {
    {"name", T_OBJECT_EX, offsetof(LoggerObject, name), READONLY, "The name that events carry."},
    {0},
};

static PyGetSetDef logger_getset[] = {
    {"bound", (getter)get_bound, NULL, "The fields that all its events carry: a copy.", NULL},
    {0},
};

PyDoc_STRVAR(logger_doc, "Logger(name, bound=None)\n--\n\n"
    "A named source of events, with fields that all its events carry.\n\n"
    "Every log method takes a template with `{name}` places, the fields as keywords, and `exc_info`,\n"
    "`stack_info`, `stacklevel` as the standard library has them. It returns True when the event was\n"
    "accepted, False when it was filtered or dropped (and counted).");

PyTypeObject LoggerType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mplog.Logger",
    .tp_doc = logger_doc,
    .tp_basicsize = sizeof(LoggerObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)logger_init,
    .tp_dealloc = (destructor)logger_dealloc,
    .tp_traverse = (traverseproc)logger_traverse,
    .tp_clear = (inquiry)logger_clear,
    .tp_repr = (reprfunc)logger_repr,
    .tp_methods = logger_methods,
    .tp_members = logger_members,
    .tp_getset = logger_getset,
};

PyObject *mplog_f_set_hooks(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"encode", "takes", "slow", "number_of", "thread_of", "task_of", "context", "contain", NULL};
    PyObject *encode, *takes, *log, *number, *own;
    struct mplog_hooks around;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "$OOOOOOOO:set_hooks", keywords, &encode, &takes, &log, &number, &around.thread_of, &around.task_of,
            &around.context, &own))
        return NULL;
    if (mplog_pack_init(encode, takes) || mplog_around_init(&around))
        return NULL;
    Py_XSETREF(slow, Py_NewRef(log));
    Py_XSETREF(number_of, Py_NewRef(number));
    Py_XSETREF(contain, Py_NewRef(own));
    Py_RETURN_NONE;
}

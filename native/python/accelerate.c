/* SPDX-License-Identifier: Apache-2.0
 *
 * A call of logging's Logger.info and its like, without a LogRecord: only where nobody could tell. Every call looks at everything that logging would look
 * at, as it is now: logger, its filters, the handlers on the way up, what logging's globals say. Where something of the program's own would see the
 * record, or the call is not a usual one, logging's method gets the call as it came. */
#include "around.h"
#include "frame.h"
#include "gate.h"
#include "record.h"
#include "shortcut.h"

#include <frameobject.h> /* after Python.h; 3.10 has PyFrame_GetBack only here */

#define OWN_ATTRIBUTES 8 /* that logging.Logger gives every logger; its manager comes on top */
#define FILES 64u

enum { FILTERS, DISABLED, CACHE, NAME, HANDLERS, PROPAGATE, PARENT, LEVEL, ATTRIBUTES };
static PyObject *attributes[ATTRIBUTES + 1], *methods[8], *manager[2], *handle[2], *keywords[5];

struct call {
    PyObject *logger, *level; /* an int */
    struct mplog_message message;
    PyObject *extra; /* an exact dict, or NULL */
    PyObject *name;  /* the logger's, held */
    ProducerObject *producer; /* held */
};

/* ---- loggers ---------------------------------------------------------------------------------------------------------------------- */
static bool has_a_truth(PyTypeObject *type)
{
    return (type->tp_as_number && type->tp_as_number->nb_bool) || (type->tp_as_mapping && type->tp_as_mapping->mp_length) ||
           (type->tp_as_sequence && type->tp_as_sequence->sq_length);
}

static unsigned judge_logger(PyTypeObject *type)
{
    return mplog_stdlib.logger && PyType_IsSubtype(type, mplog_stdlib.logger) && !has_a_truth(type) && mplog_knows_none_of(type, attributes) &&
           mplog_all_logging_s(type, methods);
}

/* A new reference to the dict of a logger that is as logging has made it, or NULL. */
static PyObject *dict_of(PyObject *logger)
{
    static struct mplog_verdicts verdicts = {.judge = judge_logger};
    PyObject *dict = mplog_verdict(&verdicts, Py_TYPE(logger)) ? PyObject_GenericGetDict(logger, NULL) : NULL;
    if (!dict)
        PyErr_Clear();
    return dict;
}

/* Whether no method stands in the logger itself. */
static bool is_bare(PyObject *dict)
{
    const Py_ssize_t count = PyDict_GET_SIZE(dict);
    return count <= OWN_ATTRIBUTES || (count == OWN_ATTRIBUTES + 1 && mplog_has_any(dict, manager)) || !mplog_has_any(dict, methods);
}

enum answer { NO, YES, UNKNOWN };

static enum answer truth(PyObject *value)
{
    if (!value || !(PyBool_Check(value) || PyLong_CheckExact(value))) /* fileConfig sets numbers */
        return UNKNOWN;
    return value == Py_True ? YES : value == Py_False ? NO : PyObject_IsTrue(value) ? YES : NO;
}

/* As Logger.isEnabledFor: what has not been asked yet is left to it. */
static enum answer enabled(PyObject *dict, PyObject *level)
{
    const enum answer disabled = truth(PyDict_GetItemWithError(dict, attributes[DISABLED]));
    PyObject *cache = PyDict_GetItemWithError(dict, attributes[CACHE]);
    if (disabled != NO)
        return disabled == YES ? NO : UNKNOWN;
    return cache && PyDict_CheckExact(cache) ? truth(PyDict_GetItemWithError(cache, level)) : UNKNOWN;
}

/* ---- handlers --------------------------------------------------------------------------------------------------------------------- */
static enum answer passes(PyObject *handler, PyObject *level)
{
    PyObject *dict = PyObject_GenericGetDict(handler, NULL), *least = dict ? PyDict_GetItemWithError(dict, attributes[LEVEL]) : NULL;
    enum answer found = UNKNOWN;
    if (least && PyLong_CheckExact(least)) {
        int above, beyond;
        const long own = PyLong_AsLongAndOverflow(least, &above), given = PyLong_AsLongAndOverflow(level, &beyond);
        found = above || beyond ? UNKNOWN : given >= own ? YES : NO;
    }
    Py_XDECREF(dict);
    PyErr_Clear();
    return found;
}

static bool does_nothing(PyObject *handler)
{
    PyObject *dict = PyObject_GenericGetDict(handler, NULL);
    const bool nothing = dict && !mplog_has_any(dict, handle);
    Py_XDECREF(dict);
    return nothing;
}

/* Looks at one handler that logging would call: it must be ours, and the first that is. */
static bool meet(struct call *c, PyObject *handler)
{
    const unsigned verdict = mplog_handler_verdict(Py_TYPE(handler));
    if (!(verdict & MPLOG_HAS_A_LEVEL))
        return false;
    const enum answer wanted = passes(handler, c->level);
    if (wanted != YES)
        return wanted == NO;
    if (verdict & MPLOG_DOES_NOTHING && does_nothing(handler))
        return true;
    if (c->producer)
        return false;
    c->producer = mplog_producer_of(handler, true);
    return c->producer != NULL;
}

static bool meet_all(struct call *c, PyObject *dict)
{
    PyObject *handlers = Py_XNewRef(PyDict_GetItemWithError(dict, attributes[HANDLERS]));
    bool ok = handlers && PyList_CheckExact(handlers);
    for (Py_ssize_t i = 0; ok && i < PyList_GET_SIZE(handlers); i++) {
        PyObject *handler = Py_NewRef(PyList_GET_ITEM(handlers, i));
        ok = meet(c, handler);
        Py_DECREF(handler);
    }
    Py_XDECREF(handlers);
    return ok;
}

/* The way up from the logger, whose dict this is. Takes the reference. */
static bool find_handler(struct call *c, PyObject *dict)
{
    while (dict) {
        const enum answer propagates = truth(PyDict_GetItemWithError(dict, attributes[PROPAGATE]));
        PyObject *parent = Py_XNewRef(PyDict_GetItemWithError(dict, attributes[PARENT]));
        const bool last = propagates == NO || parent == Py_None, ok = parent && propagates != UNKNOWN && meet_all(c, dict);
        Py_DECREF(dict);
        dict = ok && !last ? dict_of(parent) : NULL;
        Py_XDECREF(parent);
        if (!ok || last)
            return ok && c->producer;
    }
    return false;
}

/* ---- what logging's globals say -------------------------------------------------------------------------------------------- */
enum { FACTORY, SOURCE, THREADS, TASKS, CURRENT_FRAME, IS_INTERNAL, GLOBALS };
static PyObject *globals[GLOBALS + 1], *expected[GLOBALS]; /* names; what logging has there, held; NULL: nothing */

static bool globals_are_logging_s(void)
{
    for (size_t i = 0; i < GLOBALS; i++)
        if (PyDict_GetItemWithError(mplog_stdlib.globals, globals[i]) != expected[i])
            return false;
    return mplog_records_are_logging_s();
}

/* What is not logging's own now will never be equal to what is expected. */
static PyObject *expect(size_t i)
{
    PyObject *now = PyDict_GetItemWithError(mplog_stdlib.globals, globals[i]);
    const bool of_text = now && PyUnicode_CheckExact(now) && PyUnicode_Compare(now, mplog_stdlib.source) == 0;
    if (i == FACTORY)
        return Py_NewRef((PyObject *)mplog_stdlib.record);
    if (i == SOURCE)
        return Py_NewRef(of_text ? now : Py_NotImplemented);
    if (i == THREADS || (i == TASKS && now))
        return Py_NewRef(Py_True);
    return !now || mplog_stands_in_logging(now) ? Py_XNewRef(now) : Py_NewRef(Py_NotImplemented);
}

/* ---- the caller ------------------------------------------------------------------------------------------------------------------- */
static bool contains(PyObject *text, const char *part)
{
    const char *whole = PyUnicode_AsUTF8(text);
    if (!whole)
        PyErr_Clear();
    return whole && strstr(whole, part);
}

/* Code that logging does not take for the caller: its own, and from 3.11 on that of the import system. */
static bool is_internal(PyObject *file)
{
    static struct {
        PyObject *file; /* held */
        bool internal;
    } files[FILES];
    const size_t index = ((uintptr_t)file >> 4 ^ (uintptr_t)file >> 10) % FILES;
    if (files[index].file == file)
        return files[index].internal;
    const bool of_import = PY_VERSION_HEX >= 0x030b0000 && contains(file, "importlib") && contains(file, "_bootstrap");
    const bool internal = of_import || PyUnicode_Compare(file, mplog_stdlib.source) == 0;
    files[index].internal = internal;
    Py_XSETREF(files[index].file, Py_NewRef(file));
    return internal;
}

static bool pack_frame(struct mplog_pack *p, PyFrameObject *frame, PyCodeObject *code)
{
    PyObject *line = PyLong_FromLong(PyFrame_GetLineNumber(frame));
    const bool ok = line && mplog_pack_text(p, code->co_filename) && mplog_pack_int(p, line) && mplog_pack_text(p, code->co_name);
    Py_XDECREF(line);
    return ok;
}

/* The call has come through code of logging's: an adapter, logging.info(). */
static bool pack_caller_further_out(struct mplog_pack *p)
{
    PyFrameObject *frame = PyEval_GetFrame();
    Py_XINCREF(frame);
    while (frame) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        const bool found = !is_internal(code->co_filename), ok = found && pack_frame(p, frame, code);
        PyFrameObject *back = found ? NULL : PyFrame_GetBack(frame);
        Py_DECREF(code);
        Py_DECREF(frame);
        if (found)
            return ok;
        frame = back;
    }
    return false;
}

static bool pack_caller(struct mplog_pack *p)
{
    int instruction;
    PyCodeObject *code = mplog_running_code(&instruction);
    if (!code)
        return false;
    return is_internal(code->co_filename) ? pack_caller_further_out(p) : mplog_pack_place(p);
}

/* ---- the event -------------------------------------------------------------------------------------------------------------------- */
/* What makeRecord would refuse is left for it to refuse. */
static bool pack_extra(struct mplog_pack *p, PyObject *extra)
{
    PyObject *key, *value;
    if (!extra)
        return mplog_pack_map(p, 0);
    for (Py_ssize_t place = 0; PyDict_Next(extra, &place, &key, &value);)
        if (!PyUnicode_CheckExact(key) || mplog_is_of_records(key))
            return false;
    return mplog_pack_dict(p, extra);
}

static bool pack_task(struct mplog_pack *p)
{
#if PY_VERSION_HEX >= 0x030c0000
    return mplog_pack_task(p);
#else
    return mplog_pack_byte(p, 0xc0); /* records have none yet */
#endif
}

static bool pack_event(struct mplog_pack *p, const struct call *c)
{
    return mplog_pack_byte(p, 0x90 | MPLOG_RECORD_ITEMS) && mplog_pack_text(p, c->name) && mplog_pack_text(p, c->message.template) &&
           pack_extra(p, c->extra) && mplog_pack_context(p) && pack_caller(p) && mplog_pack_thread(p) && pack_task(p) &&
           mplog_pack_bytes(p, "\xc0\xc0", 2) && mplog_pack_arguments(p, &c->message);
}

/* ---- the call --------------------------------------------------------------------------------------------------------------------- */
/* None: done. NotImplemented: logging's method must do it. NULL: with what a signal handler of the program's has raised. */
static PyObject *publish(struct call *c)
{
    struct mplog_scratch s;
    PyObject *result = NULL;
    struct mplog_event e = {.kind = MPLOG_PERCENT};
    const long level = PyLong_AsLong(c->level);
    e.level = level < 0 ? 0 : level > 255 ? 255 : (unsigned)level;
    if (!mplog_message_settle(&c->message, true))
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_NotImplemented);
    if (!mplog_scratch_take(&s))
        return Py_NewRef(Py_NotImplemented);
    struct mplog_pack p = {.at = s.bytes, .end = s.bytes + MPLOG_SCRATCH_BYTES};
    if (pack_event(&p, c)) {
        e.payload = (char *)s.bytes;
        e.len = (size_t)(p.at - s.bytes);
        result = mplog_publish(c->producer, &e);
    } else if (!PyErr_Occurred()) {
        result = Py_NewRef(Py_None);
    }
    mplog_scratch_give(&s);
    if (!result)
        return NULL;
    Py_DECREF(result);
    return Py_NewRef(result == Py_None ? Py_NotImplemented : Py_None); /* None: it is not plain, too large, or goes elsewhere now */
}

/* extra=…, and what else a call may say without asking for anything. */
static bool take_keyword(struct call *c, PyObject *name, PyObject *value)
{
    enum { EXTRA, EXC_INFO, STACK_INFO, STACKLEVEL, KNOWN };
    int which = 0;
    while (which < KNOWN && name != keywords[which])
        which++;
    if (which == EXTRA && PyDict_CheckExact(value))
        c->extra = value;
    if (which == EXTRA)
        return c->extra || value == Py_None;
    if (which == STACKLEVEL)
        return PyLong_CheckExact(value) && PyLong_AsLong(value) == 1;
    return (which == EXC_INFO && value == Py_None) || (which < STACKLEVEL && value == Py_False);
}

static bool take_keywords(struct call *c, PyObject *const *values, PyObject *names)
{
    bool ok = true;
    for (Py_ssize_t i = 0; ok && i < PyTuple_GET_SIZE(names); i++)
        ok = take_keyword(c, PyTuple_GET_ITEM(names, i), values[i]);
    PyErr_Clear();
    return ok;
}

/* Everything but what is logged, and the chain of loggers. */
static bool is_usual(struct call *c, PyObject *dict, PyObject *const *values, PyObject *names)
{
    c->name = Py_XNewRef(PyDict_GetItemWithError(dict, attributes[NAME]));
    return c->name && PyUnicode_CheckExact(c->name) && mplog_is_empty_list(dict, attributes[FILTERS]) && globals_are_logging_s() &&
           (!names || take_keywords(c, values, names));
}

/* As publish(). */
static PyObject *attempt(struct call *c, PyObject *const *values, PyObject *names)
{
    PyObject *dict = dict_of(c->logger);
    const enum answer wanted = dict && is_bare(dict) ? enabled(dict, c->level) : UNKNOWN;
    if (wanted != YES || !is_usual(c, dict, values, names)) {
        Py_XDECREF(dict);
        return Py_NewRef(wanted == NO ? Py_None : Py_NotImplemented);
    }
    return find_handler(c, dict) ? publish(c) : Py_NewRef(Py_NotImplemented);
}

static PyObject *log_at(ShortcutObject *self, struct call *c, PyObject *const *args, size_t nargsf, PyObject *names)
{
    PyObject *result = attempt(c, args + PyVectorcall_NARGS(nargsf), names);
    Py_XDECREF(c->message.made);
    Py_XDECREF(c->name);
    Py_XDECREF((PyObject *)c->producer);
    if (result != Py_NotImplemented)
        return result;
    Py_DECREF(result);
    return PyObject_Vectorcall(self->original, args, nargsf, names);
}

PyObject *mplog_level_call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *names)
{
    ShortcutObject *s = (ShortcutObject *)self;
    const Py_ssize_t given = PyVectorcall_NARGS(nargsf);
    if (given < 2 || !s->awake)
        return PyObject_Vectorcall(s->original, args, nargsf, names);
    struct call c = {.logger = args[0], .level = s->number, .message = {.template = args[1], .values = args + 2, .count = given - 2}};
    return log_at(s, &c, args, nargsf, names);
}

PyObject *mplog_log_call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *names)
{
    ShortcutObject *s = (ShortcutObject *)self;
    const Py_ssize_t given = PyVectorcall_NARGS(nargsf);
    if (given < 3 || !s->awake || !PyLong_CheckExact(args[1]))
        return PyObject_Vectorcall(s->original, args, nargsf, names);
    struct call c = {.logger = args[0], .level = args[1], .message = {.template = args[2], .values = args + 3, .count = given - 3}};
    return log_at(s, &c, args, nargsf, names);
}

/* ---- set-up ------------------------------------------------------------------------------------------------------------------------ */
int mplog_accelerate_init(void)
{
    static const char *const names[] = {"filters", "disabled", "_cache", "name", "handlers", "propagate", "parent", "level", NULL},
                            *const own[] = {"makeRecord", "_log", "handle", "callHandlers", "findCaller", "isEnabledFor", "filter", NULL},
                            *const rest[] = {"manager", NULL}, *const one[] = {"handle", NULL},
                            *const asked[] = {"_logRecordFactory", "_srcfile", "logThreads", "logAsyncioTasks", "currentframe", "_is_internal_frame", NULL},
                            *const given[] = {"extra", "exc_info", "stack_info", "stacklevel", NULL};
    if (!mplog_intern(names, attributes) || !mplog_intern(own, methods) || !mplog_intern(rest, manager) || !mplog_intern(one, handle) ||
        !mplog_intern(asked, globals) || !mplog_intern(given, keywords))
        return -1;
    for (size_t i = 0; i < GLOBALS; i++)
        Py_XSETREF(expected[i], expect(i));
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The attributes of a LogRecord stand in its dict in the order in which logging has set them, and what came by `extra` stands behind them: one walk reads
 * them and sees that nothing is missing. A record of another class, or one that somebody has rearranged, goes through Python. */
#include "record.h"

#include "around.h"
#include "gate.h"
#include "shortcut.h"

#define MAX_LAYOUT 40
#define MAX_ARGUMENTS 64

enum { NAME, MSG, ARGS, LEVELNO, PATHNAME, LINENO, FUNCTION, THREAD, THREAD_NAME, EXC_INFO, EXC_TEXT, STACK_INFO, TASK, WANTED };
static PyObject *wanted[WANTED + 1], *late[4], *method[3]; /* `late`: what a Formatter leaves in a record */
static PyObject *layout[MAX_LAYOUT];
static int meaning[MAX_LAYOUT]; /* which of the wanted stands there; -1: none */
static Py_ssize_t layout_count;
static PyObject *reserved; /* names that are no field's */

/* ---- message and arguments ----------------------------------------------------------------------------------------------- */
static bool is_plain(PyObject *value)
{
    return PyUnicode_CheckExact(value) || PyLong_CheckExact(value) || PyFloat_CheckExact(value) || value == Py_None || PyBool_Check(value);
}

static bool all_plain(const struct mplog_message *m)
{
    PyObject *key, *value;
    for (Py_ssize_t i = 0; i < m->count; i++)
        if (!is_plain(m->values[i]))
            return false;
    for (Py_ssize_t place = 0; m->mapping && PyDict_Next(m->mapping, &place, &key, &value);)
        if (!is_plain(value) || !PyUnicode_CheckExact(key))
            return false;
    return PyUnicode_CheckExact(m->template) && m->count <= MAX_ARGUMENTS && (!m->mapping || PyDict_GET_SIZE(m->mapping) <= MAX_ARGUMENTS);
}

/* None, or an exact tuple, list or dict. */
static bool take_arguments(struct mplog_message *m, PyObject *args)
{
    m->mapping = NULL;
    m->values = NULL;
    m->count = 0;
    if (PyTuple_CheckExact(args)) {
        m->values = &PyTuple_GET_ITEM(args, 0);
        m->count = PyTuple_GET_SIZE(args);
    } else if (PyList_CheckExact(args)) {
        m->values = &PyList_GET_ITEM(args, 0);
        m->count = PyList_GET_SIZE(args);
    } else if (PyDict_CheckExact(args)) {
        m->mapping = PyDict_GET_SIZE(args) ? args : NULL;
    } else if (args != Py_None) {
        return false;
    }
    return true;
}

/* ---- what only a text can tell ----------------------------------------------------------------------------------------------- */
static Py_UCS4 after_key(PyObject *text, Py_ssize_t at)
{
    const Py_ssize_t n = PyUnicode_GET_LENGTH(text);
    while (at < n && (Py_UNICODE_ISALNUM(PyUnicode_READ_CHAR(text, at)) || PyUnicode_READ_CHAR(text, at) == '_'))
        at++;
    return at + 1 < n && PyUnicode_READ_CHAR(text, at) == ')' ? PyUnicode_READ_CHAR(text, at + 1) : 0;
}

/* Whether `%s` is all that a template asks for: as handler.py's _NOT_JUST_TEXT finds it. */
static bool asks_for_texts(PyObject *template)
{
    const Py_ssize_t n = PyUnicode_GET_LENGTH(template);
    for (Py_ssize_t i = 0; i + 1 < n; i++) {
        if (PyUnicode_READ_CHAR(template, i) != '%')
            continue;
        Py_UCS4 next = PyUnicode_READ_CHAR(template, i + 1);
        if (next == '(')
            next = after_key(template, i + 2);
        if (next && next != 's' && next != '%' && next != '(')
            return false;
    }
    return true;
}

/* A text as str() gives it, and not of a class of its own; NULL, perhaps with an exception. */
static PyObject *text_of(PyObject *value)
{
    PyObject *text = PyObject_Str(value);
    if (text && !PyUnicode_CheckExact(text))
        Py_CLEAR(text);
    return text;
}

/* The usual way of it: values that are not plain, each in the place of a `%s`; or a message alone. */
static bool make_texts(struct mplog_message *m)
{
    PyObject *made = PyTuple_New(m->count + 1);
    bool ok = made && (PyUnicode_CheckExact(m->template) ? asks_for_texts(m->template) : !m->count);
    for (Py_ssize_t i = 0; ok && i <= m->count; i++) {
        PyObject *value = i < m->count ? m->values[i] : m->template, *shown = is_plain(value) ? Py_NewRef(value) : NULL;
        if (i == m->count && shown && !PyUnicode_CheckExact(shown)) /* a message that is a number */
            Py_CLEAR(shown);
        if (!shown)
            shown = text_of(value);
        if ((ok = shown != NULL))
            PyTuple_SET_ITEM(made, i, shown);
    }
    if (!ok) {
        Py_XDECREF(made);
        return false;
    }
    m->template = PyTuple_GET_ITEM(made, m->count);
    m->values = &PyTuple_GET_ITEM(made, 0);
    m->made = made;
    return true;
}

/* What the program's own code raises while it shows a value is logging's to see: the record is made again, as without us. */
static bool ask_python(struct mplog_message *m, bool unpack)
{
    PyObject *given = m->mapping ? Py_NewRef(m->mapping) : PyTuple_New(m->count);
    for (Py_ssize_t i = 0; given && !m->mapping && i < m->count; i++)
        PyTuple_SET_ITEM(given, i, Py_NewRef(m->values[i]));
    PyObject *made = given ? PyObject_CallFunctionObjArgs(mplog_stdlib.arguments, m->template, given, unpack ? Py_True : Py_False, NULL) : NULL;
    Py_XDECREF(given);
    if (!made && PyErr_ExceptionMatches(PyExc_Exception))
        PyErr_Clear();
    m->made = made;
    if (!made || !PyTuple_CheckExact(made) || PyTuple_GET_SIZE(made) != 2)
        return false;
    m->template = PyTuple_GET_ITEM(made, 0);
    return PyUnicode_CheckExact(m->template) && take_arguments(m, PyTuple_GET_ITEM(made, 1));
}

/* Whether LogRecord may take a single argument for a mapping of arguments. */
static bool may_be_mapping(PyObject *value)
{
    if (PyList_CheckExact(value) || PyTuple_CheckExact(value) || PyBytes_CheckExact(value) || is_plain(value))
        return false;
    const int is = PyObject_IsInstance(value, mplog_stdlib.mapping);
    if (is < 0)
        PyErr_Clear();
    return is != 0;
}

bool mplog_message_settle(struct mplog_message *m, bool unpack)
{
    if (unpack && m->count == 1 && PyDict_CheckExact(m->values[0]) && PyDict_GET_SIZE(m->values[0])) {
        m->mapping = m->values[0];
        m->count = 0;
    }
    unpack = unpack && m->count == 1;
    if (all_plain(m))
        return true;
    if (!m->mapping && m->count <= MAX_ARGUMENTS && !(unpack && may_be_mapping(m->values[0])) && make_texts(m))
        return true;
    if (PyErr_Occurred()) {
        if (!PyErr_ExceptionMatches(PyExc_Exception))
            return false;
        PyErr_Clear();
    }
    return ask_python(m, unpack);
}

bool mplog_pack_arguments(struct mplog_pack *p, const struct mplog_message *m)
{
    if (m->mapping)
        return mplog_pack_dict(p, m->mapping);
    if (!m->count)
        return mplog_pack_byte(p, 0xc0);
    bool ok = mplog_pack_head(p, 0x90, 0xdc, m->count);
    for (Py_ssize_t i = 0; ok && i < m->count; i++)
        ok = mplog_pack_value(p, m->values[i]);
    return ok;
}

/* ---- the record ------------------------------------------------------------------------------------------------------------ */
static unsigned judge_record(PyTypeObject *type)
{
    return layout_count && mplog_knows_none_of(type, wanted) && mplog_all_logging_s(type, method);
}

bool mplog_records_are_logging_s(void)
{
    static struct mplog_verdicts verdicts = {.judge = judge_record};
    return mplog_stdlib.record && mplog_verdict(&verdicts, mplog_stdlib.record);
}

bool mplog_is_of_records(PyObject *key)
{
    const int is = PySet_Contains(reserved, key);
    if (is < 0)
        PyErr_Clear();
    return is != 0;
}

struct record {
    PyObject *dict, *values[WANTED]; /* held */
    Py_ssize_t extra;                /* where in the dict what came by `extra` begins */
};

static bool read_record(struct record *r, PyObject *record)
{
    PyObject *key, *value;
    if (!(r->dict = PyObject_GenericGetDict(record, NULL)))
        return false;
    for (Py_ssize_t i = 0; i < layout_count; i++) {
        if (!PyDict_Next(r->dict, &r->extra, &key, &value) || key != layout[i])
            return false;
        if (meaning[i] >= 0)
            r->values[meaning[i]] = Py_NewRef(value);
    }
    return true;
}

static void let_go(struct record *r)
{
    for (size_t i = 0; i < WANTED; i++)
        Py_XDECREF(r->values[i]);
    Py_XDECREF(r->dict);
}

/* Both are keys of dicts, and have been hashed. */
static bool same_text(PyObject *a, PyObject *b)
{
    return a == b || (((PyASCIIObject *)a)->hash == ((PyASCIIObject *)b)->hash && PyUnicode_Compare(a, b) == 0);
}

static bool is_late(PyObject *key) { return same_text(key, late[0]) || same_text(key, late[1]); }

/* Before 3.12 a task's name can only have been put there by somebody. */
static bool is_task(PyObject *key) { return same_text(key, wanted[TASK]); }

static bool pack_extra(struct mplog_pack *p, const struct record *r)
{
    PyObject *key, *value;
    Py_ssize_t left = PyDict_GET_SIZE(r->dict) - layout_count, done = 0;
    bool ok = true;
    for (Py_ssize_t place = r->extra; PyDict_Next(r->dict, &place, &key, &value);) {
        if (!PyUnicode_CheckExact(key) || is_task(key))
            return false;
        left -= is_late(key);
    }
    ok = mplog_pack_map(p, left);
    for (Py_ssize_t place = r->extra; ok && PyDict_Next(r->dict, &place, &key, &value);) {
        if (is_late(key))
            continue;
        if (done++ == left || !PyUnicode_CheckExact(key))
            return false;
        Py_INCREF(key);
        Py_INCREF(value);
        ok = mplog_pack_pair(p, key, value, mplog_key_of(key) == MPLOG_KEY_SECRET);
        Py_DECREF(key);
        Py_DECREF(value);
    }
    return ok && done == left;
}

static bool pack_text_or_empty(struct mplog_pack *p, PyObject *text)
{
    if (text == Py_None)
        return mplog_pack_byte(p, 0xa0);
    return PyUnicode_CheckExact(text) && mplog_pack_text(p, text);
}

static bool pack_number(struct mplog_pack *p, PyObject *number)
{
    if (number == Py_None)
        return mplog_pack_byte(p, 0);
    return PyLong_CheckExact(number) && mplog_pack_int(p, number);
}

static bool pack_exact(struct mplog_pack *p, PyObject *text) { return PyUnicode_CheckExact(text) && mplog_pack_text(p, text); }

static bool pack_task(struct mplog_pack *p, PyObject *task)
{
    return task == NULL || task == Py_None ? mplog_pack_byte(p, 0xc0) : pack_exact(p, task);
}

/* An exception, a stack: rare, and Python's. */
static bool is_usual(PyObject *const *v)
{
    const bool no_error = v[EXC_INFO] == Py_None || v[EXC_INFO] == Py_False;
    return no_error && v[EXC_TEXT] == Py_None && v[STACK_INFO] == Py_None && PyLong_CheckExact(v[LEVELNO]) && PyLong_CheckExact(v[LINENO]);
}

static bool pack_items(struct mplog_pack *p, const struct record *r, const struct mplog_message *m)
{
    PyObject *const *v = r->values;
    return mplog_pack_byte(p, 0x90 | MPLOG_RECORD_ITEMS) && pack_exact(p, v[NAME]) && mplog_pack_text(p, m->template) && pack_extra(p, r) &&
           mplog_pack_context(p) && pack_exact(p, v[PATHNAME]) && mplog_pack_int(p, v[LINENO]) && pack_text_or_empty(p, v[FUNCTION]) &&
           pack_number(p, v[THREAD]) && pack_text_or_empty(p, v[THREAD_NAME]) && pack_task(p, v[TASK]) && mplog_pack_bytes(p, "\xc0\xc0", 2) &&
           mplog_pack_arguments(p, m);
}

static unsigned clamped(PyObject *number)
{
    int overflow;
    const long level = PyLong_AsLongAndOverflow(number, &overflow);
    return overflow > 0 || level > 255 ? 255 : overflow < 0 || level < 0 ? 0 : (unsigned)level;
}

/* False: Python must see to it; with an exception only where that is the program's. */
static bool pack_record(struct mplog_pack *p, PyObject *record, unsigned *level)
{
    struct record r = {0};
    struct mplog_message m = {0};
    bool ok = Py_TYPE(record) == mplog_stdlib.record && mplog_records_are_logging_s() && read_record(&r, record) && is_usual(r.values);
    if (ok) {
        *level = clamped(r.values[LEVELNO]);
        m.template = r.values[MSG];
        ok = (PyTuple_CheckExact(r.values[ARGS]) || !PyList_CheckExact(r.values[ARGS])) && take_arguments(&m, r.values[ARGS]) &&
             mplog_message_settle(&m, false) && pack_items(p, &r, &m);
    }
    Py_XDECREF(m.made);
    let_go(&r);
    return ok;
}

PyObject *mplog_f_pack_record(PyObject *module, PyObject *record)
{
    struct mplog_scratch s;
    unsigned level;
    PyObject *out = NULL;
    if (!mplog_scratch_take(&s))
        return PyErr_NoMemory();
    struct mplog_pack p = {.at = s.bytes, .end = s.bytes + MPLOG_SCRATCH_BYTES};
    if (pack_record(&p, record, &level))
        out = PyBytes_FromStringAndSize((char *)s.bytes, p.at - s.bytes);
    else if (!PyErr_Occurred())
        out = Py_NewRef(Py_None);
    mplog_scratch_give(&s);
    return out;
}

/* ---- handle() and emit() ----------------------------------------------------------------------------------------------------- */
/* True, False; None: Python must see to it; NULL with what a signal handler of the program's has raised. */
static PyObject *publish_record(ProducerObject *producer, PyObject *record)
{
    struct mplog_scratch s;
    PyObject *result = NULL;
    struct mplog_event e = {.kind = MPLOG_PERCENT};
    if (!mplog_scratch_take(&s))
        Py_RETURN_NONE;
    struct mplog_pack p = {.at = s.bytes, .end = s.bytes + MPLOG_SCRATCH_BYTES};
    if (pack_record(&p, record, &e.level)) {
        e.payload = (char *)s.bytes;
        e.len = (size_t)(p.at - s.bytes);
        result = mplog_publish(producer, &e);
    } else if (!PyErr_Occurred()) {
        result = Py_NewRef(Py_None);
    }
    mplog_scratch_give(&s);
    return result;
}

/* As RecordHandler.emit: None, or NULL with an exception. */
static PyObject *emit(ProducerObject *producer, PyObject *handler, PyObject *record)
{
    PyObject *result = publish_record(producer, record);
    Py_DECREF((PyObject *)producer);
    if (result == Py_None) {
        Py_DECREF(result);
        result = PyObject_CallFunctionObjArgs(mplog_stdlib.emit, handler, record, NULL);
    }
    if (!result)
        return NULL;
    Py_DECREF(result);
    Py_RETURN_NONE;
}

static PyObject *original_of(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *names)
{
    return PyObject_Vectorcall(((ShortcutObject *)self)->original, args, nargsf, names);
}

PyObject *mplog_emit_call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *names)
{
    ProducerObject *producer = PyVectorcall_NARGS(nargsf) == 2 && !names ? mplog_producer_of(args[0], false) : NULL;
    return producer ? emit(producer, args[0], args[1]) : original_of(self, args, nargsf, names);
}

/* logging.Handler.handle without its lock: what is done with a record needs none. */
PyObject *mplog_handle_call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *names)
{
    ProducerObject *producer = PyVectorcall_NARGS(nargsf) == 2 && !names ? mplog_producer_of(args[0], true) : NULL;
    if (!producer)
        return original_of(self, args, nargsf, names);
    PyObject *done = emit(producer, args[0], args[1]);
    if (!done)
        return NULL;
    Py_DECREF(done);
#if PY_VERSION_HEX >= 0x030c0000
    return Py_NewRef(args[1]);
#else
    Py_RETURN_TRUE;
#endif
}

/* ---- set-up --------------------------------------------------------------------------------------------------------------------- */
/* A layout that lacks something, as that of a logging to come, stays unknown: then every record goes through Python. */
static void learn_layout(void)
{
    const Py_ssize_t count = PyTuple_GET_SIZE(mplog_stdlib.layout);
    int found = 0;
    for (Py_ssize_t i = 0; i < count && count <= MAX_LAYOUT; i++) {
        layout[i] = PyTuple_GET_ITEM(mplog_stdlib.layout, i); /* which stays as long as this module does */
        meaning[i] = -1;
        for (int w = 0; w < WANTED; w++)
            if (layout[i] == wanted[w]) {
                meaning[i] = w;
                found += w != TASK;
            }
    }
    layout_count = found == WANTED - 1 ? count : 0;
}

int mplog_record_init(void)
{
    static const char *const texts[] = {"name", "msg", "args", "levelno", "pathname", "lineno", "funcName", "thread", "threadName", "exc_info",
        "exc_text", "stack_info", "taskName", NULL};
    static const char *const left[] = {"message", "asctime", NULL}, *const methods[] = {"getMessage", "__init__", NULL};
    if (!mplog_intern(texts, wanted) || !mplog_intern(left, late) || !mplog_intern(methods, method))
        return -1;
    PyObject *names = PySet_New(mplog_stdlib.layout);
    for (size_t i = 0; names && late[i]; i++)
        if (PySet_Add(names, late[i]))
            Py_CLEAR(names);
    if (!names || PySet_Add(names, wanted[TASK]))
        return -1;
    Py_XSETREF(reserved, names);
    learn_layout();
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "stdlib.h"

#include "gate.h"
#include "shortcut.h"

struct mplog_stdlib mplog_stdlib;

PyObject *mplog_intern(const char *const *texts, PyObject **names)
{
    for (; *texts; texts++, names++)
        if (!*names && !(*names = PyUnicode_InternFromString(*texts)))
            return NULL;
    Py_RETURN_NONE;
}

/* ---- classes --------------------------------------------------------------------------------------------------------------------- */
static unsigned version_of(PyTypeObject *type)
{
#if PY_VERSION_HEX < 0x030d0000
    if (!PyType_HasFeature(type, Py_TPFLAGS_VALID_VERSION_TAG))
        return 0;
#endif
    return type->tp_version_tag;
}

unsigned mplog_verdict(struct mplog_verdicts *v, PyTypeObject *type)
{
    const size_t index = ((uintptr_t)type >> 5 ^ (uintptr_t)type >> 10) % MPLOG_VERDICTS;
    const unsigned version = version_of(type);
    if (version && v->known[index].type == type && v->known[index].version == version)
        return v->known[index].verdict;
    const unsigned verdict = v->judge(type);
    v->known[index].type = type;
    v->known[index].version = version_of(type); /* what the judge has looked up has given it one */
    v->known[index].verdict = verdict;
    return verdict;
}

static PyObject *of_class(PyTypeObject *type, PyObject *name)
{
    PyObject *found = PyObject_GetAttr((PyObject *)type, name);
    if (!found)
        PyErr_Clear();
    return found;
}

static bool same_text(PyObject *a, PyObject *b)
{
    return a == b || (PyUnicode_CheckExact(a) && PyUnicode_CheckExact(b) && PyUnicode_Compare(a, b) == 0);
}

bool mplog_stands_in_logging(PyObject *function)
{
    return PyFunction_Check(function) && same_text(((PyCodeObject *)PyFunction_GET_CODE(function))->co_filename, mplog_stdlib.source);
}

/* Under that name: a class may have borrowed another function of logging's for it. */
static bool is_logging_s(PyObject *function, PyObject *name)
{
    return mplog_stands_in_logging(function) && same_text(((PyCodeObject *)PyFunction_GET_CODE(function))->co_name, name);
}

bool mplog_all_logging_s(PyTypeObject *type, PyObject *const *names)
{
    bool all = true;
    for (; all && *names; names++) {
        PyObject *function = of_class(type, *names);
        all = function && is_logging_s(function, *names);
        Py_XDECREF(function);
    }
    return all;
}

bool mplog_knows_none_of(PyTypeObject *type, PyObject *const *names)
{
    bool none = type->tp_getattro == PyObject_GenericGetAttr;
    for (; none && *names; names++) {
        PyObject *found = of_class(type, *names);
        none = !found;
        Py_XDECREF(found);
    }
    return none;
}

bool mplog_has_any(PyObject *dict, PyObject *const *names)
{
    for (; *names; names++)
        if (PyDict_GetItemWithError(dict, *names))
            return true;
    return false;
}

/* ---- handlers -------------------------------------------------------------------------------------------------------------------- */
#define OWN_ATTRIBUTES 6 /* that logging.Handler gives every handler: with no more there is none that hides a method */

static PyObject *handle_name[2], *emit_name[2], *format_name[2], *gate_name[2], *steps[4], *own[3], *hiding[7];
static PyObject *connection_name[2], *producer_name[2];

/* Whether *name* of the class is the shortcut that calls *call*. */
static bool is_shortcut(PyTypeObject *type, PyObject *name, vectorcallfunc call)
{
    PyObject *found = of_class(type, name);
    const bool is = found && Py_IS_TYPE(found, &ShortcutType) && ((ShortcutObject *)found)->vectorcall == call;
    Py_XDECREF(found);
    return is;
}

static bool has_our_gate(PyTypeObject *type)
{
    PyObject *gate = of_class(type, gate_name[0]);
    Py_XDECREF(gate); /* its class holds it */
    return gate == mplog_stdlib.gate;
}

static unsigned judge_ours(PyTypeObject *type)
{
    unsigned verdict = 0;
    if (has_our_gate(type) && mplog_all_logging_s(type, format_name))
        verdict |= MPLOG_EMITS_RECORDS;
    if (verdict && is_shortcut(type, emit_name[0], mplog_emit_call) && mplog_all_logging_s(type, steps) &&
        is_shortcut(type, handle_name[0], mplog_handle_call) && mplog_all_logging_s(mplog_stdlib.handler, handle_name))
        verdict |= MPLOG_HANDLES_RECORDS;
    return verdict;
}

static unsigned judge_handler(PyTypeObject *type)
{
    if (!mplog_stdlib.handler || !PyType_IsSubtype(type, mplog_stdlib.handler) || !mplog_knows_none_of(type, own))
        return 0;
    unsigned verdict = MPLOG_HAS_A_LEVEL;
    if (type == mplog_stdlib.null_handler && mplog_all_logging_s(type, handle_name))
        verdict |= MPLOG_DOES_NOTHING;
    return verdict | judge_ours(type);
}

unsigned mplog_handler_verdict(PyTypeObject *type)
{
    static struct mplog_verdicts verdicts = {.judge = judge_handler};
    return mplog_verdict(&verdicts, type);
}

bool mplog_is_empty_list(PyObject *dict, PyObject *name)
{
    PyObject *list = PyDict_GetItemWithError(dict, name);
    return list && PyList_CheckExact(list) && PyList_GET_SIZE(list) == 0;
}

/* The producer of a handler that has a service of its own; NULL without one. */
static ProducerObject *of_gate(PyObject *gate)
{
    PyObject *connection = PyObject_GetAttr(gate, connection_name[0]);
    PyObject *producer = connection && connection != Py_None ? PyObject_GetAttr(connection, producer_name[0]) : NULL;
    Py_XDECREF(connection);
    if (!producer)
        PyErr_Clear();
    else if (!Py_IS_TYPE(producer, &ProducerType))
        Py_CLEAR(producer);
    return (ProducerObject *)producer;
}

ProducerObject *mplog_producer_of(PyObject *handler, bool handles)
{
    const unsigned verdict = mplog_handler_verdict(Py_TYPE(handler));
    ProducerObject *found = NULL;
    if (!(verdict & (handles ? MPLOG_HANDLES_RECORDS : MPLOG_EMITS_RECORDS)))
        return NULL;
    PyObject *dict = PyObject_GenericGetDict(handler, NULL);
    if (!dict)
        PyErr_Clear();
    else if (handles && !mplog_is_empty_list(dict, own[0]))
        found = NULL;
    else if (PyDict_GET_SIZE(dict) <= OWN_ATTRIBUTES)
        found = (ProducerObject *)Py_XNewRef((PyObject *)mplog_gate.producer);
    else if (!mplog_has_any(dict, hiding)) {
        PyObject *gate = Py_XNewRef(PyDict_GetItemWithError(dict, gate_name[0]));
        found = gate ? of_gate(gate) : (ProducerObject *)Py_XNewRef((PyObject *)mplog_gate.producer);
        Py_XDECREF(gate);
    }
    Py_XDECREF(dict);
    return found;
}

/* ---- set-up ---------------------------------------------------------------------------------------------------------------------- */
static int intern_names(void)
{
    static const struct {
        const char *texts[7];
        PyObject **names;
    } lists[] = {
        {{"handle"}, handle_name}, {{"emit"}, emit_name}, {{"format"}, format_name}, {{"gate"}, gate_name}, {{"filter", "acquire", "release"}, steps},
        {{"filters", "level"}, own}, {{"handle", "emit", "format", "filter", "acquire", "release"}, hiding}, {{"connection"}, connection_name},
        {{"producer"}, producer_name}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (!mplog_intern(lists[i].texts, lists[i].names))
            return -1;
    return 0;
}

static PyTypeObject *class_of(PyObject *globals, const char *name)
{
    PyObject *found = PyDict_GetItemString(globals, name);
    if (found && PyType_Check(found))
        return (PyTypeObject *)Py_NewRef(found);
    PyErr_Format(PyExc_TypeError, "set_logging: logging has no class %s", name);
    return NULL;
}

PyObject *mplog_f_set_logging(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"globals", "source", "gate", "emit", "arguments", "layout", "mapping", NULL};
    PyObject *globals, *source, *gate, *emit, *arguments, *layout, *mapping;
    struct mplog_stdlib *s = &mplog_stdlib;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "$O!UOOOO!O:set_logging", keywords, &PyDict_Type, &globals, &source, &gate, &emit, &arguments,
            &PyTuple_Type, &layout, &mapping))
        return NULL;
    Py_XSETREF(s->globals, Py_NewRef(globals));
    Py_XSETREF(s->gate, Py_NewRef(gate));
    Py_XSETREF(s->emit, Py_NewRef(emit));
    Py_XSETREF(s->arguments, Py_NewRef(arguments));
    Py_XSETREF(s->layout, Py_NewRef(layout));
    Py_XSETREF(s->mapping, Py_NewRef(mapping));
    Py_XSETREF(s->source, Py_NewRef(source));
    if (!(s->record = class_of(globals, "LogRecord")) || !(s->handler = class_of(globals, "Handler")) ||
        !(s->null_handler = class_of(globals, "NullHandler")) || !(s->logger = class_of(globals, "Logger")))
        return NULL;
    if (intern_names() || mplog_record_init() || mplog_accelerate_init())
        return NULL;
    Py_RETURN_NONE;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "shortcut.h"

#include <structmember.h> /* after Python.h */

static const struct {
    const char *name;
    vectorcallfunc call;
    long level; /* -1: none */
} kinds[] = {
    {"handle", mplog_handle_call, -1},
    {"emit", mplog_emit_call, -1},
    {"debug", mplog_level_call, 10},
    {"info", mplog_level_call, 20},
    {"warning", mplog_level_call, 30},
    {"error", mplog_level_call, 40},
    {"critical", mplog_level_call, 50},
    {"log", mplog_log_call, -1},
};

PyObject *mplog_f_shortcut(PyObject *module, PyObject *args)
{
    const char *name;
    PyObject *original;
    size_t i = 0;
    if (!PyArg_ParseTuple(args, "sO", &name, &original))
        return NULL;
    while (i < sizeof kinds / sizeof *kinds && strcmp(kinds[i].name, name) != 0)
        i++;
    if (i == sizeof kinds / sizeof *kinds)
        return PyErr_Format(PyExc_ValueError, "shortcut(%R, …): there is none of that name", PyTuple_GET_ITEM(args, 0));
    ShortcutObject *self = (ShortcutObject *)ShortcutType.tp_alloc(&ShortcutType, 0);
    if (!self)
        return NULL;
    self->vectorcall = kinds[i].call;
    self->original = Py_NewRef(original);
    self->awake = 1;
    if (kinds[i].level >= 0 && !(self->number = PyLong_FromLong(kinds[i].level)))
        Py_CLEAR(self);
    return (PyObject *)self;
}

static PyObject *shortcut_get(PyObject *self, PyObject *object, PyObject *type)
{
    return !object || object == Py_None ? Py_NewRef(self) : PyMethod_New(self, object);
}

/* Name, documentation, signature and code are the original's. */
static PyObject *shortcut_getattro(PyObject *self, PyObject *name)
{
    PyObject *found = PyObject_GenericGetAttr(self, name);
    if (found || !PyErr_ExceptionMatches(PyExc_AttributeError))
        return found;
    PyErr_Clear();
    return PyObject_GetAttr(((ShortcutObject *)self)->original, name);
}

static PyObject *shortcut_repr(ShortcutObject *self) { return PyUnicode_FromFormat("<mplog's shortcut of %R>", self->original); }

static PyObject *get_doc(ShortcutObject *self, void *unused) { return PyObject_GetAttrString(self->original, "__doc__"); }

static int shortcut_traverse(ShortcutObject *self, visitproc visit, void *arg)
{
    Py_VISIT(self->original);
    return 0;
}

static int shortcut_clear(ShortcutObject *self)
{
    Py_CLEAR(self->original);
    return 0;
}

static void shortcut_dealloc(ShortcutObject *self)
{
    PyObject_GC_UnTrack(self);
    if (self->weak)
        PyObject_ClearWeakRefs((PyObject *)self);
    shortcut_clear(self);
    Py_XDECREF(self->number);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyMemberDef shortcut_members[] = {
    {"__wrapped__", T_OBJECT, offsetof(ShortcutObject, original), READONLY, "the method whose place it has taken"},
    {"awake", T_BOOL, offsetof(ShortcutObject, awake), 0, "false: every call goes to the original"},
    {0},
};

static PyGetSetDef shortcut_getset[] = {
    {"__doc__", (getter)get_doc, NULL, NULL, NULL},
    {0},
};

PyTypeObject ShortcutType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mplog._native.Shortcut",
    .tp_basicsize = sizeof(ShortcutObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
    .tp_vectorcall_offset = offsetof(ShortcutObject, vectorcall),
    .tp_weaklistoffset = offsetof(ShortcutObject, weak),
    .tp_call = PyVectorcall_Call,
    .tp_descr_get = shortcut_get,
    .tp_getattro = shortcut_getattro,
    .tp_repr = (reprfunc)shortcut_repr,
    .tp_dealloc = (destructor)shortcut_dealloc,
    .tp_traverse = (traverseproc)shortcut_traverse,
    .tp_clear = (inquiry)shortcut_clear,
    .tp_members = shortcut_members,
    .tp_getset = shortcut_getset,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "deaths.h"

static ReaderObject *reader_of(PyObject *arg)
{
    if (PyObject_TypeCheck(arg, &ReaderType))
        return (ReaderObject *)arg;
    PyErr_SetString(PyExc_TypeError, "a Reader");
    return NULL;
}

PyObject *mplog_f_owners(PyObject *module, PyObject *arg)
{
    const int most = MPL_MAX_SEGMENTS * MPL_MAX_LANES * 2;
    ReaderObject *reader = reader_of(arg);
    struct mpl_owner *found = reader ? PyMem_Calloc((size_t)most, sizeof *found) : NULL;
    if (!found)
        return reader ? PyErr_NoMemory() : NULL;
    const int count = mpl_owners(&reader->reader, found, most);
    PyObject *out = PyList_New(count);
    for (int i = 0; out && i < count; i++) {
        const struct mpl_owner *o = &found[i];
        PyObject *row = Py_BuildValue("(NIKO)", mplog_session(o->segment_id, o->lane, o->epoch), o->pid, o->process_ino, o->ended ? Py_True : Py_False);
        if (row)
            PyList_SET_ITEM(out, i, row);
        else
            Py_CLEAR(out);
    }
    PyMem_Free(found);
    return out;
}

PyObject *mplog_f_process_ino(PyObject *module, PyObject *args)
{
    PyObject *arg;
    int index;
    if (!PyArg_ParseTuple(args, "Oi", &arg, &index))
        return NULL;
    const ReaderObject *reader = reader_of(arg);
    if (!reader || index < 0 || index >= reader->nends)
        return reader ? mplog_raise(MPL_E_ARG) : NULL;
    return PyLong_FromUnsignedLongLong(reader->ends[index].process_ino);
}

PyObject *mplog_f_arrivals(PyObject *module, PyObject *arg)
{
    const ReaderObject *reader = reader_of(arg);
    return reader ? PyLong_FromUnsignedLong(mpl_load_acquire(&reader->reader.bell->arrivals)) : NULL;
}

PyObject *mplog_f_pidfd_ino(PyObject *module, PyObject *arg)
{
    const long fd = PyLong_AsLong(arg);
    return PyErr_Occurred() ? NULL : PyLong_FromUnsignedLongLong(mpl_pidfd_ino((int)fd));
}

PyObject *mplog_f_crash_prepare(PyObject *module, PyObject *arg)
{
    const long fd = PyLong_AsLong(arg);
    const int rc = PyErr_Occurred() ? MPL_E_ARG : mpl_crash_prepare((int)fd);
    if (rc)
        return PyErr_Occurred() ? NULL : mplog_raise(rc);
    Py_RETURN_NONE;
}

PyObject *mplog_f_crash_arm(PyObject *module, PyObject *unused)
{
    const int rc = mpl_crash_arm();
    if (rc)
        return mplog_raise(rc);
    Py_RETURN_NONE;
}

PyObject *mplog_f_crash_tell(PyObject *module, PyObject *arg)
{
    if (arg != Py_None && !PyObject_TypeCheck(arg, &ProducerType))
        return PyErr_Format(PyExc_TypeError, "a Producer or None");
    mpl_crash_tell(arg == Py_None ? NULL : &((ProducerObject *)arg)->p);
    Py_RETURN_NONE;
}

/* self: (run, told). No frame of ours comes into the traceback that way. */
static PyObject *run_watched(PyObject *self, PyObject *unused)
{
    PyObject *result = PyObject_CallNoArgs(PyTuple_GET_ITEM(self, 0)), *kind, *error, *trace;
    if (result)
        return result;
    PyErr_Fetch(&kind, &error, &trace);
    PyErr_NormalizeException(&kind, &error, &trace);
    if (trace)
        PyException_SetTraceback(error, trace);
    PyObject *said = PyObject_CallOneArg(PyTuple_GET_ITEM(self, 1), error);
    Py_XDECREF(said);
    PyErr_Clear();
    PyErr_Restore(kind, error, trace);
    return NULL;
}

static PyMethodDef watched = {"run", run_watched, METH_NOARGS, "what a child of a pool runs"};

PyObject *mplog_f_watched(PyObject *module, PyObject *args)
{
    PyObject *run, *told;
    return PyArg_ParseTuple(args, "OO", &run, &told) ? PyCFunction_New(&watched, args) : NULL;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The `filter` of a file: its program, and what a callable in its place has refused. */
#include "native.h"

const char mplog_set_condition_doc[] = "set_condition(program or None, sink=0): which of the events that set_filter lets through are written";
PyObject *mplog_set_condition(ReaderObject *self, PyObject *args)
{
    const char *program;
    Py_ssize_t len;
    unsigned sink = 0;
    if (!PyArg_ParseTuple(args, "z#|I", &program, &len, &sink))
        return NULL;
    const int rc = program && !len ? MPL_E_ARG : mpl_condition_set(&self->reader, sink, program, program ? (size_t)len : 0);
    return rc ? mplog_raise(rc) : Py_NewRef(Py_None);
}

const char mplog_refuse_doc[] = "refuse(sink, refused): of the items of the last drain, those whose byte is not 0 are filtered for that file";
PyObject *mplog_refuse(ReaderObject *self, PyObject *args)
{
    const char *refused;
    Py_ssize_t len;
    unsigned sink;
    if (!PyArg_ParseTuple(args, "Iy#", &sink, &refused, &len))
        return NULL;
    if (sink >= self->reader.nsinks || (size_t)len != self->reader.nitems || self->composing)
        return mplog_raise(MPL_E_ARG);
    mpl_filter_refuse(&self->reader, sink, (const uint8_t *)refused);
    Py_RETURN_NONE;
}

PyObject *mplog_condition_holds(PyObject *module, PyObject *args)
{
    const char *program, *name;
    Py_ssize_t program_len, name_len;
    unsigned level, pid;
    Py_buffer payload;
    int rc;
    if (!PyArg_ParseTuple(args, "y#IIs#y*", &program, &program_len, &level, &pid, &name, &name_len, &payload))
        return NULL;
    const struct mpl_origin from = {.name = name, .name_len = (size_t)name_len, .pid = pid};
    struct mpl_condition *made = mpl_condition_new(program, (size_t)program_len, &rc);
    PyObject *out = made ? PyBool_FromLong(mpl_condition_holds(made, &from, level, payload.buf, (size_t)payload.len)) : mplog_raise(rc);
    free(made);
    PyBuffer_Release(&payload);
    return out;
}

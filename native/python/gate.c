/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"

#include "fault.h"

struct mplog_gate mplog_gate;

static uint8_t scratch[MPLOG_SCRATCH_BYTES];
static bool taken;
static uint64_t taken_in; /* the generation of the process: a child does not inherit the call of another thread */

bool mplog_scratch_take(struct mplog_scratch *s)
{
    if (FAIL_POINT(scratch))
        return false;
    s->own = taken && taken_in == mpl_generation();
    s->bytes = s->own ? PyMem_Malloc(MPLOG_SCRATCH_BYTES) : scratch;
    if (!s->own) {
        taken = true;
        taken_in = mpl_generation();
    }
    return s->bytes;
}

void mplog_scratch_give(struct mplog_scratch *s)
{
    if (s->own)
        PyMem_Free(s->bytes);
    else
        taken = false;
}

/* The gate's own producer, where it has one and that is all it takes; else *late*. In a forked worker each object of Python's that is touched is a page of
 * its parent's memory copied, so this is no function of Python's. */
static PyObject *attach(PyObject *late, PyObject *unused)
{
    (void)unused;
    ProducerObject *producer = mplog_gate.producer;
    if (producer && !producer->closed && mpl_attach(&producer->p) == 0)
        Py_RETURN_TRUE;
    return PyObject_CallNoArgs(late);
}

static PyMethodDef attach_def = {
    "attach", attach, METH_NOARGS,
    "attach()\n--\n\nClaim this process's lane now instead of at its first event; True when it has one."};

PyObject *mplog_f_attacher(PyObject *module, PyObject *late)
{
    (void)module;
    PyObject *package = PyUnicode_FromString("mplog");
    PyObject *made = package ? PyCFunction_NewEx(&attach_def, late, package) : NULL;
    Py_XDECREF(package);
    return made;
}

PyObject *mplog_f_steer(PyObject *module, PyObject *args)
{
    PyObject *producer;
    unsigned level;
    if (!PyArg_ParseTuple(args, "IO", &level, &producer))
        return NULL;
    if (producer != Py_None && !PyObject_TypeCheck(producer, &ProducerType))
        return PyErr_Format(PyExc_TypeError, "steer(level, producer: a Producer or None)");
    ProducerObject *before = mplog_gate.producer;
    mplog_gate.level = level;
    mplog_gate.producer = producer == Py_None ? NULL : (ProducerObject *)Py_NewRef(producer);
    Py_XDECREF((PyObject *)before);
    Py_RETURN_NONE;
}

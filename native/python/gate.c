/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"

struct mplog_gate mplog_gate;

static uint8_t scratch[MPLOG_SCRATCH_BYTES];
static bool taken;
static uint64_t taken_in; /* the generation of the process: a child does not inherit the call of another thread */

bool mplog_scratch_take(struct mplog_scratch *s)
{
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

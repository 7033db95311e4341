/* SPDX-License-Identifier: Apache-2.0
 *
 * Secrets by how they look, for Python: those of the key names that set_redaction has set. */
#include "codec/patterns.h"

#include "native.h"
#include "pack.h"

static bool append(PyObject **out, const struct mpl_secret *found)
{
    PyObject *row;
    if (!*out && !(*out = PyList_New(0)))
        return false;
    row = Py_BuildValue("(nn)", (Py_ssize_t)found->from, (Py_ssize_t)found->to);
    const bool ok = row && PyList_Append(*out, row) == 0;
    Py_XDECREF(row);
    return ok;
}

const char mplog_secrets_doc[] = "secrets(bytes) -> [(from, to)] of what looks like a secret, in order, or None";
PyObject *mplog_secrets(PyObject *module, PyObject *arg)
{
    Py_buffer text;
    PyObject *out = NULL;
    struct mpl_secret found;
    struct mpl_search search = {0};
    unsigned digits = 0;
    bool ok = true;
    if (PyObject_GetBuffer(arg, &text, PyBUF_SIMPLE))
        return NULL;
    const bool may = mpl_may_hold_secret(text.buf, (size_t)text.len, &digits) || digits >= MPL_CARD_DIGITS;
    while (may && ok && mpl_secret_next(&mplog_redaction, text.buf, (size_t)text.len, &search, &found))
        ok = append(&out, &found);
    PyBuffer_Release(&text);
    if (!ok)
        Py_CLEAR(out);
    return !ok ? NULL : out ? out : Py_NewRef(Py_None);
}

PyObject *mplog_may_hold_secret(PyObject *module, PyObject *arg)
{
    Py_buffer text;
    unsigned digits = 0;
    if (PyObject_GetBuffer(arg, &text, PyBUF_SIMPLE))
        return NULL;
    const bool may = mpl_may_hold_secret(text.buf, (size_t)text.len, &digits) || digits >= MPL_CARD_DIGITS;
    PyBuffer_Release(&text);
    return PyBool_FromLong(may);
}

PyObject *mplog_shows_no_secret(PyObject *module, PyObject *args)
{
    Py_buffer payload;
    unsigned char kind;
    if (!PyArg_ParseTuple(args, "y*b", &payload, &kind))
        return NULL;
    const bool none = mpl_shows_no_secret(&mplog_redaction, kind, payload.buf, (size_t)payload.len);
    PyBuffer_Release(&payload);
    return PyBool_FromLong(none);
}

PyObject *mplog_set_patterns(ReaderObject *self, PyObject *on)
{
    self->redacts = PyObject_IsTrue(on) == 1;
    Py_RETURN_NONE;
}

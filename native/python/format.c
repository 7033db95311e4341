/* SPDX-License-Identifier: Apache-2.0
 *
 * The formatters of the core, one event at a time; the writer's way to them is Reader.compose. */
#include "native.h"
#include "pack.h"

static const struct {
    const char *name;
    enum mpl_format format;
} formats[] = {{"json", MPL_FORMAT_JSON}, {"text", MPL_FORMAT_TEXT}, {"logfmt", MPL_FORMAT_LOGFMT}};

int mplog_add_formats(PyObject *module)
{
    PyObject *out = PyDict_New();
    for (size_t i = 0; out && i < sizeof formats / sizeof *formats; i++) {
        PyObject *number = PyLong_FromLong((long)formats[i].format);
        if (!number || PyDict_SetItemString(out, formats[i].name, number))
            Py_CLEAR(out);
        Py_XDECREF(number);
    }
    int rc = out ? PyModule_AddObjectRef(module, "FORMATS", out) : -1;
    Py_XDECREF(out);
    return rc;
}

PyObject *mplog_format_line(PyObject *module, PyObject *args)
{
    unsigned long long wall_ns, seq, filtered = 0;
    unsigned format, level, kind, flags, pid;
    struct mpl_origin origin = {0};
    struct mpl_second second = {0};
    Py_ssize_t session_len, name_len, room = 1 << 20;
    int redacts = 0;
    Py_buffer payload;
    if (!PyArg_ParseTuple(args, "IKIIIs#KIs#y*|nKp", &format, &wall_ns, &level, &kind, &flags, &origin.session, &session_len, &seq, &pid, &origin.name,
            &name_len, &payload, &room, &filtered, &redacts))
        return NULL;
    second.secrets = redacts ? &mplog_redaction : NULL;
    origin.session_len = (size_t)session_len;
    origin.name_len = (size_t)name_len;
    origin.pid = pid;
    struct mpl_stamp stamp = {.origin = &origin, .wall_ns = wall_ns, .seq = seq, .filtered = filtered, .level = (uint8_t)level, .kind = (uint8_t)kind, .flags = (uint16_t)flags};
    mpl_formatter formatter = mpl_formatter_of((enum mpl_format)format);
    char *out = formatter && room >= 0 ? PyMem_Malloc((size_t)room + 1) : NULL;
    PyObject *line = NULL;
    if (out) {
        int n = formatter(&second, &stamp, payload.buf, (size_t)payload.len, out, (size_t)room);
        line = n < 0 ? PyLong_FromLong(n) : PyBytes_FromStringAndSize(out, n);
    } else if (!formatter) {
        PyErr_Format(PyExc_ValueError, "there is no format %u", format);
    } else {
        PyErr_NoMemory();
    }
    PyMem_Free(out);
    PyBuffer_Release(&payload);
    return line;
}

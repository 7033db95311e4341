/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames for Python: what is kept on disk of records and lanes that could not be written. */
#include <string.h>

#include "native.h"
#include "ring/frame.h"

#define RAW_KIND 255u /* no event: bytes of a lane that was set aside */

static PyObject *framed(const struct mpl_record *head, const char *payload)
{
    const struct mpl_frame frame = {.crc = mpl_frame_sum(head, payload), .len = head->len};
    PyObject *out = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(sizeof frame + head->len));
    if (!out)
        return NULL;
    char *at = PyBytes_AS_STRING(out);
    memset(at, 0, sizeof frame + head->len);
    memcpy(at, &frame, sizeof frame);
    memcpy(at + sizeof frame, head, sizeof *head);
    memcpy(at + MPL_FRAME_HEAD, payload, head->payload_len);
    return out;
}

PyObject *mplog_frame(PyObject *module, PyObject *arg)
{
    struct mpl_record head;
    (void)module;
    if (!PyBytes_Check(arg) || PyBytes_GET_SIZE(arg) < (Py_ssize_t)sizeof head) {
        PyErr_SetString(PyExc_TypeError, "frame(record: bytes)");
        return NULL;
    }
    memcpy(&head, PyBytes_AS_STRING(arg), sizeof head);
    if (head.len != (size_t)PyBytes_GET_SIZE(arg) || head.len != mpl_align8(sizeof head + head.payload_len)) {
        PyErr_SetString(PyExc_ValueError, "a record is as long as it says");
        return NULL;
    }
    return framed(&head, PyBytes_AS_STRING(arg) + sizeof head);
}

PyObject *mplog_frame_of(PyObject *module, PyObject *args)
{
    unsigned long long number;
    const char *bytes;
    Py_ssize_t n;
    (void)module;
    if (!PyArg_ParseTuple(args, "Ky#", &number, &bytes, &n))
        return NULL;
    if (n > (1 << 30)) {
        PyErr_SetString(PyExc_ValueError, "a record is no larger than 1 GiB");
        return NULL;
    }
    const struct mpl_record head = {.len = (uint32_t)mpl_align8(sizeof head + (size_t)n), .seq = number, .payload_len = (uint32_t)n, .kind = RAW_KIND};
    return framed(&head, bytes);
}

PyObject *mplog_frames(PyObject *module, PyObject *arg)
{
    Py_buffer data;
    struct mpl_record head;
    const char *payload;
    size_t at = 0;
    int rc;
    (void)module;
    if (PyObject_GetBuffer(arg, &data, PyBUF_SIMPLE))
        return NULL;
    PyObject *out = PyList_New(0);
    while (out && (rc = mpl_frame_read(data.buf, (size_t)data.len, &at, &head, &payload)) > 0) {
        PyObject *row = Py_BuildValue("(KKKIIIy#)", (unsigned long long)head.seq, (unsigned long long)head.mono_ns, (unsigned long long)head.wall_ns, head.level,
            head.kind, head.flags, payload, (Py_ssize_t)head.payload_len);
        if (!row || PyList_Append(out, row))
            Py_CLEAR(out);
        Py_XDECREF(row);
    }
    PyBuffer_Release(&data);
    if (out && rc < 0) {
        Py_DECREF(out);
        PyErr_Format(PyExc_ValueError, "no frame stands at byte %zu", at);
        return NULL;
    }
    return out;
}

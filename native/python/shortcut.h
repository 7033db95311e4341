/* SPDX-License-Identifier: Apache-2.0
 *
 * Shortcut: stands in the place of a Python method of logging's or of ours, does in C what it can, and leaves all else to that method: with the same
 * arguments, and without a frame of its own. The caller holds the GIL. */
#ifndef MPLOG_SHORTCUT_H
#define MPLOG_SHORTCUT_H

#include "native.h"

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *original, *weak;
    PyObject *number; /* the level of a log method, an int; NULL for the others */
    char awake;       /* false: everything goes to the original */
} ShortcutObject;

extern PyTypeObject ShortcutType;

PyObject *mplog_handle_call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *names);
PyObject *mplog_emit_call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *names);
PyObject *mplog_level_call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *names);
PyObject *mplog_log_call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *names);

PyObject *mplog_f_shortcut(PyObject *module, PyObject *args);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Who lives, and how one dies: for the writer, which tells deaths, and for the process that may crash. */
#ifndef MPLOG_DEATHS_H
#define MPLOG_DEATHS_H

#include "native.h"

PyObject *mplog_f_owners(PyObject *module, PyObject *reader);
PyObject *mplog_f_process_ino(PyObject *module, PyObject *args);
PyObject *mplog_f_arrivals(PyObject *module, PyObject *reader);
PyObject *mplog_f_pidfd_ino(PyObject *module, PyObject *fd);
PyObject *mplog_f_crash_prepare(PyObject *module, PyObject *fd);
PyObject *mplog_f_crash_arm(PyObject *module, PyObject *unused);
PyObject *mplog_f_crash_tell(PyObject *module, PyObject *producer);
PyObject *mplog_f_watched(PyObject *module, PyObject *args);

#endif

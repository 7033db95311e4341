/* SPDX-License-Identifier: Apache-2.0
 *
 * The code that runs, without a frame object: a log call happens far more often than anybody looks at one. */
#ifndef MPLOG_FRAME_H
#define MPLOG_FRAME_H

#include "native.h"

/* The code object of the Python function that has called into C, borrowed while that runs, and the byte offset of its instruction; NULL without one. */
PyCodeObject *mplog_running_code(int *instruction);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Each CPython keeps its frames in a way of its own. From 3.12 on there are functions for it; 3.11 has only its own headers, whose layout is fixed for all
 * of 3.11; in 3.10 every frame is an object. */
#include "frame.h"

#if PY_VERSION_HEX >= 0x030b0000 && PY_VERSION_HEX < 0x030c0000
#define Py_BUILD_CORE 1
#include "internal/pycore_frame.h"
#undef Py_BUILD_CORE
#elif PY_VERSION_HEX < 0x030b0000
#include <frameobject.h>
#endif

#if PY_VERSION_HEX >= 0x030c0000
PyCodeObject *mplog_running_code(int *instruction)
{
    PyThreadState *state = PyThreadState_Get();
#if PY_VERSION_HEX >= 0x030d0000
    struct _PyInterpreterFrame *frame = state->current_frame;
#else
    struct _PyInterpreterFrame *frame = state->cframe->current_frame;
#endif
    if (!frame)
        return NULL;
    PyObject *code = PyUnstable_InterpreterFrame_GetCode(frame);
    Py_XDECREF(code); /* its frame holds it */
    if (!code || !PyCode_Check(code))
        return NULL;
    *instruction = PyUnstable_InterpreterFrame_GetLasti(frame);
    return (PyCodeObject *)code;
}
#elif PY_VERSION_HEX >= 0x030b0000
PyCodeObject *mplog_running_code(int *instruction)
{
    _PyInterpreterFrame *frame = PyThreadState_Get()->cframe->current_frame;
    while (frame && _PyFrame_IsIncomplete(frame))
        frame = frame->previous;
    if (!frame)
        return NULL;
    *instruction = _PyInterpreterFrame_LASTI(frame) * (int)sizeof(_Py_CODEUNIT);
    return frame->f_code;
}
#else
PyCodeObject *mplog_running_code(int *instruction)
{
    PyFrameObject *frame = PyEval_GetFrame();
    if (!frame)
        return NULL;
    PyCodeObject *code = PyFrame_GetCode(frame);
    Py_DECREF(code); /* its frame holds it */
    *instruction = frame->f_lasti * (int)sizeof(uint16_t);
    return code;
}
#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables: the module's functions, constants and types. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "around.h"
#include "deaths.h"
#include "gate.h"
#include "pack.h"
#include "record.h"
#include "ring/spool.h"
#include "shortcut.h"

PyObject *mplog_raise(int code)
{
    if (code > -1000) {
        errno = -code;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    PyObject *error = Py_BuildValue("(si)", mpl_strerror(code), code);
    if (error) {
        PyErr_SetObject(PyExc_RuntimeError, error);
        Py_DECREF(error);
    }
    return NULL;
}

static PyObject *f_bell_create(PyObject *module, PyObject *args)
{
    const char *dir, *service;
    Py_buffer conf;
    struct mpl_bell *bell = NULL;
    bool created = false;
    if (!PyArg_ParseTuple(args, "ssy*", &dir, &service, &conf))
        return NULL;
    int rc = mpl_bell_open(dir, service, conf.buf, (size_t)conf.len, &bell, &created);
    PyBuffer_Release(&conf);
    mpl_bell_close(bell);
    return rc ? mplog_raise(rc) : PyBool_FromLong(created);
}

static PyObject *f_bell_conf(PyObject *module, PyObject *args)
{
    const char *dir, *service;
    size_t len = 1u << 20;
    if (!PyArg_ParseTuple(args, "ss", &dir, &service))
        return NULL;
    char *room = PyMem_Malloc(len);
    if (!room)
        return PyErr_NoMemory();
    int rc = mpl_bell_conf(dir, service, room, &len);
    PyObject *out = rc ? mplog_raise(rc) : PyBytes_FromStringAndSize(room, (Py_ssize_t)len);
    PyMem_Free(room);
    return out;
}

static PyObject *f_bell_path(PyObject *module, PyObject *args)
{
    const char *dir, *service;
    char path[MPL_PATH];
    if (!PyArg_ParseTuple(args, "ss", &dir, &service))
        return NULL;
    int rc = mpl_path(path, dir, service, "bell");
    return rc ? mplog_raise(rc) : PyUnicode_DecodeFSDefault(path);
}

typedef int (*lock_function)(int, off_t, off_t);
static PyObject *lock_with(PyObject *args, lock_function function)
{
    int fd;
    long long byte;
    if (!PyArg_ParseTuple(args, "iL", &fd, &byte))
        return NULL;
    int rc = function(fd, byte, 1);
    if (rc == -EAGAIN || rc == -EACCES)
        Py_RETURN_FALSE;
    if (rc < 0)
        return mplog_raise(rc);
    return PyBool_FromLong(function == mpl_locked ? rc : 1);
}
static PyObject *f_lock(PyObject *module, PyObject *args) { return lock_with(args, mpl_lock); }
static PyObject *f_unlock(PyObject *module, PyObject *args) { return lock_with(args, mpl_unlock); }
static PyObject *f_locked(PyObject *module, PyObject *args) { return lock_with(args, mpl_locked); }

static PyObject *f_owed(PyObject *module, PyObject *args)
{
    const char *dir, *service;
    uint64_t owed[MPL_MAX_SINKS];
    if (!PyArg_ParseTuple(args, "ss", &dir, &service))
        return NULL;
    int rc = mpl_owed(dir, service, owed);
    if (rc)
        return mplog_raise(rc);
    PyObject *out = PyTuple_New(MPL_MAX_SINKS);
    for (Py_ssize_t i = 0; out && i < MPL_MAX_SINKS; i++) {
        PyObject *one = PyLong_FromUnsignedLongLong(owed[i]);
        if (one)
            PyTuple_SET_ITEM(out, i, one);
        else
            Py_CLEAR(out);
    }
    return out;
}

static PyObject *f_rename_noreplace(PyObject *module, PyObject *args)
{
    PyObject *from = NULL, *to = NULL;
    if (!PyArg_ParseTuple(args, "O&O&", PyUnicode_FSConverter, &from, PyUnicode_FSConverter, &to))
        return NULL;
    int rc = renameat2(AT_FDCWD, PyBytes_AS_STRING(from), AT_FDCWD, PyBytes_AS_STRING(to), RENAME_NOREPLACE) ? -errno : 0;
    Py_DECREF(from);
    Py_DECREF(to);
    if (rc)
        return mplog_raise(rc);
    Py_RETURN_NONE;
}

/* A NULL-terminated array of the bytes objects in a sequence; they must outlive it. */
static char **string_array(PyObject *sequence)
{
    Py_ssize_t n = PySequence_Fast_GET_SIZE(sequence);
    char **out = PyMem_Calloc((size_t)n + 1, sizeof *out);
    for (Py_ssize_t i = 0; out && i < n; i++)
        if (PyBytes_AsStringAndSize(PySequence_Fast_GET_ITEM(sequence, i), &out[i], NULL)) {
            PyMem_Free(out);
            return NULL;
        }
    return out;
}

static PyObject *f_spawn(PyObject *module, PyObject *args)
{
    PyObject *argv, *envp;
    const char *stderr_path;
    int keep_fd, stdin_fd = -1, err_fd = -1, out_fd = -1, rc;
    if (!PyArg_ParseTuple(args, "O!O!si|iii", &PyList_Type, &argv, &PyList_Type, &envp, &stderr_path, &keep_fd, &stdin_fd, &err_fd, &out_fd))
        return NULL;
    char **a = string_array(argv), **e = a ? string_array(envp) : NULL;
    if (!a || !e || PyList_GET_SIZE(argv) == 0) {
        PyMem_Free(a);
        PyMem_Free(e);
        return PyErr_Occurred() ? NULL : mplog_raise(MPL_E_ARG);
    }
    struct mpl_spawn spawn = {.argv = a, .envp = e, .stderr_path = stderr_path, .keep_fd = keep_fd, .stdin_fd = stdin_fd, .lent_fds = {err_fd, out_fd}};
    rc = mpl_spawn(&spawn);
    PyMem_Free(a);
    PyMem_Free(e);
    if (rc)
        return mplog_raise(rc);
    Py_RETURN_NONE;
}

static PyObject *f_strerror(PyObject *module, PyObject *arg)
{
    long code = PyLong_AsLong(arg);
    if (PyErr_Occurred())
        return NULL;
    return PyUnicode_FromString(mpl_strerror((int)code));
}

static PyObject *f_generation(PyObject *module, PyObject *unused) { return PyLong_FromUnsignedLongLong(mpl_generation()); }

PyDoc_STRVAR(hooks_doc, "set_hooks(*, encode, takes, slow, number_of, thread_of, task_of, context, contain): what Logger asks Python for (mplog/producer/logger.py)");
PyDoc_STRVAR(set_logging_doc, "set_logging(*, globals, source, gate, emit, arguments, layout, mapping): what the shortcuts know of logging (mplog/producer/handler.py)");
static PyMethodDef functions[] = {
    {"bell_create", f_bell_create, METH_VARARGS, "bell_create(dir, service, conf) -> whether this call made it"},
    {"bell_conf", f_bell_conf, METH_VARARGS, "bell_conf(dir, service) -> the configuration it was born with"},
    {"bell_path", f_bell_path, METH_VARARGS, "bell_path(dir, service) -> path"},
    {"lock", f_lock, METH_VARARGS, "lock(fd, byte) -> granted"},
    {"unlock", f_unlock, METH_VARARGS, "unlock(fd, byte)"},
    {"locked", f_locked, METH_VARARGS, "locked(fd, byte) -> whether somebody else holds it"},
    {"owed", f_owed, METH_VARARGS, "owed(dir, service) -> bytes that each file of the service is owed"},
    {"rename_noreplace", f_rename_noreplace, METH_VARARGS, "rename_noreplace(old, new): FileExistsError when new is there"},
    {"spawn", f_spawn, METH_VARARGS, "spawn(argv, env, stderr_path, keep_fd, stdin_fd=-1, err_fd=-1, out_fd=-1): starts a detached program; the last two become 4 and 5"},
    {"frame", mplog_frame, METH_O, "frame(record) -> it with its length and sum before it, as it stands on disk"},
    {"frame_of", mplog_frame_of, METH_VARARGS, "frame_of(number, bytes) -> a frame of bytes that are no event"},
    {"frames", mplog_frames, METH_O, "frames(bytes) -> [(seq, mono_ns, wall_ns, level, kind, flags, payload)]; ValueError where one is broken"},
    {"strerror", f_strerror, METH_O, "strerror(code) -> text"},
    {"error_rows", mplog_f_error_rows, METH_NOARGS, "error_rows() -> ([(code, class, kind, cause, hint)], [(name, number, code, text)]): native/include/errors.def"},
    {"format_line", mplog_format_line, METH_VARARGS, "format_line(format, wall_ns, level, kind, flags, session, seq, pid, name, payload, room=1 MiB, filtered=0) -> line, or a code below 0"},
    {"attacher", mplog_f_attacher, METH_O, "attacher(late): mplog.attach, which calls late() where it takes more than a claim"},
    {"steer", mplog_f_steer, METH_VARARGS, "steer(level, producer or None): where the loggers' events go, and from which level on"},
    {"set_hooks", (PyCFunction)(void (*)(void))mplog_f_set_hooks, METH_VARARGS | METH_KEYWORDS, hooks_doc},
    {"condition_holds", mplog_condition_holds, METH_VARARGS, "condition_holds(program, level, pid, process_name, payload) -> whether an event passes"},
    {"may_hold_secret", mplog_may_hold_secret, METH_O, "may_hold_secret(bytes) -> whether it is worth a closer look"},
    {"shows_no_secret", mplog_shows_no_secret, METH_VARARGS, "shows_no_secret(payload, kind) -> whether a plain event is known to hold none, in its message neither"},
    {"secrets", mplog_secrets, METH_O, mplog_secrets_doc},
    {"set_enriched", mplog_f_set_enriched, METH_O, "set_enriched(ask or None): what gives, once in each process, the pairs that every event of it has"},
    {"enriched", mplog_f_enriched, METH_NOARGS, "enriched() -> those pairs, or None; asks for them where this process has not"},
    {"set_redaction", mplog_set_redaction, METH_O, "set_redaction(names): keys whose values are secrets"},
    {"redact", mplog_f_redact, METH_O, "redact(payload) -> the payload without secrets"},
    {"pack", mplog_f_pack, METH_VARARGS, "pack(value, room=64 KiB) -> bytes as msgspec writes them, secrets replaced, or None: not plain, or no room"},
    {"set_logging", (PyCFunction)(void (*)(void))mplog_f_set_logging, METH_VARARGS | METH_KEYWORDS, set_logging_doc},
    {"pack_record", mplog_f_pack_record, METH_O, "pack_record(record) -> the event of a LogRecord, or None: Python must make it"},
    {"shortcut", mplog_f_shortcut, METH_VARARGS, "shortcut(name, function) -> what may stand in the place of this method of logging's, or of our handler's"},
    {"owners", mplog_f_owners, METH_O, "owners(reader) -> [(session, pid, process_ino, ended)] of the sessions whose end line is not written yet, by what their slots say"},
    {"process_ino", mplog_f_process_ino, METH_VARARGS, "process_ino(reader, index) -> inode of the pidfd of that one of ends(), 0 where it is not known"},
    {"arrivals", mplog_f_arrivals, METH_O, "arrivals(reader) -> grows with each session that is opened"},
    {"pidfd_ino", mplog_f_pidfd_ino, METH_O, "pidfd_ino(fd) -> a number that no other process ever has, 0 where the kernel has none"},
    {"crash_prepare", mplog_f_crash_prepare, METH_O, "crash_prepare(fd): before faulthandler is told that number"},
    {"crash_arm", mplog_f_crash_arm, METH_NOARGS, "crash_arm(): after that"},
    {"crash_tell", mplog_f_crash_tell, METH_O, "crash_tell(producer or None): whose session a crash of this process is of"},
    {"watched", mplog_f_watched, METH_VARARGS, "watched(run, told) -> run, and what it raises is told on its way out: told(error)"},
    {"generation", f_generation, METH_NOARGS, "number of this process in its line of forks; another in every child"},
    {0},
};

static int add_table(PyObject *module, const char *name, const char *const *rows, size_t n)
{
    PyObject *out = PyDict_New();
    for (size_t i = 0; out && i < n; i++) {
        PyObject *text = PyUnicode_FromString(rows[2 * i + 1]);
        if (!text || PyDict_SetItemString(out, rows[2 * i], text))
            Py_CLEAR(out);
        Py_XDECREF(text);
    }
    int rc = out ? PyModule_AddObjectRef(module, name, out) : -1;
    Py_XDECREF(out);
    return rc;
}

static const char *const reasons[] = {
#define REASON(name, text) #name, text,
#include "counters.def"
};
static const char *const counters[] = {
#define COUNTER(name, text) #name, text,
#include "counters.def"
};
static int module_exec(PyObject *module)
{
    /* Types and caches are the process's own: what a second interpreter left in them would outlive it. */
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError, "mplog cannot be imported in a subinterpreter: use it in the main one (mod_wsgi: WSGIApplicationGroup %{GLOBAL})");
        return -1;
    }
    if (PyModule_AddType(module, &ProducerType) || PyModule_AddType(module, &ReaderType) || PyModule_AddType(module, &JournalType) ||
        PyModule_AddType(module, &LoggerType) || PyModule_AddType(module, &ShortcutType))
        return -1;
    if (add_table(module, "REASONS", reasons, sizeof reasons / sizeof *reasons / 2) ||
        add_table(module, "COUNTERS", counters, sizeof counters / sizeof *counters / 2) || mplog_add_formats(module))
        return -1;
    static const struct {
        const char *name;
        long value;
    } numbers[] = {{"ABI", MPL_ABI}, {"MAX_LANES", MPL_MAX_LANES}, {"MAX_SEGMENTS", MPL_MAX_SEGMENTS}, {"MAX_BATCH_SESSIONS", MPL_MAX_TOUCHES}, {"BLOCK", MPL_BLOCK},
        {"DROP_NEWEST", MPL_DROP_NEWEST}, {"DROP_OLDEST", MPL_DROP_OLDEST}, {"OVERFLOW", MPL_OVERFLOW}, {"LOCK_SUPERVISOR", MPL_LOCK_SUPERVISOR}, {"LOCK_WRITER", MPL_LOCK_WRITER}, {"LOCK_SPAWN", MPL_LOCK_SPAWN}, {"LOCK_ASK", MPL_LOCK_ASK}, {"BELL_DONE", offsetof(struct mpl_bell, done)},
        {"FLAG_CUT", MPL_FLAG_CUT}, {"FLAG_LATE", MPL_FLAG_LATE}, {"FLAG_RECOVERED", MPL_FLAG_RECOVERED}, {"ITEM_FILTERED", MPL_ITEM_FILTERED}, {"ITEM_POISON", MPL_ITEM_POISON},
        {"IDLE", MPL_IDLE}, {"COMMIT", MPL_COMMIT},
        {"ROTATE", MPL_ROTATE}, {"FOUND_TRUNCATED", MPL_FOUND_TRUNCATED}, {"FOUND_FOREIGN", MPL_FOUND_FOREIGN}, {"FOUND_BITS", MPL_FOUND_BITS}, {"MAX_SINKS", MPL_MAX_SINKS}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (PyModule_AddIntConstant(module, numbers[i].name, numbers[i].value))
            return -1;
    return 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)module_exec}, {0}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "mplog._native",
    .m_doc = "The core, for Python: lanes, the reader, the journal.",
    .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__native(void) { return PyModuleDef_Init(&definition); }

/* SPDX-License-Identifier: Apache-2.0
 *
 * Journal: the writer's commit journal; as a buffer it is the staging area. */
#include "native.h"

#include "ring/ahead.h"

static PyObject *outcome(int rc) { return rc < 0 ? mplog_raise(rc) : PyLong_FromLong(rc); }

static PyObject *journal_commit(JournalObject *self, PyObject *args)
{
    ReaderObject *reader;
    int fd, rc;
    Py_ssize_t length;
    if (!PyArg_ParseTuple(args, "O!in", &ReaderType, &reader, &fd, &length))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    rc = mpl_commit(&self->journal, &reader->reader, 0, fd, (size_t)length);
    Py_END_ALLOW_THREADS
    return outcome(rc);
}

static PyObject *journal_redo(JournalObject *self, PyObject *args)
{
    ReaderObject *reader;
    int fd, rc;
    if (!PyArg_ParseTuple(args, "O!i", &ReaderType, &reader, &fd))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    rc = mpl_redo(&self->journal, &reader->reader, fd);
    Py_END_ALLOW_THREADS
    return outcome(rc);
}

/* One tuple a file, in a list: their number, or -1 with an exception. */
static Py_ssize_t count_of(PyObject *list)
{
    if (PyList_Check(list) && PyList_GET_SIZE(list) <= (Py_ssize_t)MPL_MAX_SINKS)
        return PyList_GET_SIZE(list);
    PyErr_Format(PyExc_TypeError, "a list of one entry a file, at most %u", MPL_MAX_SINKS);
    return -1;
}

static Py_ssize_t fds_of(PyObject *list, int *fds)
{
    const Py_ssize_t count = count_of(list);
    for (Py_ssize_t i = 0; i < count; i++)
        fds[i] = (int)PyLong_AsLong(PyList_GET_ITEM(list, i));
    return PyErr_Occurred() ? -1 : count;
}

static PyObject *commit_parts(JournalObject *self, PyObject *args, int (*commit)(struct mpl_journal *, struct mpl_reader *, const struct mpl_part *, uint32_t))
{
    ReaderObject *reader;
    PyObject *list;
    struct mpl_part parts[MPL_MAX_SINKS];
    int rc;
    if (!PyArg_ParseTuple(args, "O!O", &ReaderType, &reader, &list))
        return NULL;
    const Py_ssize_t count = count_of(list);
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_ssize_t place, length;
        if (!PyTuple_Check(PyList_GET_ITEM(list, i)) || !PyArg_ParseTuple(PyList_GET_ITEM(list, i), "inn", &parts[i].fd, &place, &length))
            return PyErr_Occurred() ? NULL : mplog_raise(MPL_E_ARG);
        parts[i].place = (size_t)place;
        parts[i].length = (size_t)length;
    }
    if (count < 0)
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    rc = commit(&self->journal, &reader->reader, parts, (uint32_t)count);
    Py_END_ALLOW_THREADS
    return outcome(rc);
}
static PyObject *journal_commit_parts(JournalObject *self, PyObject *args) { return commit_parts(self, args, mpl_commit_parts); }
static PyObject *journal_commit_begin(JournalObject *self, PyObject *args) { return commit_parts(self, args, mpl_commit_begin); }

static PyObject *redo_parts(JournalObject *self, PyObject *args, int (*redo)(struct mpl_journal *, struct mpl_reader *, const int *, uint32_t))
{
    ReaderObject *reader;
    PyObject *list;
    int fds[MPL_MAX_SINKS], rc;
    if (!PyArg_ParseTuple(args, "O!O", &ReaderType, &reader, &list))
        return NULL;
    const Py_ssize_t count = fds_of(list, fds);
    if (count < 0)
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    rc = redo(&self->journal, &reader->reader, fds, (uint32_t)count);
    Py_END_ALLOW_THREADS
    return outcome(rc);
}
static PyObject *journal_redo_parts(JournalObject *self, PyObject *args) { return redo_parts(self, args, mpl_redo_parts); }
static PyObject *journal_commit_finish(JournalObject *self, PyObject *args) { return redo_parts(self, args, mpl_commit_finish); }

static bool is_sink(unsigned sink)
{
    if (sink < MPL_MAX_SINKS)
        return true;
    mplog_raise(MPL_E_ARG);
    return false;
}

static PyObject *journal_placed(JournalObject *self, PyObject *arg)
{
    const struct mpl_journal_page *g = self->journal.page;
    const unsigned long sink = PyLong_AsUnsignedLong(arg);
    if (PyErr_Occurred() || !is_sink((unsigned)sink))
        return NULL;
    for (uint32_t i = 0; i < g->nwrites; i++)
        if (g->writes[i].sink == sink)
            return Py_BuildValue("(KK)", (unsigned long long)g->writes[i].place, (unsigned long long)g->writes[i].length);
    return Py_BuildValue("(ii)", 0, 0);
}

static PyObject *journal_file(JournalObject *self, PyObject *args)
{
    unsigned sink = 0;
    if (!PyArg_ParseTuple(args, "|I", &sink) || !is_sink(sink))
        return NULL;
    const struct mpl_file *f = mpl_journal_file(&self->journal, sink);
    return Py_BuildValue("(KKKK)", f->dev, f->ino, f->offset, f->generation);
}

static int parse_file(PyObject *args, struct mpl_file *f, unsigned *sink)
{
    unsigned long long dev, ino, offset, generation;
    if (!PyArg_ParseTuple(args, "KKKK|I", &dev, &ino, &offset, &generation, sink) || !is_sink(*sink))
        return -1;
    *f = (struct mpl_file){.dev = dev, .ino = ino, .offset = offset, .generation = generation};
    return 0;
}

static PyObject *journal_set_file(JournalObject *self, PyObject *args)
{
    struct mpl_file f;
    unsigned sink = 0;
    if (parse_file(args, &f, &sink))
        return NULL;
    const struct mpl_file *now = mpl_journal_file(&self->journal, sink);
    f.spool_head = now->spool_head, f.spool_end = now->spool_end, f.spool_from = now->spool_from;
    if (mpl_load(&self->journal.page->state) == MPL_COMMIT)
        mpl_journal_move(&self->journal, sink, &f);
    else
        mpl_journal_set_file(&self->journal, sink, &f);
    Py_RETURN_NONE;
}

static PyObject *journal_set_apart(JournalObject *self, PyObject *args)
{
    unsigned sink;
    PyObject *path;
    if (!PyArg_ParseTuple(args, "IO&", &sink, PyUnicode_FSConverter, &path))
        return NULL;
    int rc = mpl_journal_set_apart(&self->journal, sink, PyBytes_AS_STRING(path));
    Py_DECREF(path);
    return outcome(rc);
}

static PyObject *journal_apart(JournalObject *self, PyObject *arg)
{
    unsigned long sink = PyLong_AsUnsignedLong(arg);
    if (PyErr_Occurred() || !is_sink((unsigned)sink))
        return NULL;
    const struct mpl_file *f = mpl_journal_file(&self->journal, (uint32_t)sink);
    return Py_BuildValue("(KiN)", f->spool_end - f->spool_head, -self->journal.refused[sink], PyBool_FromLong(mpl_journal_hangs(&self->journal, (uint32_t)sink)));
}

static PyObject *journal_spool_load(JournalObject *self, PyObject *args)
{
    unsigned sink;
    Py_ssize_t place, room;
    if (!PyArg_ParseTuple(args, "Inn", &sink, &place, &room) || !is_sink(sink))
        return NULL;
    if (place < 0 || room < 0 || (size_t)place > self->journal.page->staging_bytes || (size_t)room > self->journal.page->staging_bytes - (size_t)place)
        return mplog_raise(MPL_E_ARG);
    int64_t rc = mpl_spool_load(&self->journal, sink, self->journal.staging + place, (size_t)room);
    return rc < 0 ? mplog_raise((int)rc) : PyLong_FromLongLong(rc);
}

static PyObject *journal_spool_reserve(JournalObject *self, PyObject *args)
{
    unsigned sink;
    Py_ssize_t bytes;
    if (!PyArg_ParseTuple(args, "In", &sink, &bytes) || !is_sink(sink))
        return NULL;
    return outcome(mpl_spool_reserve(&self->journal, sink, (uint64_t)bytes));
}

static PyObject *spool_step(JournalObject *self, PyObject *arg, void (*step)(struct mpl_journal *, uint32_t))
{
    unsigned long sink = PyLong_AsUnsignedLong(arg);
    if (PyErr_Occurred() || !is_sink((unsigned)sink))
        return NULL;
    if (mpl_load(&self->journal.page->state) != MPL_IDLE)
        return mplog_raise(MPL_E_STATE);
    step(&self->journal, (uint32_t)sink);
    Py_RETURN_NONE;
}
static PyObject *journal_spool_trim(JournalObject *self, PyObject *arg) { return spool_step(self, arg, mpl_spool_trim); }
static PyObject *journal_spool_forget(JournalObject *self, PyObject *arg) { return spool_step(self, arg, mpl_spool_forget); }

static PyObject *journal_unspool(JournalObject *self, PyObject *args)
{
    ReaderObject *reader;
    unsigned sink;
    Py_ssize_t place, length;
    struct mpl_part part;
    int rc;
    if (!PyArg_ParseTuple(args, "O!Iinn", &ReaderType, &reader, &sink, &part.fd, &place, &length) || !is_sink(sink))
        return NULL;
    part.place = (size_t)place, part.length = (size_t)length;
    Py_BEGIN_ALLOW_THREADS
    rc = mpl_unspool(&self->journal, &reader->reader, sink, &part);
    Py_END_ALLOW_THREADS
    return outcome(rc);
}

static PyObject *journal_rotate_begin(JournalObject *self, PyObject *args)
{
    unsigned long long generation, old_dev, old_ino, new_dev, new_ino;
    const char *archive;
    unsigned sink = 0;
    if (!PyArg_ParseTuple(args, "KsKKKK|I", &generation, &archive, &old_dev, &old_ino, &new_dev, &new_ino, &sink) || !is_sink(sink))
        return NULL;
    struct mpl_rotation r = {.sink = sink, .generation = generation, .old_dev = old_dev, .old_ino = old_ino, .new_dev = new_dev, .new_ino = new_ino};
    if (strlen(archive) >= sizeof r.archive)
        return mplog_raise(-ENAMETOOLONG);
    strcpy(r.archive, archive);
    memcpy(&r.lead, &self->lead, sizeof r.lead);
    const int rc = mpl_rotate_begin(&self->journal, &r);
    if (!rc)
        mpl_store(&self->lead.length, 0);
    return outcome(rc);
}

static PyObject *journal_rotate_end(JournalObject *self, PyObject *args)
{
    struct mpl_file f;
    unsigned unused = 0;
    if (parse_file(args, &f, &unused))
        return NULL;
    return outcome(mpl_rotate_end(&self->journal, &f));
}

static PyObject *journal_sync(JournalObject *self, PyObject *args)
{
    ReaderObject *reader;
    PyObject *list;
    int fds[MPL_MAX_SINKS], rc;
    if (!PyArg_ParseTuple(args, "O!O", &ReaderType, &reader, &list))
        return NULL;
    const Py_ssize_t count = fds_of(list, fds);
    if (count < 0)
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    rc = mpl_sync(&self->journal, &reader->reader, fds, (uint32_t)count);
    Py_END_ALLOW_THREADS
    return outcome(rc);
}

static PyObject *journal_set_sync(JournalObject *self, PyObject *yes)
{
    const int sync = PyObject_IsTrue(yes);
    if (sync < 0)
        return NULL;
    self->journal.sync = sync;
    Py_RETURN_NONE;
}

static PyObject *journal_lead_next(JournalObject *self, PyObject *args)
{
    const char *text;
    Py_ssize_t length;
    if (!PyArg_ParseTuple(args, "y#", &text, &length))
        return NULL;
    if (length > (Py_ssize_t)MPL_LEAD)
        return mplog_raise(MPL_E_ARG);
    memcpy(self->lead.text, text, (size_t)length);
    mpl_store(&self->lead.length, (uint32_t)length);
    Py_RETURN_NONE;
}

static PyObject *journal_unsure(JournalObject *self, PyObject *args)
{
    unsigned sink;
    if (!PyArg_ParseTuple(args, "I", &sink) || !is_sink(sink))
        return NULL;
    const struct mpl_unsure u = mpl_sync_unsure(&self->journal, sink);
    return Py_BuildValue("(KKK)", (unsigned long long)u.synced, (unsigned long long)u.from, (unsigned long long)u.end);
}

static PyObject *journal_sync_anew(JournalObject *self, PyObject *args)
{
    unsigned sink;
    const char *lead;
    Py_ssize_t length;
    if (!PyArg_ParseTuple(args, "Iy#", &sink, &lead, &length) || !is_sink(sink))
        return NULL;
    const int rc = length ? mpl_set_lead(&self->journal, sink, lead, (size_t)length) : 0;
    if (rc)
        return mplog_raise(rc);
    mpl_sync_anew(&self->journal, sink);
    Py_RETURN_NONE;
}

static PyObject *journal_disbelieve(JournalObject *self, PyObject *args)
{
    unsigned sink;
    if (!PyArg_ParseTuple(args, "I", &sink) || !is_sink(sink))
        return NULL;
    mpl_disbelieve(&self->journal, sink);
    Py_RETURN_NONE;
}

static PyObject *journal_lead(JournalObject *self, PyObject *args)
{
    unsigned sink;
    if (!PyArg_ParseTuple(args, "I", &sink) || !is_sink(sink))
        return NULL;
    const struct mpl_lead *lead = &self->journal.page->leads[sink];
    return PyBytes_FromStringAndSize(lead->text, (Py_ssize_t)mpl_load_acquire(&lead->length));
}

static PyObject *journal_end_lead(JournalObject *self, PyObject *args)
{
    unsigned sink;
    if (!PyArg_ParseTuple(args, "I", &sink) || !is_sink(sink))
        return NULL;
    return outcome(mpl_set_lead(&self->journal, sink, "", 0));
}

static PyObject *get_unsynced(JournalObject *self, void *unused) { return PyLong_FromUnsignedLong(mpl_load_acquire(&self->journal.page->syncing)); }

static PyObject *get_leading(JournalObject *self, void *unused)
{
    bool any = false;
    for (uint32_t s = 0; s < MPL_MAX_SINKS; s++)
        any |= mpl_load(&self->journal.page->leads[s].length) != 0;
    return PyBool_FromLong(any);
}

static PyObject *get_behind(JournalObject *self, void *unused)
{
    bool any = false;
    for (uint32_t s = 0; s < MPL_MAX_SINKS; s++)
        any |= mpl_journal_file(&self->journal, s)->synced != mpl_journal_file(&self->journal, s)->offset;
    return PyBool_FromLong(any);
}

static PyObject *get_state(JournalObject *self, void *unused) { return PyLong_FromUnsignedLong(mpl_load_acquire(&self->journal.page->state)); }
static PyObject *get_fresh(JournalObject *self, void *unused) { return PyBool_FromLong(self->journal.fresh); }
static PyObject *get_staging_bytes(JournalObject *self, void *unused) { return PyLong_FromUnsignedLongLong(self->journal.page->staging_bytes); }

static PyObject *get_rotating(JournalObject *self, void *unused)
{
    if (mpl_load_acquire(&self->journal.page->state) != MPL_ROTATE)
        Py_RETURN_NONE;
    return PyLong_FromUnsignedLong(self->journal.page->rotate.sink);
}

static PyObject *get_rotation(JournalObject *self, void *unused)
{
    const struct mpl_rotation *r = &self->journal.page->rotate;
    if (mpl_load_acquire(&self->journal.page->state) != MPL_ROTATE)
        Py_RETURN_NONE;
    return Py_BuildValue("(KNKKKK)", r->generation, PyUnicode_DecodeFSDefaultAndSize(r->archive, (Py_ssize_t)strnlen(r->archive, sizeof r->archive)),
        r->old_dev, r->old_ino, r->new_dev, r->new_ino);
}

static PyGetSetDef journal_getset[] = {
    {"state", (getter)get_state, NULL, "0 idle, 1 commit, 2 rotate", NULL},
    {"fresh", (getter)get_fresh, NULL, "whether it was made by this open", NULL},
    {"unsynced", (getter)get_unsynced, NULL, "files (bits) of which a sync was begun and has not succeeded", NULL},
    {"behind", (getter)get_behind, NULL, "whether a file has bytes that are not on the disk for certain", NULL},
    {"leading", (getter)get_leading, NULL, "whether a file's next bytes are to begin with what is kept for it", NULL},
    {"staging_bytes", (getter)get_staging_bytes, NULL, NULL, NULL},
    {"rotating", (getter)get_rotating, NULL, "the number of the file that is being rotated, or None", NULL},
    {"rotation", (getter)get_rotation, NULL, "(generation, archive, old_dev, old_ino, new_dev, new_ino), or None", NULL},
    {0},
};

static PyMethodDef journal_methods[] = {
    {"commit", (PyCFunction)journal_commit, METH_VARARGS, "commit(reader, fd, length) -> what was found at the file; OSError leaves it to redo()"},
    {"redo", (PyCFunction)journal_redo, METH_VARARGS, "redo(reader, fd): finishes the batch in COMMIT"},
    {"commit_parts", (PyCFunction)journal_commit_parts, METH_VARARGS, "commit_parts(reader, [(fd, place, length)]): the same for several files; what was found at file s shifted by FOUND_BITS * s"},
    {"redo_parts", (PyCFunction)journal_redo_parts, METH_VARARGS, "redo_parts(reader, [fd])"},
    {"commit_begin", (PyCFunction)journal_commit_begin, METH_VARARGS, "commit_begin(reader, [(fd, place, length)]): commit_parts() up to the heads -> whether a thread writes"},
    {"commit_finish", (PyCFunction)journal_commit_finish, METH_VARARGS, "commit_finish(reader, [fd]) -> the rest of it: what was found; OSError leaves it to redo_parts()"},
    {"placed", (PyCFunction)journal_placed, METH_O, "placed(sink) -> (place, length) of its bytes in the last batch; (0, 0): none"},
    {"file", (PyCFunction)journal_file, METH_VARARGS, "file(sink=0) -> (dev, ino, offset, generation) in force"},
    {"set_file", (PyCFunction)journal_set_file, METH_VARARGS, "set_file(dev, ino, offset, generation, sink=0): put in force; in COMMIT the batch goes on there"},
    {"set_apart", (PyCFunction)journal_set_apart, METH_VARARGS, "set_apart(sink, path): one that refuses or hangs is owed its bytes, and holds up nobody"},
    {"apart", (PyCFunction)journal_apart, METH_O, "apart(sink) -> (bytes owed to it, errno of the last try or 0, whether it hangs)"},
    {"spool_load", (PyCFunction)journal_spool_load, METH_VARARGS, "spool_load(sink, place, room) -> length: what is owed first, into the staging area"},
    {"spool_reserve", (PyCFunction)journal_spool_reserve, METH_VARARGS, "spool_reserve(sink, bytes): room for so much more that is owed"},
    {"spool_trim", (PyCFunction)journal_spool_trim, METH_O, "spool_trim(sink): gives back the memory of what is no longer owed"},
    {"spool_forget", (PyCFunction)journal_spool_forget, METH_O, "spool_forget(sink): nothing is owed any more"},
    {"unspool", (PyCFunction)journal_unspool, METH_VARARGS, "unspool(reader, sink, fd, place, length): what was loaded goes into the file; OSError: it is still owed"},
    {"rotate_begin", (PyCFunction)journal_rotate_begin, METH_VARARGS, "rotate_begin(generation, archive, old_dev, old_ino, new_dev, new_ino, sink=0)"},
    {"sync", (PyCFunction)journal_sync, METH_VARARGS, "sync(reader, [fd]): the files are on the disk; fd -1: that one is left out. OSError: see unsynced"},
    {"set_sync", (PyCFunction)journal_set_sync, METH_O, "set_sync(yes): whether the next commits bring their bytes onto the disk"},
    {"lead", (PyCFunction)journal_lead, METH_VARARGS, "lead(sink): what the file's next bytes are to begin with"},
    {"end_lead", (PyCFunction)journal_end_lead, METH_VARARGS, "end_lead(sink): it stands in the file"},
    {"lead_next", (PyCFunction)journal_lead_next, METH_VARARGS, "lead_next(text): what the file of the next rotate_begin is to begin with"},
    {"unsure", (PyCFunction)journal_unsure, METH_VARARGS, "unsure(sink) -> (synced, from, end): bytes [synced, from) may be lost; [from, end) are the batch in COMMIT"},
    {"disbelieve", (PyCFunction)journal_disbelieve, METH_VARARGS, "disbelieve(sink): the file is to be set aside, as after a failed sync"},
    {"sync_anew", (PyCFunction)journal_sync_anew, METH_VARARGS, "sync_anew(sink, lead): by another descriptor; the batch in COMMIT is written again"},
    {"rotate_end", (PyCFunction)journal_rotate_end, METH_VARARGS, "rotate_end(dev, ino, offset, generation)"},
    {0},
};

static int journal_getbuffer(JournalObject *self, Py_buffer *view, int flags)
{
    return PyBuffer_FillInfo(view, (PyObject *)self, self->journal.staging, (Py_ssize_t)self->journal.page->staging_bytes, 0, flags);
}

static PyBufferProcs journal_buffer = {.bf_getbuffer = (getbufferproc)journal_getbuffer};

static int journal_init(JournalObject *self, PyObject *args, PyObject *kwargs)
{
    const char *dir, *service;
    Py_ssize_t staging_bytes;
    if (!PyArg_ParseTuple(args, "ssn", &dir, &service, &staging_bytes))
        return -1;
    int rc = mpl_journal_open(&self->journal, dir, service, (size_t)staging_bytes);
    if (rc)
        mplog_raise(rc);
    return rc ? -1 : 0;
}

static void journal_dealloc(JournalObject *self)
{
    mpl_journal_close(&self->journal);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

PyTypeObject JournalType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mplog._native.Journal",
    .tp_doc = "Journal(dir, service, staging_bytes): created, or found as a dead writer left it",
    .tp_basicsize = sizeof(JournalObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)journal_init,
    .tp_dealloc = (destructor)journal_dealloc,
    .tp_methods = journal_methods,
    .tp_getset = journal_getset,
    .tp_as_buffer = &journal_buffer,
};

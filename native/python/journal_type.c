/* SPDX-License-Identifier: Apache-2.0
 *
 * Journal: the writer's commit journal; as a buffer it is the staging area. */
#include "native.h"

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

static PyObject *journal_file(JournalObject *self, PyObject *unused)
{
    const struct mpl_file *f = mpl_journal_file(&self->journal, 0);
    return Py_BuildValue("(KKKK)", f->dev, f->ino, f->offset, f->generation);
}

static int parse_file(PyObject *args, struct mpl_file *f)
{
    unsigned long long dev, ino, offset, generation;
    if (!PyArg_ParseTuple(args, "KKKK", &dev, &ino, &offset, &generation))
        return -1;
    *f = (struct mpl_file){.dev = dev, .ino = ino, .offset = offset, .generation = generation};
    return 0;
}

static PyObject *journal_set_file(JournalObject *self, PyObject *args)
{
    struct mpl_file f;
    if (parse_file(args, &f))
        return NULL;
    if (mpl_load(&self->journal.page->state) == MPL_COMMIT)
        return mplog_raise(MPL_E_STATE);
    mpl_journal_set_file(&self->journal, 0, &f);
    Py_RETURN_NONE;
}

static PyObject *journal_rotate_begin(JournalObject *self, PyObject *args)
{
    unsigned long long generation, old_dev, old_ino, new_dev, new_ino;
    const char *archive;
    if (!PyArg_ParseTuple(args, "KsKKKK", &generation, &archive, &old_dev, &old_ino, &new_dev, &new_ino))
        return NULL;
    struct mpl_rotation r = {.generation = generation, .old_dev = old_dev, .old_ino = old_ino, .new_dev = new_dev, .new_ino = new_ino};
    if (strlen(archive) >= sizeof r.archive)
        return mplog_raise(-ENAMETOOLONG);
    strcpy(r.archive, archive);
    return outcome(mpl_rotate_begin(&self->journal, &r));
}

static PyObject *journal_rotate_end(JournalObject *self, PyObject *args)
{
    struct mpl_file f;
    if (parse_file(args, &f))
        return NULL;
    return outcome(mpl_rotate_end(&self->journal, &f));
}

static PyObject *get_state(JournalObject *self, void *unused) { return PyLong_FromUnsignedLong(mpl_load_acquire(&self->journal.page->state)); }
static PyObject *get_fresh(JournalObject *self, void *unused) { return PyBool_FromLong(self->journal.fresh); }
static PyObject *get_staging_bytes(JournalObject *self, void *unused) { return PyLong_FromUnsignedLongLong(self->journal.page->staging_bytes); }

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
    {"staging_bytes", (getter)get_staging_bytes, NULL, NULL, NULL},
    {"rotation", (getter)get_rotation, NULL, "(generation, archive, old_dev, old_ino, new_dev, new_ino), or None", NULL},
    {0},
};

static PyMethodDef journal_methods[] = {
    {"commit", (PyCFunction)journal_commit, METH_VARARGS, "commit(reader, fd, length) -> what was found at the file; OSError leaves it to redo()"},
    {"redo", (PyCFunction)journal_redo, METH_VARARGS, "redo(reader, fd): finishes the batch in COMMIT"},
    {"file", (PyCFunction)journal_file, METH_NOARGS, "(dev, ino, offset, generation) in force"},
    {"set_file", (PyCFunction)journal_set_file, METH_VARARGS, "set_file(dev, ino, offset, generation): put in force by one store"},
    {"rotate_begin", (PyCFunction)journal_rotate_begin, METH_VARARGS, "rotate_begin(generation, archive, old_dev, old_ino, new_dev, new_ino)"},
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

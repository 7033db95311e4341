/* SPDX-License-Identifier: Apache-2.0 */
#include "around.h"

#include "codec/redact.h"
#include "frame.h"

#define PLACES 1024u /* a power of two: sets of two */
#define THREADS 64u
#define CONTEXTS 16u
#define MAX_KEPT_BYTES 2048u

static struct mplog_hooks hooks;
static PyObject *name_key, *asyncio_key, *loop_key;

static bool keep(char **kept, uint32_t *length, const uint8_t *from, const uint8_t *to)
{
    const size_t n = (size_t)(to - from);
    char *bytes = n <= MAX_KEPT_BYTES ? PyMem_Malloc(n) : NULL;
    if (!bytes)
        return false;
    memcpy(bytes, from, n);
    PyMem_Free(*kept);
    *kept = bytes;
    *length = (uint32_t)n;
    return true;
}

/* ---- the place: a code object and an instruction in it ------------------------------------------------------------------ */
struct place {
    PyObject *code; /* held, so that no other can come to stand there */
    char *bytes;
    int instruction;
    uint32_t length;
};
static struct place places[PLACES][2]; /* the one used last comes first */

static bool pack_code(struct mplog_pack *p, PyCodeObject *code, int instruction)
{
    const int line = PyCode_Addr2Line(code, instruction);
    PyObject *number = PyLong_FromLong(line > 0 ? line : 0);
    const bool ok = number && mplog_pack_text(p, code->co_filename) && mplog_pack_int(p, number) && mplog_pack_text(p, code->co_name);
    Py_XDECREF(number);
    return ok;
}

static bool new_place(struct mplog_pack *p, struct place *set, PyCodeObject *code, int instruction)
{
    const uint8_t *from = p->at;
    if (!pack_code(p, code, instruction))
        return false;
    struct place oldest = set[1];
    if (!keep(&oldest.bytes, &oldest.length, from, p->at))
        return true;
    PyObject *before = oldest.code;
    oldest.code = Py_NewRef((PyObject *)code);
    oldest.instruction = instruction;
    set[1] = set[0];
    set[0] = oldest;
    Py_XDECREF(before); /* at the end: it may run code that logs */
    return true;
}

bool mplog_pack_place(struct mplog_pack *p)
{
    int instruction;
    PyCodeObject *code = mplog_running_code(&instruction); /* borrowed: its frame is running */
    if (!code)
        return mplog_pack_bytes(p, "\xa0\x00\xa0", 3);
    struct place *set = places[((uintptr_t)code >> 5 ^ (uintptr_t)instruction * 31u) % PLACES];
    if (set[0].code == (PyObject *)code && set[0].instruction == instruction)
        return mplog_pack_bytes(p, set[0].bytes, set[0].length);
    if (set[1].code != (PyObject *)code || set[1].instruction != instruction)
        return new_place(p, set, code, instruction);
    const struct place found = set[1];
    set[1] = set[0];
    set[0] = found;
    return mplog_pack_bytes(p, found.bytes, found.length);
}

/* ---- the thread ----------------------------------------------------------------------------------------------------------- */
struct thread {
    PyThreadState *state;
    uint64_t state_id, generation; /* of the process */
    PyObject *reference, *name;    /* a weak one of the Thread; the name that is encoded */
    char *bytes;
    uint32_t length;
};
static struct thread threads[THREADS];

static bool put_thread(struct mplog_pack *p, PyObject *thread)
{
    PyObject *number = PyObject_GetAttrString(thread, "ident"), *name = number ? PyObject_GetAttrString(thread, "name") : NULL;
    const bool ok = name && PyLong_Check(number) && PyUnicode_CheckExact(name) && mplog_pack_int(p, number) && mplog_pack_text(p, name);
    Py_XDECREF(number);
    Py_XDECREF(name);
    if (!ok && PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_Exception))
        PyErr_Clear();
    return ok;
}

/* The text of which `Thread.name` is made, borrowed; NULL for a class that does it in a way of its own. */
static PyObject *name_of(PyObject *thread)
{
    PyObject *dict = PyObject_GenericGetDict(thread, NULL);
    PyObject *name = dict ? PyDict_GetItemWithError(dict, name_key) : NULL;
    Py_XDECREF(dict);
    if (!name)
        PyErr_Clear();
    return name;
}

static void remember(struct thread *t, PyObject *thread, const uint8_t *from, const uint8_t *to)
{
    PyThreadState *state = PyThreadState_Get();
    PyObject *name = name_of(thread), *reference = name ? PyWeakref_NewRef(thread, NULL) : NULL;
    t->state = NULL;
    if (!reference || !keep(&t->bytes, &t->length, from, to)) {
        Py_XDECREF(reference);
        PyErr_Clear();
        return;
    }
    Py_XSETREF(t->reference, reference);
    Py_XSETREF(t->name, Py_NewRef(name));
    t->state_id = PyThreadState_GetID(state);
    t->generation = mpl_generation();
    t->state = state;
}

static bool find_thread(struct mplog_pack *p, struct thread *t)
{
    PyObject *found = PyObject_CallNoArgs(hooks.thread_of);
    const uint8_t *from = p->at;
    if (!found || !PyTuple_Check(found) || PyTuple_GET_SIZE(found) != 2) {
        Py_XDECREF(found);
        if (PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_Exception))
            PyErr_Clear();
        return false;
    }
    const bool ok = put_thread(p, PyTuple_GET_ITEM(found, 0));
    if (ok && PyTuple_GET_ITEM(found, 1) == Py_True)
        remember(t, PyTuple_GET_ITEM(found, 0), from, p->at);
    Py_DECREF(found);
    return ok;
}

bool mplog_pack_thread(struct mplog_pack *p)
{
    PyThreadState *state = PyThreadState_Get();
    struct thread *t = &threads[((uintptr_t)state >> 6 ^ (uintptr_t)state >> 12) % THREADS];
    if (t->state != state || t->state_id != PyThreadState_GetID(state) || t->generation != mpl_generation())
        return find_thread(p, t);
    PyObject *thread = PyWeakref_GET_OBJECT(t->reference);
    if (thread == Py_None || name_of(thread) != t->name) /* it ends, or has got another name */
        return find_thread(p, t);
    return mplog_pack_bytes(p, t->bytes, t->length);
}

/* ---- the task -------------------------------------------------------------------------------------------------------------- */
static bool put_task(struct mplog_pack *p)
{
    PyObject *name = PyObject_CallNoArgs(hooks.task_of);
    const bool ok = name && (name == Py_None || PyUnicode_CheckExact(name)) && mplog_pack_value(p, name);
    Py_XDECREF(name);
    if (!name && PyErr_ExceptionMatches(PyExc_Exception))
        PyErr_Clear();
    return ok;
}

/* Whether a loop of asyncio runs in this thread; asyncio is only asked where the program has loaded it. */
bool mplog_pack_task(struct mplog_pack *p)
{
    static PyObject *asked, *running; /* the module, and its function: both held */
    PyObject *module = PyDict_GetItemWithError(PyImport_GetModuleDict(), asyncio_key);
    if (!module)
        return !PyErr_Occurred() && mplog_pack_byte(p, 0xc0);
    if (module != asked) {
        PyObject *function = PyObject_GetAttr(module, loop_key); /* not there yet while it is imported */
        if (!function) {
            PyErr_Clear();
            return mplog_pack_byte(p, 0xc0);
        }
        Py_XSETREF(running, function);
        Py_XSETREF(asked, Py_NewRef(module));
    }
    PyObject *loop = PyObject_CallNoArgs(running);
    if (!loop) {
        PyErr_Clear();
        return mplog_pack_byte(p, 0xc0);
    }
    const bool none = loop == Py_None;
    Py_DECREF(loop);
    return none ? mplog_pack_byte(p, 0xc0) : put_task(p);
}

/* ---- the context ----------------------------------------------------------------------------------------------------------- */
static struct {
    PyObject *dict; /* held, so that no other can come to stand there */
    char *bytes;
    uint32_t length;
    uint64_t redaction;
} contexts[CONTEXTS];

static bool all_fixed(PyObject *dict)
{
    PyObject *key, *value;
    for (Py_ssize_t place = 0; PyDict_Next(dict, &place, &key, &value);)
        if (!mplog_is_fixed(value))
            return false;
    return true;
}

/* What this process's enrichers say: pairs of every event, under those of its context. */
static struct {
    PyObject *ask, *pairs; /* ask: () -> dict or None, once a process; the dict is never changed, nor is anything in it */
    uint64_t generation;   /* of the process that was asked last */
} enriched;

static void set_pairs(PyObject *pairs)
{
    Py_XSETREF(enriched.pairs, pairs);
    for (size_t i = 0; i < CONTEXTS; i++)
        Py_CLEAR(contexts[i].dict); /* what is kept has the old ones in it */
}

/* The pairs of *dict* over those of the enrichers; NULL where a key is of a class that could run code. */
static PyObject *over_enriched(PyObject *dict)
{
    PyObject *key;
    for (Py_ssize_t place = 0; PyDict_Next(dict, &place, &key, NULL);)
        if (!PyUnicode_CheckExact(key))
            return NULL;
    PyObject *all = PyDict_Copy(enriched.pairs);
    if (all && PyDict_Update(all, dict))
        Py_CLEAR(all);
    if (!all)
        PyErr_Clear(); /* no memory: Python tells it */
    return all;
}

static bool pack_all(struct mplog_pack *p, PyObject *dict)
{
    if (!enriched.pairs || dict == enriched.pairs)
        return mplog_pack_dict(p, dict);
    PyObject *all = over_enriched(dict);
    const bool ok = all && mplog_pack_dict(p, all);
    Py_XDECREF(all);
    return ok;
}

static bool put_context(struct mplog_pack *p, PyObject *dict)
{
    const size_t index = ((uintptr_t)dict >> 4 ^ (uintptr_t)dict >> 10) % CONTEXTS;
    if (contexts[index].dict == dict && contexts[index].redaction == mplog_redaction.version)
        return mplog_pack_bytes(p, contexts[index].bytes, contexts[index].length);
    const uint8_t *from = p->at;
    if (!PyDict_CheckExact(dict) || !pack_all(p, dict))
        return false;
    if ((dict == enriched.pairs || all_fixed(dict)) && keep(&contexts[index].bytes, &contexts[index].length, from, p->at)) {
        PyObject *before = contexts[index].dict;
        contexts[index].dict = Py_NewRef(dict);
        contexts[index].redaction = mplog_redaction.version;
        Py_XDECREF(before);
    }
    return true;
}

bool mplog_pack_context(struct mplog_pack *p)
{
    PyObject *dict = NULL;
    if (enriched.ask && enriched.generation != mpl_generation())
        return false; /* the first event of a child: Python asks */
    if (PyContextVar_Get(hooks.context, NULL, &dict) || !dict) {
        PyErr_Clear();
        return false;
    }
    if (dict == Py_None && enriched.pairs)
        Py_SETREF(dict, Py_NewRef(enriched.pairs));
    const bool ok = dict == Py_None ? mplog_pack_byte(p, 0xc0) : put_context(p, dict);
    Py_DECREF(dict);
    return ok;
}

PyObject *mplog_f_set_enriched(PyObject *module, PyObject *ask)
{
    (void)module;
    PyObject *before = enriched.ask;
    enriched.ask = ask == Py_None ? NULL : Py_NewRef(ask);
    enriched.generation = 0;
    if (enriched.pairs)
        set_pairs(NULL);
    Py_XDECREF(before);
    Py_RETURN_NONE;
}

PyObject *mplog_f_enriched(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    if (enriched.ask && enriched.generation != mpl_generation()) {
        enriched.generation = mpl_generation(); /* first: what is asked may log */
        set_pairs(NULL);
        PyObject *ask = Py_NewRef(enriched.ask), *pairs = PyObject_CallNoArgs(ask);
        if (pairs && PyDict_CheckExact(pairs) && PyDict_GET_SIZE(pairs) && ask == enriched.ask)
            set_pairs(Py_NewRef(pairs));
        Py_XDECREF(pairs);
        Py_DECREF(ask);
        if (!pairs)
            return NULL;
    }
    return Py_NewRef(enriched.pairs ? enriched.pairs : Py_None);
}

int mplog_around_init(const struct mplog_hooks *given)
{
    if (!name_key && !((name_key = PyUnicode_InternFromString("_name")) && (asyncio_key = PyUnicode_InternFromString("asyncio.events")) &&
                         (loop_key = PyUnicode_InternFromString("_get_running_loop"))))
        return -1;
    Py_XSETREF(hooks.thread_of, Py_NewRef(given->thread_of));
    Py_XSETREF(hooks.task_of, Py_NewRef(given->task_of));
    Py_XSETREF(hooks.context, Py_NewRef(given->context));
    return 0;
}

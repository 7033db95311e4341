/* SPDX-License-Identifier: Apache-2.0 */
#include "pack.h"

#include "codec/redact.h"

#define MAX_DEPTH 32
#define KEYS 256u
#define TYPES 32u

struct mpl_redaction mplog_redaction;
static PyObject *encode, *takes;
static PyObject *reserved[3];
PyObject *mplog_exc_info;

/* ---- keys: texts of the program, the same objects again and again ---------------------------------------------------------------- */
static struct {
    PyObject *text; /* held, so that no other text can come to stand there */
    enum mplog_key kind;
} keys[KEYS];

static enum mplog_key kind_of(PyObject *text)
{
    Py_ssize_t n;
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (text == reserved[i] || PyUnicode_Compare(text, reserved[i]) == 0)
            return MPLOG_KEY_RESERVED;
    const char *s = PyUnicode_AsUTF8AndSize(text, &n);
    if (!s)
        PyErr_Clear();
    return s && mpl_redacts(&mplog_redaction, s, (size_t)n) ? MPLOG_KEY_SECRET : MPLOG_KEY_PLAIN;
}

enum mplog_key mplog_key_of(PyObject *text)
{
    const uintptr_t number = (uintptr_t)text >> 4;
    const size_t index = (number ^ number >> 8) % KEYS;
    if (keys[index].text == text)
        return keys[index].kind;
    const enum mplog_key kind = kind_of(text);
    if (PyUnicode_CHECK_INTERNED(text)) { /* any other is of data, and may never come again */
        PyObject *before = keys[index].text;
        keys[index].text = Py_NewRef(text);
        keys[index].kind = kind;
        Py_XDECREF(before);
    }
    return kind;
}

static void forget_keys(void)
{
    for (size_t i = 0; i < KEYS; i++)
        Py_CLEAR(keys[i].text);
}

/* ---- values ------------------------------------------------------------------------------------------------------------------------- */
static uint8_t *big(uint8_t *at, uint64_t number, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        at[i] = (uint8_t)(number >> 8 * (width - 1 - i));
    return at + width;
}

/* A head byte and a number of `width` bytes. */
static bool put_number(struct mplog_pack *p, uint8_t head, uint64_t number, unsigned width)
{
    if (!mplog_room(p, 1 + width))
        return false;
    *p->at = head;
    p->at = big(p->at + 1, number, width);
    return true;
}

bool mplog_pack_head(struct mplog_pack *p, uint8_t few, uint8_t wide, Py_ssize_t count)
{
    if (count < 16)
        return mplog_pack_byte(p, (uint8_t)(few | count));
    if (count <= UINT16_MAX)
        return put_number(p, wide, (uint64_t)count, 2);
    return count <= UINT32_MAX && put_number(p, (uint8_t)(wide + 1), (uint64_t)count, 4);
}

/* `narrow`: the head byte for a length of 8 bits; those for 16 and 32 follow it. */
static bool put_sized(struct mplog_pack *p, uint8_t narrow, const char *bytes, Py_ssize_t n)
{
    const bool headed = n <= UINT8_MAX ? put_number(p, narrow, (uint64_t)n, 1)
        : n <= UINT16_MAX              ? put_number(p, (uint8_t)(narrow + 1), (uint64_t)n, 2)
                                       : n <= UINT32_MAX && put_number(p, (uint8_t)(narrow + 2), (uint64_t)n, 4);
    return headed && mplog_pack_bytes(p, bytes, (size_t)n);
}

bool mplog_pack_wide_text(struct mplog_pack *p, PyObject *text)
{
    Py_ssize_t n;
    const char *s = PyUnicode_AsUTF8AndSize(text, &n);
    if (!s) { /* surrogates */
        PyErr_Clear();
        return false;
    }
    if (n > 31)
        return put_sized(p, 0xd9, s, n);
    return mplog_pack_byte(p, (uint8_t)(0xa0 | n)) && mplog_pack_bytes(p, s, (size_t)n);
}

static bool put_unsigned(struct mplog_pack *p, uint64_t n)
{
    if (n < 128)
        return mplog_pack_byte(p, (uint8_t)n);
    if (n <= UINT8_MAX)
        return put_number(p, 0xcc, n, 1);
    if (n <= UINT16_MAX)
        return put_number(p, 0xcd, n, 2);
    return n <= UINT32_MAX ? put_number(p, 0xce, n, 4) : put_number(p, 0xcf, n, 8);
}

static bool put_negative(struct mplog_pack *p, int64_t n)
{
    if (n >= -32)
        return mplog_pack_byte(p, (uint8_t)n);
    if (n >= INT8_MIN)
        return put_number(p, 0xd0, (uint64_t)n, 1);
    if (n >= INT16_MIN)
        return put_number(p, 0xd1, (uint64_t)n, 2);
    return n >= INT32_MIN ? put_number(p, 0xd2, (uint64_t)n, 4) : put_number(p, 0xd3, (uint64_t)n, 8);
}

bool mplog_pack_int(struct mplog_pack *p, PyObject *number)
{
    int overflow;
    const long long n = PyLong_AsLongLongAndOverflow(number, &overflow);
    if (!overflow)
        return n < 0 ? put_negative(p, n) : put_unsigned(p, (uint64_t)n);
    const unsigned long long wide = overflow > 0 ? PyLong_AsUnsignedLongLong(number) : 0;
    if (overflow > 0 && !PyErr_Occurred())
        return put_unsigned(p, wide);
    PyErr_Clear();
    return false;
}

static bool put_float(struct mplog_pack *p, PyObject *value)
{
    const double real = PyFloat_AS_DOUBLE(value);
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    return put_number(p, 0xcb, bits, 8);
}

/* Another thread may change the list while a value of it is encoded: each look is at what is there, and the count is compared. */
static bool put_items(struct mplog_pack *p, PyObject *items)
{
    const bool is_list = PyList_CheckExact(items);
    const Py_ssize_t count = Py_SIZE(items);
    bool ok = mplog_pack_head(p, 0x90, 0xdc, count);
    for (Py_ssize_t i = 0; ok && i < count; i++) {
        if (is_list && PyList_GET_SIZE(items) != count)
            return false;
        PyObject *item = Py_NewRef(is_list ? PyList_GET_ITEM(items, i) : PyTuple_GET_ITEM(items, i));
        ok = mplog_pack_value(p, item);
        Py_DECREF(item);
    }
    return ok && Py_SIZE(items) == count;
}

bool mplog_pack_pair(struct mplog_pack *p, PyObject *key, PyObject *value, bool secret)
{
    static const uint8_t told[] = "\xaa" MPL_REDACTED;
    if (!mplog_pack_text(p, key))
        return false;
    return secret && value != Py_None ? mplog_pack_bytes(p, told, sizeof told - 1) : mplog_pack_value(p, value);
}

bool mplog_pack_pairs(struct mplog_pack *p, PyObject *dict, Py_ssize_t pairs)
{
    PyObject *key, *value;
    Py_ssize_t place = 0, done = 0;
    bool ok = true;
    while (ok && PyDict_Next(dict, &place, &key, &value)) {
        if (done++ == pairs || !PyUnicode_CheckExact(key))
            return false;
        Py_INCREF(key);
        Py_INCREF(value);
        ok = mplog_pack_pair(p, key, value, mplog_key_of(key) == MPLOG_KEY_SECRET);
        Py_DECREF(key);
        Py_DECREF(value);
    }
    return ok && done == pairs;
}

bool mplog_pack_dict(struct mplog_pack *p, PyObject *dict)
{
    const Py_ssize_t pairs = PyDict_GET_SIZE(dict);
    return mplog_pack_map(p, pairs) && mplog_pack_pairs(p, dict, pairs);
}

/* ---- types that msgspec writes: asked for once a type ------------------------------------------------------------------------ */
static struct {
    PyTypeObject *type;
    bool taken;
} types[TYPES];

static bool is_taken(PyTypeObject *type)
{
    const size_t index = ((uintptr_t)type >> 4 ^ (uintptr_t)type >> 9) % TYPES;
    if (types[index].type == type)
        return types[index].taken;
    PyObject *answer = takes ? PyObject_CallOneArg(takes, (PyObject *)type) : NULL, *before = (PyObject *)types[index].type;
    const bool taken = answer == Py_True;
    Py_XDECREF(answer);
    if (!answer) {
        PyErr_Clear();
        return false;
    }
    types[index].type = (PyTypeObject *)Py_NewRef((PyObject *)type);
    types[index].taken = taken;
    Py_XDECREF(before);
    return taken;
}

static bool put_foreign(struct mplog_pack *p, PyObject *value)
{
    if (!is_taken(Py_TYPE(value)))
        return false;
    PyObject *bytes = PyObject_CallOneArg(encode, value);
    const bool ok = bytes && PyBytes_Check(bytes) && mplog_pack_bytes(p, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
    Py_XDECREF(bytes);
    if (!bytes && PyErr_ExceptionMatches(PyExc_Exception))
        PyErr_Clear();
    return ok;
}

static bool put_container(struct mplog_pack *p, PyObject *value)
{
    if (p->depth == MAX_DEPTH)
        return false;
    p->depth++;
    const bool ok = PyDict_CheckExact(value) ? mplog_pack_dict(p, value) : put_items(p, value);
    p->depth--;
    return ok;
}

bool mplog_pack_value(struct mplog_pack *p, PyObject *value)
{
    if (PyUnicode_CheckExact(value))
        return mplog_pack_text(p, value);
    if (PyLong_CheckExact(value))
        return mplog_pack_int(p, value);
    if (PyFloat_CheckExact(value))
        return put_float(p, value);
    if (value == Py_None)
        return mplog_pack_byte(p, 0xc0);
    if (PyBool_Check(value))
        return mplog_pack_byte(p, value == Py_True ? 0xc3 : 0xc2);
    if (PyDict_CheckExact(value) || PyList_CheckExact(value) || PyTuple_CheckExact(value))
        return put_container(p, value);
    if (PyBytes_CheckExact(value))
        return put_sized(p, 0xc4, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value));
    return put_foreign(p, value);
}

bool mplog_is_fixed(PyObject *value)
{
    return PyUnicode_CheckExact(value) || PyLong_CheckExact(value) || PyFloat_CheckExact(value) || value == Py_None || PyBool_Check(value) ||
           PyBytes_CheckExact(value);
}

/* ---- secrets ------------------------------------------------------------------------------------------------------------------------ */
static bool add_name(struct mpl_redaction *next, PyObject *name)
{
    Py_ssize_t n;
    const char *text = PyUnicode_AsUTF8AndSize(name, &n);
    if (text && mpl_redaction_add(next, text, (size_t)n))
        mplog_raise(MPL_E_ARG);
    return !PyErr_Occurred();
}

/* The core knows the case of ASCII alone: other names are added as people write them. */
static bool add_cases(struct mpl_redaction *next, PyObject *name)
{
    static const char *const cases[] = {"lower", "upper", "title"};
    for (size_t i = 0; !PyUnicode_IS_ASCII(name) && i < sizeof cases / sizeof *cases; i++) {
        PyObject *other = PyObject_CallMethod(name, cases[i], NULL);
        const bool ok = other && add_name(next, other);
        Py_XDECREF(other);
        if (!ok)
            return false;
    }
    return true;
}

PyObject *mplog_set_redaction(PyObject *module, PyObject *names)
{
    struct mpl_redaction next = {.version = mplog_redaction.version};
    PyObject *items = PySequence_Fast(names, "set_redaction(names: sequence of str)");
    mpl_redaction_clear(&next);
    for (Py_ssize_t i = 0; items && i < PySequence_Fast_GET_SIZE(items); i++) {
        PyObject *name = PySequence_Fast_GET_ITEM(items, i);
        if (!add_name(&next, name) || !add_cases(&next, name))
            Py_CLEAR(items);
    }
    if (!items)
        return NULL;
    Py_DECREF(items);
    mplog_redaction = next;
    forget_keys();
    Py_RETURN_NONE;
}

PyObject *mplog_redact_payload(PyObject *payload)
{
    const uint8_t *bytes = (const uint8_t *)PyBytes_AS_STRING(payload);
    const size_t len = (size_t)PyBytes_GET_SIZE(payload);
    bool full;
    if (!mpl_redact(&mplog_redaction, bytes, len, NULL, 0, &full))
        return payload;
    /* A secret has a key of a byte at least and a value of one: in its place stand ten more at most. */
    const size_t room = len + len / 2 * (sizeof MPL_REDACTED - 1);
    PyObject *out = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)room);
    const size_t n = out ? mpl_redact(&mplog_redaction, bytes, len, (uint8_t *)PyBytes_AS_STRING(out), room, &full) : 0;
    if (out && !n) { /* no whole msgpack */
        Py_DECREF(out);
        return payload;
    }
    if (out)
        _PyBytes_Resize(&out, (Py_ssize_t)n);
    Py_DECREF(payload);
    return out;
}

PyObject *mplog_f_redact(PyObject *module, PyObject *payload)
{
    if (!PyBytes_Check(payload))
        return PyErr_Format(PyExc_TypeError, "redact(payload: bytes)");
    return mplog_redact_payload(Py_NewRef(payload));
}

PyObject *mplog_f_pack(PyObject *module, PyObject *args)
{
    PyObject *value;
    Py_ssize_t room = 1 << 16;
    if (!PyArg_ParseTuple(args, "O|n", &value, &room))
        return NULL;
    uint8_t *bytes = room < 0 ? NULL : PyMem_Malloc((size_t)room + 1);
    if (!bytes)
        return PyErr_NoMemory();
    struct mplog_pack p = {.at = bytes, .end = bytes + room};
    PyObject *out = NULL;
    if (mplog_pack_value(&p, value))
        out = PyBytes_FromStringAndSize((char *)bytes, p.at - bytes);
    else if (!PyErr_Occurred())
        out = Py_NewRef(Py_None);
    PyMem_Free(bytes);
    return out;
}

int mplog_pack_init(PyObject *msgspec_encode, PyObject *takes_type)
{
    static const char *const names[] = {"exc_info", "stack_info", "stacklevel"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!reserved[i] && !(reserved[i] = PyUnicode_InternFromString(names[i])))
            return -1;
    mplog_exc_info = reserved[0];
    Py_XSETREF(encode, Py_NewRef(msgspec_encode));
    Py_XSETREF(takes, Py_NewRef(takes_type));
    return 0;
}

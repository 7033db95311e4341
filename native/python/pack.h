/* SPDX-License-Identifier: Apache-2.0
 *
 * Python values as msgpack, byte for byte as msgspec's encoder writes them, and secrets replaced by key. Plain values alone: str, int, float, bool, None,
 * bytes, lists, tuples and dicts of them, and what msgspec is known to write without running anybody's code. All else is declined: then the whole event
 * goes through msgspec. The caller holds the GIL. No Python code runs but for a time zone of the user's. */
#ifndef MPLOG_PACK_H
#define MPLOG_PACK_H

#include "native.h"

struct mplog_pack {
    uint8_t *at, *end;
    int depth;
};

/* All return false when there is no room, or the value is declined. An exception is set only where a signal handler of the user's has raised it. */
bool mplog_pack_value(struct mplog_pack *p, PyObject *value);
bool mplog_pack_wide_text(struct mplog_pack *p, PyObject *text);
bool mplog_pack_int(struct mplog_pack *p, PyObject *number);
bool mplog_pack_dict(struct mplog_pack *p, PyObject *dict);
bool mplog_pack_pairs(struct mplog_pack *p, PyObject *dict, Py_ssize_t pairs); /* without the head; *pairs* is what the head has said */

enum mplog_key { MPLOG_KEY_PLAIN, MPLOG_KEY_SECRET, MPLOG_KEY_RESERVED /* exc_info, stack_info, stacklevel: only where they are keywords of a call */ };
enum mplog_key mplog_key_of(PyObject *text);
bool mplog_pack_pair(struct mplog_pack *p, PyObject *key, PyObject *value, bool secret);

/* Whether a value stays what it is: text, numbers, None and bytes. Only these may be encoded before the call they are for. */
bool mplog_is_fixed(PyObject *value);

extern struct mpl_redaction mplog_redaction;
extern PyObject *mplog_exc_info; /* the text */
PyObject *mplog_set_redaction(PyObject *module, PyObject *names);
PyObject *mplog_redact_payload(PyObject *payload); /* steals it; the payload without secrets, or NULL */
PyObject *mplog_f_redact(PyObject *module, PyObject *payload);
PyObject *mplog_f_pack(PyObject *module, PyObject *args);
int mplog_pack_init(PyObject *encode, PyObject *takes); /* msgspec's encode; a function: whether it may have a value of a type */

static inline bool mplog_room(const struct mplog_pack *p, size_t n) { return (size_t)(p->end - p->at) >= n; }

static inline bool mplog_pack_bytes(struct mplog_pack *p, const void *bytes, size_t n)
{
    if (!mplog_room(p, n))
        return false;
    memcpy(p->at, bytes, n);
    p->at += n;
    return true;
}

static inline bool mplog_pack_byte(struct mplog_pack *p, uint8_t byte) { return mplog_pack_bytes(p, &byte, 1); }

static inline bool mplog_pack_text(struct mplog_pack *p, PyObject *text)
{
    if (!PyUnicode_IS_COMPACT_ASCII(text) || PyUnicode_GET_LENGTH(text) > 31)
        return mplog_pack_wide_text(p, text);
    const size_t n = (size_t)PyUnicode_GET_LENGTH(text);
    if (!mplog_room(p, n + 1))
        return false;
    *p->at++ = (uint8_t)(0xa0 | n);
    memcpy(p->at, PyUnicode_1BYTE_DATA(text), n);
    p->at += n;
    return true;
}

bool mplog_pack_head(struct mplog_pack *p, uint8_t few, uint8_t wide, Py_ssize_t count);
static inline bool mplog_pack_map(struct mplog_pack *p, Py_ssize_t pairs) { return mplog_pack_head(p, 0x80, 0xde, pairs); }

#endif

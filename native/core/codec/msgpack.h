/* SPDX-License-Identifier: Apache-2.0
 *
 * A cursor over msgpack that trusts nothing: a length is checked against what is left before anything is read by it. Any role, after a fork too. */
#ifndef MPL_MSGPACK_H
#define MPL_MSGPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mpl_msg_kind {
    MPL_MSG_NIL,
    MPL_MSG_BOOL,  /* number: 0 or 1 */
    MPL_MSG_INT,   /* number; negative: its two's complement */
    MPL_MSG_FLOAT, /* real */
    MPL_MSG_STR,   /* text, length; not checked to be UTF-8 */
    MPL_MSG_ARRAY, /* count items follow */
    MPL_MSG_MAP,   /* count pairs follow */
    MPL_MSG_OTHER, /* bytes, or an extension: stepped over; by mpl_msg_any alone */
};

struct mpl_msg {
    enum mpl_msg_kind kind;
    bool negative;
    uint32_t length; /* of the text; of an array or a map: how many */
    union {
        uint64_t number;
        double real;
        const uint8_t *text;
    };
};

struct mpl_cursor {
    const uint8_t *at, *end;
};

bool mpl_msg_wide(struct mpl_cursor *c, struct mpl_msg *m);

/* The next value, or the head of a container. False: the bytes end too early, or it is something that no plain event holds (bin, ext, a float of
 * 32 bits, the byte c1). */
static inline bool mpl_msg_next(struct mpl_cursor *c, struct mpl_msg *m)
{
    if (c->at >= c->end)
        return false;
    uint8_t head = *c->at;
    m->negative = false;
    if (head >= 0xa0 && head < 0xc0) { /* a short text: the most of what events are made of */
        uint32_t length = head & 31u;
        if ((size_t)(c->end - c->at) <= length)
            return false;
        m->kind = MPL_MSG_STR;
        m->length = length;
        m->text = c->at + 1;
        c->at += 1 + length;
        return true;
    }
    return mpl_msg_wide(c, m);
}

/* Steps over what a container's head has announced. */
bool mpl_msg_skip(struct mpl_cursor *c, const struct mpl_msg *m);

/* The same two where everything that msgpack has may stand. */
bool mpl_msg_any(struct mpl_cursor *c, struct mpl_msg *m);
bool mpl_msg_skip_any(struct mpl_cursor *c, const struct mpl_msg *m);

#endif

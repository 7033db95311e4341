/* SPDX-License-Identifier: Apache-2.0
 *
 * Bounded output; text as msgspec writes it into JSON and mplog/format/flat.py then makes it safe for one line. Any role. */
#ifndef MPL_OUT_H
#define MPL_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct mpl_out {
    char *at, *end;
    bool full; /* there was no room for something */
    unsigned digits; /* of the numbers in the message, or what stands in front of them */
};

#define MPL_NUMBER_CHARS 32 /* room for any number's text */

static inline bool mpl_put(struct mpl_out *o, const char *bytes, size_t n)
{
    if ((size_t)(o->end - o->at) < n) {
        o->full = true;
        return false;
    }
    memcpy(o->at, bytes, n);
    o->at += n;
    return true;
}
#define MPL_PUT(o, literal) mpl_put((o), (literal), sizeof(literal) - 1)

/* Text escaped as the inside of a JSON string. False: no room (`full`), or it is not UTF-8. */
bool mpl_put_text(struct mpl_out *o, const uint8_t *text, size_t n);

/* The same between quotes, and what stands behind it, which is one character. */
bool mpl_put_quoted(struct mpl_out *o, const uint8_t *text, size_t n, char after);

/* Texts of numbers; they return the number of bytes. */
size_t mpl_uint_text(char out[MPL_NUMBER_CHARS], uint64_t number);
size_t mpl_int_text(char out[MPL_NUMBER_CHARS], uint64_t number, bool negative); /* negative: number is the two's complement */
/* As both msgspec and Python's repr print it; 0: they differ there (below 1e-4, from 1e16 on, not finite), or it cannot be told. */
size_t mpl_real_text(char out[MPL_NUMBER_CHARS], double real);

extern const char mpl_pairs[201]; /* 00, 01 … 99 */

/* n bytes of a text for which there is room for MPL_NUMBER_CHARS. */
static inline bool mpl_put_short(struct mpl_out *o, const char text[MPL_NUMBER_CHARS], size_t n)
{
    if ((size_t)(o->end - o->at) < MPL_NUMBER_CHARS)
        return mpl_put(o, text, n);
    memcpy(o->at, text, MPL_NUMBER_CHARS);
    o->at += n;
    return true;
}

static inline bool mpl_put_uint(struct mpl_out *o, uint64_t number)
{
    char text[MPL_NUMBER_CHARS];
    return mpl_put_short(o, text, mpl_uint_text(text, number));
}

#endif

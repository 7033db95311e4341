/* SPDX-License-Identifier: Apache-2.0
 *
 * Well-formed UTF-8. Private to format/. */
#ifndef MPL_UTF8_H
#define MPL_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline bool mpl_is_tail(uint8_t byte) { return (byte & 0xc0) == 0x80; }

/* Length of the well-formed sequence of two to four bytes at s and its code point; 0: it is none (overlong, surrogate, beyond 10ffff, cut off). */
static inline size_t mpl_sequence(const uint8_t *s, size_t left, unsigned *code)
{
    if (s[0] >= 0xc2 && s[0] <= 0xdf && left >= 2 && mpl_is_tail(s[1])) {
        *code = (s[0] & 31u) << 6 | (s[1] & 63u);
        return 2;
    }
    if (s[0] >= 0xe0 && s[0] <= 0xef && left >= 3 && mpl_is_tail(s[1]) && mpl_is_tail(s[2])) {
        *code = (s[0] & 15u) << 12 | (s[1] & 63u) << 6 | (s[2] & 63u);
        return *code < 0x800 || (*code >= 0xd800 && *code <= 0xdfff) ? 0 : 3;
    }
    if (s[0] >= 0xf0 && s[0] <= 0xf4 && left >= 4 && mpl_is_tail(s[1]) && mpl_is_tail(s[2]) && mpl_is_tail(s[3])) {
        *code = (s[0] & 7u) << 18 | (s[1] & 63u) << 12 | (s[2] & 63u) << 6 | (s[3] & 63u);
        return *code < 0x10000 || *code > 0x10ffff ? 0 : 4;
    }
    return 0;
}

static inline bool mpl_is_utf8(const uint8_t *s, size_t n)
{
    const uint8_t *end = s + n;
    unsigned code;
    while (s < end) {
        uint64_t word;
        if (end - s >= 8 && (memcpy(&word, s, 8), !(word & UINT64_C(0x8080808080808080)))) {
            s += 8;
            continue;
        }
        size_t step = *s < 0x80 ? 1 : mpl_sequence(s, (size_t)(end - s), &code);
        if (!step)
            return false;
        s += step;
    }
    return true;
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Eight bytes at a time; each test is not 0 when it holds for one of them. Private to format/. */
#ifndef MPL_WORD_H
#define MPL_WORD_H

#include <stdint.h>

#define MPL_EACH(byte) (UINT64_C(0x0101010101010101) * (byte))
#define MPL_HIGH MPL_EACH(0x80)

static inline uint64_t mpl_has_zero(uint64_t w) { return (w - MPL_EACH(1)) & ~w & MPL_HIGH; }
static inline uint64_t mpl_has(uint64_t w, uint8_t byte) { return mpl_has_zero(w ^ MPL_EACH(byte)); }

/* A control, DEL, or not ASCII. */
static inline uint64_t mpl_has_odd(uint64_t w)
{
    uint64_t below_space = (w - MPL_EACH(0x20)) & ~w & MPL_HIGH;
    return (w & MPL_HIGH) | below_space | mpl_has(w, 0x7f);
}

#endif

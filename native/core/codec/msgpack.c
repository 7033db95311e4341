/* SPDX-License-Identifier: Apache-2.0 */
#include "msgpack.h"

#include <string.h>

/* A number of `width` bytes, big end first; false when they are not there. */
static bool take(struct mpl_cursor *c, unsigned width, uint64_t *out)
{
    uint64_t value = 0;
    if ((size_t)(c->end - c->at) < width)
        return false;
    for (unsigned i = 0; i < width; i++)
        value = value << 8 | c->at[i];
    c->at += width;
    *out = value;
    return true;
}

static bool take_int(struct mpl_cursor *c, struct mpl_msg *m, unsigned width, bool is_signed)
{
    if (!take(c, width, &m->number))
        return false;
    m->kind = MPL_MSG_INT;
    if (is_signed && m->number >> (8 * width - 1)) {
        m->negative = true;
        if (width < 8)
            m->number |= UINT64_MAX << (8 * width);
    }
    return true;
}

static bool take_text(struct mpl_cursor *c, struct mpl_msg *m, unsigned width)
{
    uint64_t length;
    if (!take(c, width, &length) || length > (size_t)(c->end - c->at))
        return false;
    m->kind = MPL_MSG_STR;
    m->length = (uint32_t)length;
    m->text = c->at;
    c->at += length;
    return true;
}

static bool take_head(struct mpl_cursor *c, struct mpl_msg *m, enum mpl_msg_kind kind, unsigned width)
{
    uint64_t count;
    if (!take(c, width, &count))
        return false;
    m->kind = kind;
    m->length = (uint32_t)count;
    return true;
}

static bool take_real(struct mpl_cursor *c, struct mpl_msg *m)
{
    uint64_t bits;
    if (!take(c, 8, &bits))
        return false;
    m->kind = MPL_MSG_FLOAT;
    memcpy(&m->real, &bits, sizeof bits);
    return true;
}

static bool constant(struct mpl_msg *m, enum mpl_msg_kind kind, uint64_t number)
{
    m->kind = kind;
    m->number = number;
    return true;
}

/* What fits into the head byte itself. */
static bool narrow(struct mpl_msg *m, uint8_t head)
{
    if (head >= 0xe0) {
        m->negative = true;
        return constant(m, MPL_MSG_INT, UINT64_MAX << 8 | head);
    }
    if (head < 0x80)
        return constant(m, MPL_MSG_INT, head);
    m->kind = head < 0x90 ? MPL_MSG_MAP : MPL_MSG_ARRAY;
    m->length = head & 15u;
    return true;
}

bool mpl_msg_wide(struct mpl_cursor *c, struct mpl_msg *m)
{
    uint8_t head = *c->at++;
    if (head < 0xa0 || head >= 0xe0)
        return narrow(m, head);
    switch (head) {
    case 0xc0: return constant(m, MPL_MSG_NIL, 0);
    case 0xc2: return constant(m, MPL_MSG_BOOL, 0);
    case 0xc3: return constant(m, MPL_MSG_BOOL, 1);
    case 0xcb: return take_real(c, m);
    case 0xcc: return take_int(c, m, 1, false);
    case 0xcd: return take_int(c, m, 2, false);
    case 0xce: return take_int(c, m, 4, false);
    case 0xcf: return take_int(c, m, 8, false);
    case 0xd0: return take_int(c, m, 1, true);
    case 0xd1: return take_int(c, m, 2, true);
    case 0xd2: return take_int(c, m, 4, true);
    case 0xd3: return take_int(c, m, 8, true);
    case 0xd9: return take_text(c, m, 1);
    case 0xda: return take_text(c, m, 2);
    case 0xdb: return take_text(c, m, 4);
    case 0xdc: return take_head(c, m, MPL_MSG_ARRAY, 2);
    case 0xdd: return take_head(c, m, MPL_MSG_ARRAY, 4);
    case 0xde: return take_head(c, m, MPL_MSG_MAP, 2);
    case 0xdf: return take_head(c, m, MPL_MSG_MAP, 4);
    default: return false;
    }
}

static uint64_t inside(const struct mpl_msg *m)
{
    return m->kind == MPL_MSG_ARRAY ? m->length : m->kind == MPL_MSG_MAP ? 2 * (uint64_t)m->length : 0;
}

/* Bytes and extensions: what a length of `width` bytes says, and the extension's type. */
static bool take_other(struct mpl_cursor *c, unsigned width, unsigned fixed)
{
    uint64_t length = fixed;
    if ((width && !take(c, width, &length)) || length > (size_t)(c->end - c->at))
        return false;
    c->at += length;
    return true;
}

static bool take_float(struct mpl_cursor *c, struct mpl_msg *m)
{
    uint64_t bits;
    float real;
    if (!take(c, 4, &bits))
        return false;
    const uint32_t narrow_bits = (uint32_t)bits;
    memcpy(&real, &narrow_bits, sizeof real);
    m->kind = MPL_MSG_FLOAT;
    m->real = (double)real;
    return true;
}

bool mpl_msg_any(struct mpl_cursor *c, struct mpl_msg *m)
{
    const uint8_t head = c->at < c->end ? *c->at : 0xc1;
    if (!((head >= 0xc4 && head <= 0xca) || (head >= 0xd4 && head <= 0xd8)))
        return mpl_msg_next(c, m);
    c->at++;
    *m = (struct mpl_msg){.kind = MPL_MSG_OTHER};
    if (head == 0xca)
        return take_float(c, m);
    if (head < 0xc7)
        return take_other(c, 1u << (head - 0xc4), 0);
    if (head >= 0xd4)
        return take_other(c, 0, 1 + (1u << (head - 0xd4)));
    return take_other(c, 1u << (head - 0xc7), 0) && take_other(c, 0, 1);
}

/* Every value has a byte at least, so the number still to come is never above the bytes left: no depth, no overflow. */
bool mpl_msg_skip(struct mpl_cursor *c, const struct mpl_msg *m)
{
    struct mpl_msg each;
    for (uint64_t left = inside(m); left; left = left - 1 + inside(&each))
        if (left > (size_t)(c->end - c->at) || !mpl_msg_next(c, &each))
            return false;
    return true;
}

bool mpl_msg_skip_any(struct mpl_cursor *c, const struct mpl_msg *m)
{
    struct mpl_msg each;
    for (uint64_t left = inside(m); left; left = left - 1 + inside(&each))
        if (left > (size_t)(c->end - c->at) || !mpl_msg_any(c, &each))
            return false;
    return true;
}

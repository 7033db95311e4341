/* SPDX-License-Identifier: Apache-2.0 */
#include "event.h"

static bool put_next(struct mpl_out *o, struct mpl_cursor *c, unsigned depth);

static bool put_string(struct mpl_out *o, const struct mpl_msg *m)
{
    return MPL_PUT(o, "\"") && mpl_put_text(o, m->text, m->length) && MPL_PUT(o, "\"");
}

static bool put_array(struct mpl_out *o, struct mpl_cursor *c, uint32_t count, unsigned depth)
{
    if (!MPL_PUT(o, "["))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if ((i && !MPL_PUT(o, ",")) || !put_next(o, c, depth + 1))
            return false;
    return MPL_PUT(o, "]");
}

static bool put_map(struct mpl_out *o, struct mpl_cursor *c, uint32_t count, unsigned depth)
{
    struct mpl_msg keys[MPL_MAX_PAIRS];
    if (count > MPL_MAX_PAIRS || !MPL_PUT(o, "{"))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!mpl_msg_next(c, &keys[i]) || keys[i].kind != MPL_MSG_STR)
            return false;
        for (uint32_t k = 0; k < i; k++)
            if (mpl_same_text(&keys[k], keys[i].text, keys[i].length))
                return false;
        if ((i && !MPL_PUT(o, ",")) || !put_string(o, &keys[i]) || !MPL_PUT(o, ":") || !put_next(o, c, depth + 1))
            return false;
    }
    return MPL_PUT(o, "}");
}

bool mpl_put_value(struct mpl_out *o, const struct mpl_msg *m, struct mpl_cursor *c, unsigned depth)
{
    char text[MPL_NUMBER_CHARS];
    size_t n;
    switch (m->kind) {
    case MPL_MSG_STR: return put_string(o, m);
    case MPL_MSG_INT: return mpl_put(o, text, mpl_int_text(text, m->number, m->negative));
    case MPL_MSG_FLOAT: return (n = mpl_real_text(text, m->real)) && mpl_put(o, text, n);
    case MPL_MSG_BOOL: return m->number ? MPL_PUT(o, "true") : MPL_PUT(o, "false");
    case MPL_MSG_NIL: return MPL_PUT(o, "null");
    default: break;
    }
    if (depth >= MPL_MAX_DEPTH)
        return false;
    return m->kind == MPL_MSG_ARRAY ? put_array(o, c, m->length, depth) : put_map(o, c, m->length, depth);
}

static bool put_next(struct mpl_out *o, struct mpl_cursor *c, unsigned depth)
{
    struct mpl_msg m;
    return mpl_msg_next(c, &m) && mpl_put_value(o, &m, c, depth);
}

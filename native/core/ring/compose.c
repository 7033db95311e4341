/* SPDX-License-Identifier: Apache-2.0 */
#include "compose.h"

#include "origin.h"
#include "poison.h"

static int64_t line_of(struct mpl_compose *c, const struct mpl_item *item, size_t room)
{
    struct mpl_reader *r = c->r;
    int64_t n = MPL_FORMAT_DECLINED;
    const struct mpl_stamp stamp = {.origin = &mpl_known_at(r, item->view, item->slot)->origin, .wall_ns = item->wall_ns, .seq = item->seq,
        .filtered = item->untold[c->sink], .level = item->level, .kind = item->kind, .flags = item->flags};
    if (item->seq == item->expected && !(item->flags & MPL_ITEM_POISON) && !(item->lost >> c->sink & 1))
        n = c->format(c->second, &stamp, (const uint8_t *)r->arena + item->place, item->len, c->at, room);
    if (n == MPL_FORMAT_NO_ROOM && c->size)
        return 0;
    return n < 0 ? c->fallback(c->arg, item, c->at, room) : n;
}

static int make_lines(struct mpl_compose *c)
{
    const uint32_t all = c->r->nitems, most = c->most && c->most < all ? c->most : all;
    if (c->r->losing >> c->sink & 1)
        c->count = most;
    for (; c->count < most; c->count++) {
        const struct mpl_item *item = &c->r->items[c->count];
        size_t left = (size_t)(c->end - c->at), wanted = c->room > c->size ? c->room - c->size : 0;
        if (item->filtered >> c->sink & 1 && item->seq == item->expected && !(item->lost >> c->sink & 1))
            continue;
        mpl_poison_at(item);
        int64_t n = line_of(c, item, c->size && wanted < left ? wanted : left);
        if (n <= 0)
            return (int)n;
        c->at += n;
        c->size += (size_t)n;
    }
    return 0;
}

int mpl_compose(struct mpl_compose *c)
{
    mpl_poison_of(c->r);
    int rc = make_lines(c);
    mpl_poison_done();
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Which events a file gets: a least level, and others for loggers below a dotted prefix; the longest prefix wins. Looked at in the drain, in the writer's
 * own copy of a payload. Role: W. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codec/msgpack.h"
#include "mpl.h"

struct entry {
    uint32_t hash, place, length; /* of the prefix; length 0: empty */
    uint32_t level;
};

struct mpl_filter {
    uint8_t level, lowest, highest;
    uint32_t mask; /* of the table's places; half of them stay empty */
    char *text;
    struct entry table[];
};

#define FNV_START 2166136261u
static uint32_t hashed(uint32_t hash, uint8_t byte) { return (hash ^ byte) * 16777619u; }

static struct entry *place_of(struct mpl_filter *f, uint32_t hash, const void *prefix, size_t length)
{
    for (uint32_t at = hash & f->mask;; at = (at + 1) & f->mask) {
        struct entry *e = &f->table[at];
        if (!e->length || (e->hash == hash && e->length == length && memcmp(f->text + e->place, prefix, length) == 0))
            return e;
    }
}

static void add(struct mpl_filter *f, const struct mpl_rule *rule, char **text)
{
    uint32_t hash = FNV_START;
    for (size_t i = 0; i < rule->length; i++)
        hash = hashed(hash, (uint8_t)rule->prefix[i]);
    memcpy(*text, rule->prefix, rule->length);
    struct entry *e = place_of(f, hash, rule->prefix, rule->length);
    *e = (struct entry){.hash = hash, .place = (uint32_t)(*text - f->text), .length = (uint32_t)rule->length, .level = rule->level};
    *text += rule->length;
    f->lowest = rule->level < f->lowest ? rule->level : f->lowest;
    f->highest = rule->level > f->highest ? rule->level : f->highest;
}

struct mpl_filter *mpl_filter_new(uint8_t level, const struct mpl_rule *rules, uint32_t count, int *rc)
{
    uint32_t places = 2;
    size_t bytes = 0;
    *rc = MPL_E_ARG;
    if (count > MPL_MAX_RULES)
        return NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (!rules[i].length || rules[i].length > MPL_MAX_PREFIX)
            return NULL;
        bytes += rules[i].length;
    }
    while (places < 2 * count)
        places *= 2;
    struct mpl_filter *f = calloc(1, sizeof *f + places * sizeof *f->table + bytes);
    *rc = f ? 0 : -ENOMEM;
    if (!f)
        return NULL;
    *f = (struct mpl_filter){.level = level, .lowest = level, .highest = level, .mask = places - 1, .text = (char *)&f->table[places]};
    char *text = f->text;
    for (uint32_t i = 0; i < count; i++)
        add(f, &rules[i], &text);
    return f;
}

int mpl_filter_set(struct mpl_reader *r, uint32_t sink, uint8_t level, const struct mpl_rule *rules, uint32_t count)
{
    int rc = MPL_E_ARG;
    struct mpl_filter *f = sink < MPL_MAX_SINKS ? mpl_filter_new(level, rules, count, &rc) : NULL;
    if (!f)
        return rc;
    free(r->filters[sink]);
    r->filters[sink] = f;
    return 0;
}

/* The level that holds for a logger: that of the longest prefix that ends with it or at one of its dots. */
static unsigned level_for(struct mpl_filter *f, const uint8_t *logger, size_t length)
{
    unsigned level = f->level;
    uint32_t hash = FNV_START;
    for (size_t i = 0; i < length; i++) {
        hash = hashed(hash, logger[i]);
        if (i + 1 < length && logger[i + 1] != '.')
            continue;
        const struct entry *e = place_of(f, hash, logger, i + 1);
        level = e->length ? e->level : level;
    }
    return level;
}

bool mpl_filter_takes(struct mpl_filter *f, unsigned level, const void *payload, size_t len)
{
    struct mpl_cursor c = {.at = payload, .end = (const uint8_t *)payload + len};
    struct mpl_msg head, logger;
    if (level >= f->highest || level < f->lowest)
        return level >= f->highest;
    if (!mpl_msg_next(&c, &head) || head.kind != MPL_MSG_ARRAY || !head.length || !mpl_msg_next(&c, &logger) || logger.kind != MPL_MSG_STR)
        return level >= f->level; /* no event, or one without a logger's name */
    return level >= level_for(f, logger.text, logger.length < MPL_MAX_PREFIX ? logger.length : MPL_MAX_PREFIX);
}

/* Back to where each session stood before the drain, then as in the drain. */
void mpl_filter_refuse(struct mpl_reader *r, uint32_t sink, const uint8_t *refused)
{
    const uint8_t bit = (uint8_t)(1u << sink), all = (uint8_t)((1u << r->nsinks) - 1);
    for (uint32_t i = r->nitems; i-- > 0;)
        mpl_view_at(r, r->items[i].view)->cursor_untold[sink][r->items[i].slot] = r->items[i].untold[sink];
    for (uint32_t i = 0; i < r->nitems; i++) {
        struct mpl_item *item = &r->items[i];
        uint64_t *untold = &mpl_view_at(r, item->view)->cursor_untold[sink][item->slot];
        item->untold[sink] = *untold;
        if (refused[i] && !(item->flags & MPL_ITEM_POISON))
            item->filtered |= bit;
        if (item->filtered & bit)
            *untold = item->seq != item->expected || item->lost >> sink & 1 ? 1 : *untold + 1;
        else
            *untold = 0;
        if (item->filtered == all)
            item->flags |= MPL_ITEM_FILTERED;
    }
}

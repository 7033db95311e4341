/* SPDX-License-Identifier: Apache-2.0 */
#include "memo.h"

#include <stdlib.h>

#define STUBBORN 8u /* misses in a row before what is kept gives way */

struct mpl_memo *mpl_memo_new(void) { return calloc(1, sizeof(struct mpl_memo)); }
void mpl_memo_free(struct mpl_memo *memo) { free(memo); }

static uint64_t word_at(const uint8_t *s)
{
    uint64_t word;
    memcpy(&word, s, 8);
    return word;
}

static uint32_t mixed(uint64_t a, uint64_t b) { return (uint32_t)((a * UINT64_C(0x9e3779b97f4a7c15) ^ b) * UINT64_C(0xff51afd7ed558ccd) >> 32); }

/* Bytes that begin with a key are that key: a text's length stands before it. */
static struct mpl_spot spot(struct mpl_kept *table, uint32_t hash, uint8_t tag, const uint8_t *key, size_t n)
{
    struct mpl_kept *k = &table[hash % MPL_MEMO_PLACES];
    const bool hit = k->key_len && k->key_len <= n && k->tag == tag && memcmp(k->key, key, k->key_len) == 0;
    if (hit && k->misses)
        k->misses = 0;
    return (struct mpl_spot){.kept = k, .hit = hit, .tag = tag, .hash = hash, .key = key, .n = n};
}

struct mpl_spot mpl_memo_head(struct mpl_memo *memo, const struct mpl_event *e, uint8_t level)
{
    const uint8_t *end = e->template.text + e->template.length;
    const size_t n = (size_t)(end - e->begin);
    if (!memo || n < 8 || n > MPL_MEMO_KEY)
        return (struct mpl_spot){0};
    return spot(memo->heads, mixed(word_at(end - 8) ^ word_at(e->begin + (n - 8) / 2), n << 8 | level), level, e->begin, n);
}

struct mpl_spot mpl_memo_place(struct mpl_memo *memo, const struct mpl_event *e, const struct mpl_cursor *c)
{
    struct mpl_cursor file = *c;
    struct mpl_msg name;
    if (!memo || e->items < 7 || !mpl_msg_next(&file, &name) || name.kind != MPL_MSG_STR || file.end - file.at < 8)
        return (struct mpl_spot){0};
    return spot(memo->places, mixed(word_at(file.at), name.length), 0, c->at, (size_t)(c->end - c->at));
}

struct mpl_spot mpl_memo_thread(struct mpl_memo *memo, const struct mpl_event *e, const struct mpl_cursor *c)
{
    if (!memo || e->items < 8 || c->end - c->at < 8)
        return (struct mpl_spot){0};
    return spot(memo->threads, mixed(word_at(c->at), e->items), (uint8_t)e->items, c->at, (size_t)(c->end - c->at));
}

bool mpl_memo_wants(const struct mpl_spot *s)
{
    struct mpl_kept *k = s->kept;
    if (!k || s->hit || s->n > MPL_MEMO_KEY)
        return false;
    if (k->hash != s->hash) {
        k->hash = s->hash;
        k->misses = 0;
    }
    if (++k->misses <= (k->key_len ? STUBBORN : 1u))
        return false;
    k->key_len = 0;
    return true;
}

void mpl_memo_keep(const struct mpl_spot *s, size_t first, size_t second)
{
    struct mpl_kept *k = s->kept;
    memcpy(k->key, s->key, s->n);
    k->key_len = (uint16_t)s->n;
    k->tag = s->tag;
    k->first = (uint16_t)first;
    k->second = (uint16_t)second;
    k->misses = 0;
}

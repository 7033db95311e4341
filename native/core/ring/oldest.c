/* SPDX-License-Identifier: Apache-2.0
 *
 * drop_oldest, the owner's side: it takes its oldest records back while the writer may be copying them. The order of the steps is that of
 * native/model/drop_oldest.pml: drop_last, then head by CAS, then rsv and the full fence (publish:B), then the record.
 *
 * Pairs kept here:
 *   oldest:A / void:A   head before the bytes that stand behind it now are written over (by publish:B's fence); the writer's copy before its second look at head
 *   oldest:B / void:B   drop_last and `taken` before head; the writer's head before its looks at these
 */
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "gap.h"

void mpl_gap_forget(struct mpl_lane *lane)
{
    mpl_store(&lane->gap.first, 0);
    for (int i = 0; i < 2; i++) {
        struct mpl_taken *t = &lane->taken[i];
        mpl_store(&t->pos, 0);
        mpl_store(&t->first_mono, 0);
        mpl_store(&t->last_mono, 0);
        for (unsigned k = 0; k < MPL_LEVELS; k++)
            mpl_store(&t->count[k], 0);
    }
}

void mpl_gap_add(struct mpl_producer *p, enum mpl_reason reason, unsigned level, uint64_t mono_ns)
{
    struct mpl_gap_words *g = &p->lane->gap;
    if (!p->gap_open) {
        mpl_store(&g->first, 0);
        mpl_fence_release();
        for (unsigned i = 0; i < MPL_REASONS; i++)
            for (unsigned k = 0; k < MPL_LEVELS; k++)
                mpl_store(&g->count[i][k], 0);
        mpl_store(&g->first_mono, mono_ns);
        mpl_store_release(&g->first, p->seq);
        p->gap_open = true;
    }
    mpl_a64 *word = &g->count[reason][mpl_level_class(level)];
    mpl_store(word, mpl_load(word) + 1);
    mpl_store(&g->last_mono, mono_ns);
}

const void *mpl_gap_glue(struct mpl_producer *p, const void *payload, size_t len)
{
    const struct mpl_gap_words *g = &p->lane->gap;
    if (p->scratch_bytes < len + sizeof(struct mpl_gap)) {
        char *larger = realloc(p->scratch, len + sizeof(struct mpl_gap));
        if (!larger)
            return NULL;
        p->scratch = larger;
        p->scratch_bytes = len + sizeof(struct mpl_gap);
    }
    struct mpl_gap gap = {.first_mono = mpl_load(&g->first_mono), .last_mono = mpl_load(&g->last_mono)};
    for (unsigned i = 0; i < MPL_REASONS; i++)
        for (unsigned k = 0; k < MPL_LEVELS; k++)
            gap.count[i][k] = mpl_load(&g->count[i][k]);
    memcpy(p->scratch, payload, len);
    memcpy(p->scratch + len, &gap, sizeof gap);
    return p->scratch;
}

struct walk {
    uint64_t to, last; /* where it ends, and the greatest number of its own session */
    uint64_t first_mono, last_mono;
    uint64_t many, count[MPL_LEVELS];
};

/* Over whole records, from the oldest one on, up to `least` or beyond it. Those of a predecessor are told by its last number; what it was promised to keep is
 * kept, and rather is the new one dropped. */
static bool walk_over(const struct mpl_producer *p, uint64_t from, uint64_t least, struct walk *w)
{
    *w = (struct walk){.to = from};
    while ((int64_t)(least - w->to) > 0) {
        const uint64_t offset = w->to & (p->capacity - 1), rest = p->capacity - offset, have = p->tail - w->to;
        const struct mpl_record *found = (const struct mpl_record *)(const void *)(p->data + offset);
        if ((int64_t)have <= 0 || found->len < 8 || found->len % 8 || found->len > rest || found->len > have || (found->epoch && found->len < sizeof *found))
            return false;
        if (found->epoch == p->epoch && found->flags & MPL_FLAG_DURABLE)
            return false; /* somebody waits for it */
        if (found->epoch && found->epoch != p->epoch && !(found->flags & MPL_FLAG_YIELDS))
            return false;
        w->to += found->len;
        if (found->epoch != p->epoch)
            continue;
        w->last = found->seq;
        w->last_mono = found->mono_ns;
        if (!w->many++)
            w->first_mono = found->mono_ns;
        w->count[mpl_level_class(found->level)]++;
    }
    return true;
}

/* What will have been taken in all when head stands at w->to, beside what is in force. */
static void announce(struct mpl_producer *p, uint64_t from, const struct walk *w)
{
    const struct mpl_taken *in_force = &p->lane->taken[p->taken];
    struct mpl_taken *next = &p->lane->taken[p->taken ^ 1];
    const bool goes_on = mpl_load(&in_force->pos) == from; /* the writer has read nothing since */
    mpl_store(&next->pos, 0);
    mpl_fence_release();
    for (unsigned k = 0; k < MPL_LEVELS; k++)
        mpl_store(&next->count[k], mpl_load(&in_force->count[k]) + w->count[k]);
    mpl_store(&next->first_mono, goes_on && mpl_load(&in_force->first_mono) ? mpl_load(&in_force->first_mono) : w->first_mono);
    mpl_store(&next->last_mono, w->many ? w->last_mono : mpl_load(&in_force->last_mono));
    mpl_store_release(&next->pos, w->to);
}

static void count(struct mpl_producer *p, const struct walk *w)
{
    p->taken ^= 1;
    p->dropped += w->many;
    p->taken_back += w->many;
    for (unsigned k = 0; k < MPL_LEVELS; k++) {
        mpl_a64 *word = &p->lane->drops[MPL_REASON_oldest][k];
        mpl_store(word, mpl_load(word) + w->count[k]);
    }
}

bool mpl_make_room(struct mpl_producer *p, uint64_t end, uint64_t usable)
{
    struct mpl_lane *lane = p->lane;
    struct walk w;
    for (;;) {
        const uint64_t from = mpl_load_acquire(&lane->head);
        p->head = from;
        if (end - from <= usable)
            break;
        if (!walk_over(p, from, end - usable, &w)) {
            mpl_store(&lane->taken[p->taken ^ 1].pos, 0);
            return false;
        }
        announce(p, from, &w);
        KILL_POINT(oldest_announced);
        if (w.last > mpl_load(&lane->drop_last) && !SEEDED(taken_back_untold))
            mpl_store_release(&lane->drop_last, w.last);
        KILL_POINT(oldest_told);
        /* ORD(oldest:A) before the fence behind the next record's rsv; pairs with ORD(void:A) */
        if (!mpl_swap(&lane->head, from, w.to)) /* ORD(oldest:B) release: taken and drop_last; pairs with ORD(void:B), ORD(void:C) */
            continue;
        KILL_POINT(oldest_taken);
        p->head = w.to;
        count(p, &w);
        return true;
    }
    mpl_store(&lane->taken[p->taken ^ 1].pos, 0); /* what was announced and has not come about */
    return true;
}

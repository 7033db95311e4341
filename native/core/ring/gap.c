/* SPDX-License-Identifier: Apache-2.0 */
#include "gap.h"

#include <string.h>

/* What the owner has taken back in all as of `head`; false where head was not moved by it, or where it has moved on. */
static bool taken_at(const struct mpl_lane *lane, uint64_t head, struct mpl_taken *out)
{
    for (int i = 0; i < 2; i++) {
        const struct mpl_taken *t = &lane->taken[i];
        if (!head || mpl_load_acquire(&t->pos) != head)
            continue;
        mpl_store(&out->first_mono, mpl_load(&t->first_mono));
        mpl_store(&out->last_mono, mpl_load(&t->last_mono));
        for (unsigned k = 0; k < MPL_LEVELS; k++)
            mpl_store(&out->count[k], mpl_load(&t->count[k]));
        mpl_fence_acquire();
        if (mpl_load(&t->pos) == head)
            return true;
    }
    return false;
}

/* A drain begins: from what the last commit knew. fresh: this writer has committed nothing of the lane, but another one may have. */
void mpl_gap_start(struct mpl_view *v, bool fresh)
{
    if (fresh) {
        v->took.epoch = mpl_load_acquire(&v->lane->told_epoch);
        for (unsigned k = 0; k < MPL_LEVELS; k++)
            v->took.count[k] = mpl_load(&v->lane->told[k]);
    }
    v->cursor_took = v->took;
    v->cursor_item = 0;
    v->has_lost = false;
}

/* Adds what items [from, to) are that come from this view's lane and session, and end at `head` at most. */
static void add_items(const struct mpl_reader *r, const struct mpl_view *v, uint32_t from, uint32_t to, uint64_t head, struct mpl_took *sum)
{
    const uint32_t view = v->segment * MPL_MAX_LANES + v->number, slot = sum->epoch % MPL_SLOTS;
    for (uint32_t i = from; i < to; i++) {
        const struct mpl_item *item = &r->items[i];
        if (item->view == view && item->slot == slot && (int64_t)(head - item->end_pos) >= 0)
            sum->count[mpl_level_class(item->level)]++;
    }
}

void mpl_gap_look(struct mpl_reader *r, struct mpl_view *v, uint64_t head)
{
    const uint32_t epoch = mpl_load_acquire(&v->lane->epoch);
    struct mpl_taken now;
    struct mpl_took known = v->cursor_took;
    if (!taken_at(v->lane, head, &now) || mpl_load_acquire(&v->lane->epoch) != epoch)
        return; /* the numbers tell what was lost, without the levels */
    if (known.epoch != epoch)
        known = (struct mpl_took){.epoch = epoch};
    add_items(r, v, v->cursor_item, r->nitems, head, &known);
    if (!v->has_lost)
        v->lost = (struct mpl_gap){.first_mono = mpl_load(&now.first_mono)};
    for (unsigned k = 0; k < MPL_LEVELS; k++) {
        v->lost.count[MPL_REASON_oldest][k] += mpl_load(&now.count[k]) - known.count[k];
        v->cursor_took.count[k] = mpl_load(&now.count[k]);
    }
    v->lost.last_mono = mpl_load(&now.last_mono);
    v->cursor_took.epoch = epoch;
    v->cursor_item = r->nitems;
    v->has_lost = true;
}

static bool adds_up(const struct mpl_gap *gap, uint64_t numbers)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < MPL_REASONS; i++)
        for (unsigned k = 0; k < MPL_LEVELS; k++) {
            if (gap->count[i][k] > numbers)
                return false;
            sum += gap->count[i][k];
        }
    return sum == numbers;
}

static void add_lost(struct mpl_gap *gap, const struct mpl_gap *lost)
{
    for (unsigned k = 0; k < MPL_LEVELS; k++)
        gap->count[MPL_REASON_oldest][k] += lost->count[MPL_REASON_oldest][k];
    if (!gap->first_mono || (lost->first_mono && lost->first_mono < gap->first_mono))
        gap->first_mono = lost->first_mono;
    if (lost->last_mono > gap->last_mono)
        gap->last_mono = lost->last_mono;
}

void mpl_gap_attach(struct mpl_reader *r, struct mpl_view *v, struct mpl_item *item, uint32_t epoch, bool carried)
{
    struct mpl_gap_told told = {.exact = 0};
    char *behind;
    if (carried)
        item->len -= (uint32_t)sizeof told.gap;
    behind = r->arena + item->place + item->len;
    if (item->seq == item->expected)
        return;
    if (carried)
        memcpy(&told.gap, behind, sizeof told.gap);
    if (v->has_lost && epoch == v->cursor_took.epoch) {
        add_lost(&told.gap, &v->lost);
        memcpy(told.taken, v->cursor_took.count, sizeof told.taken);
        told.taken_epoch = epoch;
        v->has_lost = false;
    }
    told.exact = adds_up(&told.gap, item->seq - item->expected);
    memcpy(behind, &told, sizeof told);
}

struct mpl_gap_told mpl_gap_of(const struct mpl_reader *r, const struct mpl_item *item)
{
    struct mpl_gap_told told = {.exact = 0};
    if (item->seq != item->expected)
        memcpy(&told, r->arena + item->place + item->len, sizeof told);
    return told;
}

/* The last accepted item of this session before which something was taken back, and what that was in all; else the first item, and what was known. */
static uint32_t known_before(const struct mpl_reader *r, const struct mpl_view *v, uint32_t epoch, struct mpl_took *known)
{
    const uint32_t view = v->segment * MPL_MAX_LANES + v->number;
    *known = v->took.epoch == epoch ? v->took : (struct mpl_took){.epoch = epoch};
    for (uint32_t i = r->naccepted; i-- > 0;) {
        const struct mpl_item *item = &r->items[i];
        if (item->view != view || item->seq == item->expected)
            continue;
        const struct mpl_gap_told told = mpl_gap_of(r, item);
        if (told.taken_epoch != epoch)
            continue;
        memcpy(known->count, told.taken, sizeof known->count);
        return i;
    }
    return 0;
}

void mpl_gap_settle(struct mpl_reader *r, const struct mpl_touch *t, uint64_t was_head)
{
    struct mpl_view *v = &r->views[t->segment][t->lane];
    struct mpl_lane *lane = v->lane;
    struct mpl_took known;
    if (!mpl_load(&lane->taken[0].pos) && !mpl_load(&lane->taken[1].pos))
        return; /* nobody takes anything back here */
    if (t->epoch != mpl_load(&lane->epoch))
        return;
    const uint32_t from = known_before(r, v, t->epoch, &known);
    add_items(r, v, from, r->naccepted, was_head, &known);
    v->took = known;
    mpl_store(&lane->told_epoch, 0);
    mpl_fence_release();
    for (unsigned k = 0; k < MPL_LEVELS; k++)
        mpl_store(&lane->told[k], known.count[k]);
    mpl_store_release(&lane->told_epoch, known.epoch);
}

void mpl_gap_end(const struct mpl_view *v, struct mpl_end *end)
{
    const struct mpl_gap_words *g = &v->lane->gap;
    const uint64_t numbers = end->last - end->settled;
    end->gap = (struct mpl_gap){0};
    if (!numbers || end->epoch != mpl_load_acquire(&v->lane->epoch))
        return; /* an heir has the lane, and writes its own there */
    if (mpl_load_acquire(&g->first) > end->settled) { /* else it was told */
        end->gap.first_mono = mpl_load(&g->first_mono);
        end->gap.last_mono = mpl_load(&g->last_mono);
        for (unsigned i = 0; i < MPL_REASONS; i++)
            for (unsigned k = 0; k < MPL_LEVELS; k++)
                end->gap.count[i][k] = mpl_load(&g->count[i][k]);
    }
    if (v->has_lost && v->cursor_took.epoch == end->epoch)
        add_lost(&end->gap, &v->lost);
    mpl_fence_acquire();
    if (mpl_load(&v->lane->epoch) != end->epoch)
        end->gap = (struct mpl_gap){0};
    end->exact = adds_up(&end->gap, numbers);
}

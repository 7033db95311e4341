/* SPDX-License-Identifier: Apache-2.0
 *
 * Draining: a k-way merge over all lanes on mono_ns into an arena of the writer's own. Nothing is consumed by it: mpl_accept says how many of the items
 * go into the batch, the commit moves the heads, mpl_rewind forgets.
 *
 * An event is given out when no lane can still bring an older one: its stamp is not above the clock read before any tail, nor above the last stamp
 * of a lane with an event under way.
 *
 * Pairs kept here:
 *   drain:E / overflow:B, E  the copy of what stood in the overflow, and in the lane before it, before ovf_head (in commit.c)
 *   drain:D / publish:A   the copy of a record before its space is given back (in commit.c, by mpl_raise)
 */
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "fault.h"
#include "gap.h"
#include "origin.h"
#include "overflow.h"
#include "poison.h"
#include "session.h"
#include "straight.h"
#include "view.h"

#define MPL_AHEAD_NS 1000000000u

/* Stamps of another boot say nothing about today's: those lanes come first, each in its own order. */
static uint64_t merge_key(struct mpl_reader *r, uint32_t view)
{
    return r->foreign_boot[view / MPL_MAX_LANES] ? 0 : mpl_view_at(r, view)->next.mono_ns;
}

static bool older(const struct mpl_next *a, const struct mpl_next *b) { return a->key < b->key || (a->key == b->key && a->view < b->view); }

static void sift_down(struct mpl_reader *r, uint32_t at)
{
    const struct mpl_next moving = r->heap[at];
    for (uint32_t child = 2 * at + 1; child < r->nheap; child = 2 * at + 1) {
        child += child + 1 < r->nheap && older(&r->heap[child + 1], &r->heap[child]);
        if (!older(&r->heap[child], &moving))
            break;
        r->heap[at] = r->heap[child];
        at = child;
    }
    r->heap[at] = moving;
}

static void pop_lane(struct mpl_reader *r)
{
    r->heap[0] = r->heap[--r->nheap];
    if (r->nheap)
        sift_down(r, 0);
}

static void quarantine(struct mpl_view *v)
{
    v->quarantined = true;
    v->cur = v->pos;
    v->ovf.cur = v->ovf.pos;
    v->ovf.next = false;
    v->next.len = 0;
    mpl_store_release(&v->lane->quarantined, 1);
}

/* A stamp far ahead of the clock (another time namespace, broken memory) would wait for its time to come, and make all others late: it counts as now. */
static void believe_stamp(struct mpl_view *v, uint64_t clock)
{
    if (v->next.mono_ns > clock && v->next.mono_ns - clock > MPL_AHEAD_NS)
        v->next.mono_ns = clock;
}

/* Loads every lane; fills the heap; returns the stamp up to which the merge is complete. */
static uint64_t load_lanes(struct mpl_reader *r, uint64_t clock)
{
    uint64_t watermark = clock;
    r->nheap = 0;
    for (uint32_t s = 0; s < MPL_MAX_SEGMENTS; s++)
        for (uint32_t i = 0; r->views[s] && i < r->segments[s].head.lanes; i++) {
            struct mpl_view *v = &r->views[s][i];
            uint64_t complete = clock;
            r->current = v;
            int rc = v->quarantined ? 0 : mpl_view_load(r, v, clock, &complete);
            if (rc < 0)
                quarantine(v);
            else if (complete < watermark)
                watermark = complete;
            if (rc <= 0)
                continue;
            believe_stamp(v, clock);
            const uint32_t view = s * MPL_MAX_LANES + i;
            r->heap[r->nheap++] = (struct mpl_next){.key = merge_key(r, view), .view = view};
        }
    for (uint32_t at = r->nheap / 2; at-- > 0;)
        sift_down(r, at);
    return watermark;
}

/* Copies the payload of the view's next record. 1; 0 when it was void: its owner took it back, cur is where the next one is; or an error. */
static int copy_payload(struct mpl_reader *r, struct mpl_view *v)
{
    const struct mpl_record *n = &v->next;
    char *out = r->arena + r->arena_used;
    if (v->ovf.next)
        return mpl_overflow_copy(v, n, out) ? 1 : MPL_E_CORRUPT;
    memcpy(out, v->data + (v->cur & (v->capacity - 1)) + sizeof *n, n->payload_len);
    return !mpl_view_void(r, v);
}

static int copy_out(struct mpl_reader *r, struct mpl_view *v, struct mpl_item *item)
{
    const struct mpl_record *n = &v->next;
    int rc = copy_payload(r, v);
    if (rc <= 0)
        return rc;
    if (v->ovf.next)
        v->ovf.cur += sizeof(struct mpl_frame) + n->len;
    else
        v->cur += n->len;
    const uint16_t slot = n->epoch % MPL_SLOTS;
    item->slot = slot, item->filtered = 0, item->lost = 0;
    item->end_pos = v->cur, item->end_ovf = v->ovf.cur, item->seq = n->seq, item->expected = v->cursor_seq[slot] + 1;
    item->mono_ns = n->mono_ns, item->wall_ns = n->wall_ns, item->place = (uint32_t)r->arena_used, item->len = n->payload_len;
    item->level = n->level, item->kind = n->kind, item->flags = (uint16_t)(n->flags & (MPL_FLAG_CUT | MPL_FLAG_DURABLE));
    if (item->seq != item->expected && SEEDED(gap_not_told))
        item->expected = item->seq;
    if (item->seq != item->expected || n->flags & MPL_FLAG_GAP)
        mpl_gap_attach(r, v, item, n->epoch, n->flags & MPL_FLAG_GAP);
    v->cursor_seq[slot] = n->seq;
    return 1;
}

static bool takes(struct mpl_reader *r, const struct mpl_item *item, uint32_t sink)
{
    const char *payload = r->arena + item->place;
    if (!mpl_filter_takes(r->filters[sink], item->level, payload, item->len))
        return false;
    const struct mpl_condition *condition = r->conditions[sink];
    return !condition || mpl_condition_holds(condition, &mpl_known_at(r, item->view, item->slot)->origin, item->level, payload, item->len);
}

/* What one file has of the item: false where a filter takes it. Numbers that no line tells wait for the session's next one: this item's, or that of the
 * gap before it. */
static ALWAYS bool shows(struct mpl_reader *r, struct mpl_view *v, struct mpl_item *item, uint32_t sink)
{
    uint64_t *untold = &v->cursor_untold[sink][item->slot];
    item->untold[sink] = *untold;
    if (!r->filters[sink] || item->flags & MPL_ITEM_POISON || takes(r, item, sink)) {
        *untold = 0;
        return true;
    }
    item->filtered |= (uint8_t)(1u << sink);
    *untold = item->seq != item->expected || item->lost >> sink & 1 ? 1 : *untold + 1;
    return false;
}

/* Keeps the payload, if a file is to have it. */
static void keep(struct mpl_reader *r, struct mpl_view *v, struct mpl_item *item)
{
    uint8_t *lost = &v->cursor_lost[item->slot];
    if (*lost) { /* a file that gets something again is told first */
        item->lost = *lost & (uint8_t)~r->losing;
        *lost &= r->losing;
    }
    bool shown = shows(r, v, item, 0);
    for (uint32_t s = 1; s < r->nsinks; s++)
        shown |= shows(r, v, item, s);
    if (shown || item->lost || item->seq != item->expected) /* the notice of a gap has its time */
        item->wall_ns = mpl_wall_shown(r, item);
    if (shown) {
        r->arena_used += item->len + (item->seq != item->expected ? sizeof(struct mpl_gap_told) : 0);
        return;
    }
    if (item->seq != item->expected) {
        item->place += item->len; /* where the gap is */
        r->arena_used = item->place + sizeof(struct mpl_gap_told);
    }
    item->flags |= MPL_ITEM_FILTERED;
    item->len = 0;
}

/* Whether the batch can name one more session; a crowd of them is taken in several batches, with room left for end lines. */
static bool can_name(struct mpl_reader *r, struct mpl_view *v)
{
    uint8_t bit = (uint8_t)(1u << v->next.epoch % MPL_SLOTS);
    if (v->named_in != r->drains) {
        v->named_in = r->drains;
        v->named = 0;
    }
    if (v->named & bit)
        return true;
    if (r->named == MPL_MAX_TOUCHES - MPL_TOUCHES_FOR_ENDS)
        return false;
    v->named |= bit;
    r->named++;
    mpl_know(r, v, v->next.epoch % MPL_SLOTS);
    return true;
}

/* The item goes into the drain. */
static void take_in(struct mpl_reader *r, struct mpl_view *v, struct mpl_item *item, uint32_t view, uint64_t watermark)
{
    KILL_POINT(drain_copied);
    item->view = view;
    mpl_poison_at(item);
    if (r->npoison && mpl_poison_known(r, item))
        item->flags |= MPL_ITEM_POISON;
    if (r->foreign_boot[view / MPL_MAX_LANES])
        item->flags |= MPL_FLAG_RECOVERED;
    else if (item->mono_ns < r->emitted_mono)
        item->flags |= MPL_FLAG_LATE;
    if (item->mono_ns > r->emitted_mono && item->mono_ns <= watermark && !(item->flags & MPL_FLAG_RECOVERED))
        r->emitted_mono = item->mono_ns;
    keep(r, v, item);
    if (r->nitems % 2 && item[-1].view == view && SEEDED(two_records_swapped)) {
        const uint32_t place = item->place, len = item->len;
        item->place = item[-1].place, item->len = item[-1].len;
        item[-1].place = place, item[-1].len = len;
    }
    r->nitems++;
}

static int drain_body(void *arg)
{
    struct mpl_reader *r = arg;
    uint64_t clock = mpl_now(CLOCK_MONOTONIC), watermark;
    /* After the clock: a segment that came since the last scan may hold what is older than the records seen here, of the very same process. Its maker counts it
     * before any stamp is taken in it. */
    if (mpl_load_acquire(&r->bell->segments) != r->seen_segments)
        return 0;
    watermark = load_lanes(r, clock);
    while (r->nheap && r->nitems < MPL_MAX_ITEMS) {
        const uint32_t at = r->heap[0].view;
        struct mpl_view *v = mpl_view_at(r, at);
        r->current = v;
        if (r->heap[0].key > watermark || r->arena_used + v->next.payload_len > (r->nitems ? r->arena_limit : r->arena_bytes) || !can_name(r, v))
            break;
        struct mpl_item *item = &r->items[r->nitems];
        int copied = copy_out(r, v, item);
        if (copied < 0)
            quarantine(v);
        if (copied > 0)
            take_in(r, v, item, at, watermark);
        int more = copied < 0 ? 0 : mpl_view_peek(r, v);
        if (more < 0)
            quarantine(v);
        if (more > 0) {
            believe_stamp(v, clock);
            r->heap[0].key = merge_key(r, at);
            sift_down(r, 0);
        } else {
            pop_lane(r);
        }
    }
    return (int)r->nitems;
}

/* Somebody truncated a segment under us: a touch of it anywhere would be another SIGBUS, so zeros stand in for all of it. False when that was not it. */
static bool lose_segment(struct mpl_reader *r)
{
    const char *at = mpl_fault_at();
    for (uint32_t s = 0; at && s < MPL_MAX_SEGMENTS; s++) {
        struct mpl_segment *seg = &r->segments[s];
        if (!r->views[s] || at < seg->base || at >= seg->base + seg->mapped)
            continue;
        if (mmap(seg->base, seg->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
            return false;
        mpl_unlock(seg->fd, 0, MPL_MAX_LANES); /* what a body held when it was cut off */
        for (uint32_t i = 0; i < seg->head.lanes; i++)
            if (r->views[s][i].capacity)
                quarantine(&r->views[s][i]);
        return true;
    }
    return false;
}

int mpl_survive(struct mpl_reader *r, int (*body)(void *), void *arg)
{
    int rc;
    do {
        rc = mpl_guarded(body, arg);
    } while (rc < 0 && lose_segment(r));
    return rc;
}

int mpl_drain(struct mpl_reader *r, size_t max_bytes)
{
    mpl_rewind(r);
    mpl_wall_look(r);
    r->drains++;
    r->named = r->naccepted = 0;
    r->arena_limit = max_bytes < r->arena_bytes ? max_bytes : r->arena_bytes;
    r->emitted_mono = r->committed_mono;
    mpl_poison_of(r);
    int rc = mpl_guarded(drain_body, r);
    mpl_poison_done();
    if (rc < 0 && lose_segment(r)) {
        mpl_rewind(r);
        return 0;
    }
    return rc;
}

static __attribute__((noinline)) struct mpl_touch *new_touch(struct mpl_reader *r, struct mpl_view *v, uint32_t slot)
{
    if (r->ntouches == MPL_MAX_TOUCHES)
        return NULL;
    const struct mpl_tally *t = &v->tally[slot];
    struct mpl_touch *fresh = &r->touches[r->ntouches];
    *fresh = (struct mpl_touch){.segment_id = r->segments[v->segment].head.segment_id, .lane = v->number, .epoch = t->epoch, .segment = v->segment,
        .head = v->pos, .ovf_head = v->ovf.pos, .settled = t->settled};
    memcpy(fresh->told, t->told, sizeof fresh->told);
    v->touch[slot] = (int16_t)r->ntouches++;
    return fresh;
}

static struct mpl_touch *touch(struct mpl_reader *r, uint32_t view, uint32_t slot)
{
    struct mpl_view *v = mpl_view_at(r, view);
    return v->touch[slot] >= 0 ? &r->touches[v->touch[slot]] : new_touch(r, v, slot);
}

/* A gap in one file: true where the item itself is part of it. */
static __attribute__((noinline)) bool tell_gap(struct mpl_told *told, const struct mpl_touch *t, const struct mpl_item *item, bool losing)
{
    if (!losing) { /* its notice tells them, and what was filtered before it */
        told->untold = told->lost_first = told->lost_last = 0;
        return false;
    }
    told->lost_first = told->lost_first ? told->lost_first : t->settled + 1; /* up to the next line that gets there all numbers are one gap */
    told->lost_last = item->seq;
    return true;
}

/* What file `sink` has of the session once the item is in its batch. */
static ALWAYS void tell(struct mpl_touch *t, const struct mpl_item *item, uint32_t sink, bool losing)
{
    struct mpl_told *told = &t->told[sink];
    if ((item->seq != t->settled + 1 || told->lost_first || losing) && tell_gap(told, t, item, losing))
        return;
    if (item->filtered >> sink & 1) {
        told->filtered += SEEDED(filtered_not_counted) ? 0 : 1;
        told->untold++;
    } else {
        told->delivered++;
        told->untold = 0;
    }
}

/* Role: W. Items [0, count) go into the batch that the next commit makes. Returns how many did: a full list of touches cuts the batch. */
uint32_t mpl_accept(struct mpl_reader *r, uint32_t count)
{
    uint32_t i;
    for (i = 0; i < count && i < r->nitems; i++) {
        const struct mpl_item *item = &r->items[i];
        struct mpl_touch *t = touch(r, item->view, item->slot);
        if (!t)
            break;
        t->head = item->end_pos;
        t->ovf_head = item->end_ovf;
        tell(t, item, 0, r->losing & 1);
        for (uint32_t s = 1; s < r->nsinks; s++)
            tell(t, item, s, r->losing >> s & 1);
        MPL_ACCOUNT(r->account.dropped += item->seq - (t->settled + 1));
        t->settled = item->seq;
        MPL_ACCOUNT(r->account.filtered += item->flags & MPL_ITEM_FILTERED ? 1 : 0);
        MPL_ACCOUNT(r->account.late += item->flags & MPL_ITEM_FILTERED ? 0 : item->flags & MPL_FLAG_LATE ? 1 : 0);
        r->account.durable += item->flags & MPL_FLAG_DURABLE ? 1 : 0;
        if (!(item->flags & MPL_FLAG_RECOVERED) && item->mono_ns > r->accepted_mono)
            r->accepted_mono = item->mono_ns;
    }
    r->naccepted = i;
    return i;
}

void mpl_rewind(struct mpl_reader *r)
{
    for (uint32_t i = 0; i < r->ntouches; i++) {
        struct mpl_view *v = &r->views[r->touches[i].segment][r->touches[i].lane];
        v->touch[r->touches[i].epoch % MPL_SLOTS] = -1;
    }
    r->ntouches = r->nitems = 0;
    r->tells_homeless = false;
    r->account = (struct mpl_account){0};
    r->arena_used = 0;
    r->accepted_mono = r->committed_mono;
}

bool mpl_touch_range(struct mpl_reader *r, uint32_t i, uint32_t sink, struct mpl_range *out)
{
    const struct mpl_touch *t = &r->touches[i];
    const struct mpl_tally *before = &mpl_view_at(r, t->segment * MPL_MAX_LANES + t->lane)->tally[t->epoch % MPL_SLOTS];
    const struct mpl_told *was = &before->told[sink], *is = &t->told[sink];
    const uint64_t first = was->lost_first ? was->lost_first : before->settled + 1, last = is->lost_first ? is->lost_first - 1 : t->settled;
    *out = (struct mpl_range){.first = first - was->untold, .last = last - is->untold, .count = is->delivered - was->delivered};
    return out->last >= out->first;
}

/* Role: W. The session's end line goes into the batch. */
int mpl_close_session(struct mpl_reader *r, const struct mpl_end *end)
{
    struct mpl_touch *t = touch(r, end->view, end->slot);
    if (!t || t->epoch != end->epoch)
        return MPL_E_ARG;
    t->close = 1;
    for (uint32_t s = 0; s < r->nsinks; s++)
        t->told[s].untold = t->told[s].lost_first = t->told[s].lost_last = 0;
    return 0;
}

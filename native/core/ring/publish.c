/* SPDX-License-Identifier: Apache-2.0
 *
 * Publishing: one copy into the process's own lane. From the generation test to the store of tail no Python runs and nothing is locked;
 * a kill between any two instructions leaves a lane that reads as if the event had never been, or as if it were whole.
 *
 * Pairs kept here (the other halves are in drain.c and session.c):
 *   publish:A / drain:D   the writer's release of space before the owner writes into it
 *   publish:B / drain:C   rsv before the stamp and the payload: a lane with rsv != tail tells the writer that a stamp is under way
 *   publish:C / drain:B   the whole record before tail
 *   bell:B / sleep:A, B   tail before the look at `sleeping`
 *   publish:D / aside:A   rsv before the look at `quarantined`; `quarantined` before the writer's last look at rsv
 *   overflow:A / drain:A  a chunk's bytes before ovf_end
 *   overflow:B, E / drain:E  the writer's copies before ovf_head; then the owner may publish in the lane again (I5)
 *   overflow:C / drain:C  ovf_rsv before the clock is read: as publish:B
 *   overflow:D / aside:A  as publish:D
 *   oldest:A / void:A     head before bytes are written over (oldest.c; the fence is publish:B's)
 *   wait:A / free:A, free:B   waiters before the last look at head; head before the look at waiters
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bare.h"
#include "fault.h"
#include "gap.h"
#include "homeless.h"
#include "overflow.h"
#include "session.h"
#include "straight.h"

#define LOOK_EVERY_NS 1000000000u
#define MAP_AHEAD_BYTES (16u << 10)

/* The number is taken already. */
static void count_drop(struct mpl_producer *p, enum mpl_reason reason, unsigned level, uint64_t now_ns)
{
    mpl_a64 *word = &p->lane->drops[reason][mpl_level_class(level)];
    mpl_gap_add(p, reason, level, now_ns);
    p->dropped++;
    mpl_store(word, mpl_load(word) + 1);
    KILL_POINT(drop_counted);
    if (!SEEDED(drop_last_not_raised))
        mpl_store_release(&p->lane->drop_last, p->seq);
}

static void look_now_and_then(struct mpl_producer *p, uint64_t now_ns)
{
    if (now_ns < p->probe_ns)
        return;
    p->probe_ns = now_ns + LOOK_EVERY_NS;
    p->wants_look = true;
}

/* An event of a process that could get no lane: counted where anybody can read it. */
static void count_homeless(struct mpl_producer *p, unsigned level)
{
    p->dropped++;
    if (p->bell)
        mpl_homeless_add(p->bell, level);
}

void mpl_drop(struct mpl_producer *p, enum mpl_reason reason, unsigned level)
{
    if (!mpl_lane_is_mine(p)) {
        count_homeless(p, level);
        return;
    }
    const uint64_t now_ns = mpl_now(CLOCK_MONOTONIC);
    p->seq++;
    count_drop(p, reason, level, now_ns);
    look_now_and_then(p, now_ns); /* a full lane may be full because there is no writer */
}

/* The older mark gets the number that these ends will stand for. Killed half way, it has seq 0 and the other one still agrees (I3). */
static ALWAYS void set_mark(struct mpl_producer *p, uint64_t end, uint64_t ovf_end)
{
    struct mpl_mark *m = &p->lane->marks[p->mark];
    p->mark ^= 1;
    if (SEEDED(mark_not_rewritten))
        return;
    mpl_store(&m->seq, 0);
    mpl_fence_release();
    mpl_store(&m->tail, end);
    mpl_store(&m->ovf_end, ovf_end);
    mpl_store_release(&m->seq, p->seq);
}

/* The last eighth of the lane is for WARNING and above, where events are dropped at all. */
static uint64_t usable_for(const struct mpl_producer *p, unsigned level)
{
    return MPL_KEEPS_HEADROOM(p->when_full) && level < 30 ? p->capacity - p->capacity / 8 : p->capacity;
}

static bool has_room(struct mpl_producer *p, uint64_t end, unsigned level)
{
    uint64_t usable = usable_for(p, level);
    if (end - p->head <= usable)
        return true;
    p->head = mpl_load_acquire(&p->lane->head); /* ORD(publish:A) acquire; pairs with ORD(drain:D) */
    return end - p->head <= usable;
}

static ALWAYS void write_record(struct mpl_producer *p, uint64_t at, uint64_t end, const struct mpl_record *head, const void *payload)
{
    uint64_t offset = at & (p->capacity - 1);
    const uint32_t len = head->len;
    if (end - at != len) { /* the record does not fit before the data's end: a pad runs up to there */
        struct mpl_record *pad = (struct mpl_record *)(void *)(p->data + offset);
        pad->len = (uint32_t)(end - at - len) - (SEEDED(wrong_wrap) ? 8u : 0u);
        pad->epoch = 0;
        offset = 0;
    }
    KILL_POINT(publish_payload);
    memcpy(p->data + offset, head, sizeof *head);
    memcpy(p->data + offset + sizeof *head, payload, head->payload_len);
}

struct event { /* one publish's arguments */
    const void *payload;
    size_t len;
    unsigned level, kind, flags;
};

/* The writer has set this lane aside, or serves another directory now. The record was never finished: nothing of it is in the lane. */
static SELDOM enum mpl_outcome move_away(struct mpl_producer *p, const struct event *e)
{
    const size_t len = e->len - (e->flags & MPL_FLAG_GAP ? sizeof(struct mpl_gap) : 0); /* which was of the session that ends here */
    mpl_detach(p, p->final);
    return mpl_attach(p) && !p->lane ? MPL_HOMELESS : mpl_publish(p, e->level, e->kind, e->flags & ~MPL_FLAG_GAP, e->payload, len);
}

/* After its own goodbye the process logs still: the session lives on, and is clean again afterwards. */
static void session_from_to(struct mpl_producer *p, enum mpl_session_state from, enum mpl_session_state to)
{
    if (p->detached)
        mpl_swap(&p->slot->epoch_state, mpl_session_word(p->epoch, from), mpl_session_word(p->epoch, to));
}

static ALWAYS struct mpl_record stamped(struct mpl_producer *p, const struct event *e)
{
    struct mpl_record head = {.len = (uint32_t)mpl_align8(sizeof head + e->len), .epoch = p->epoch, .seq = p->seq, .mono_ns = mpl_now(CLOCK_MONOTONIC),
        .wall_ns = mpl_now(CLOCK_REALTIME_COARSE), .payload_len = (uint32_t)e->len, .level = (uint8_t)e->level, .kind = (uint8_t)e->kind,
        .flags = (uint16_t)((e->flags & (MPL_FLAG_CUT | MPL_FLAG_DURABLE | MPL_FLAG_GAP)) | (p->when_full == MPL_DROP_OLDEST ? MPL_FLAG_YIELDS : 0))};
    if (head.mono_ns < p->last_mono)
        head.mono_ns = p->last_mono;
    p->last_mono = head.mono_ns;
    mpl_store(&p->lane->last_mono, head.mono_ns);
    return head;
}

/* What a writer that dozes is woken for: ERROR and above, a lane that is half full, an overflow. */
static SELDOM bool is_urgent(struct mpl_producer *p, unsigned level)
{
    if (level >= 40 || p->overflowing)
        return true;
    if (p->tail - p->head > p->capacity / 2)
        p->head = mpl_load_acquire(&p->lane->head); /* ORD(publish:E) acquire: as publish:A; pairs with ORD(drain:D) */
    return p->tail - p->head > p->capacity / 2;
}

static ALWAYS void ring(struct mpl_producer *p, unsigned level)
{
    mpl_fence_full(); /* ORD(bell:B) seq_cst: what was published, then the look at sleeping; pairs with ORD(sleep:A), ORD(sleep:B) */
    const uint32_t how = mpl_load(&p->bell->sleeping);
    if (how && (how != MPL_DOZES || is_urgent(p, level)))
        mpl_bell_wake(p->bell);
}

static ALWAYS enum mpl_outcome accepted(struct mpl_producer *p, unsigned level, uint64_t now_ns)
{
    p->published = p->seq;
    p->accepted++;
    ring(p, level);
    session_from_to(p, MPL_S_LIVE, MPL_S_CLEAN);
    look_now_and_then(p, now_ns);
    return MPL_ACCEPTED;
}

/* The first touch of a page costs more than a hundred calls, and so much less where many are mapped at once that it pays to map what is not needed yet: four
 * times what this process has used, which spares one that logs ten lines and ends. Nothing after the first lap. Linux before 5.14 declines. */
static SELDOM void map_ahead(struct mpl_producer *p, uint64_t end)
{
    const uint64_t first = p->lap_end - p->capacity, used = end - first;
    uint64_t to = first + 4 * (used < MAP_AHEAD_BYTES ? MAP_AHEAD_BYTES : used), at = p->mapped & ~(uint64_t)(MPL_PAGE - 1);
    if ((int64_t)(to - p->lap_end) > 0)
        to = p->lap_end;
    while ((int64_t)(to - at) > 0) {
        const uint64_t offset = at & (p->capacity - 1), rest = p->capacity - offset, bytes = to - at < rest ? to - at : rest;
        madvise(p->data + offset, bytes, MADV_POPULATE_WRITE);
        at += bytes;
    }
    p->mapped = to == p->lap_end ? to + UINT64_MAX / 4 : to;
}

static ALWAYS enum mpl_outcome publish_in_lane(struct mpl_producer *p, const struct event *e, uint64_t end)
{
    if ((int64_t)(end - p->mapped) > 0)
        map_ahead(p, end);
    p->gave_up = false;
    if ((p->accepted + 1) % 1000 == 0 && SEEDED(one_in_a_thousand_dropped)) {
        p->accepted++;
        return MPL_ACCEPTED;
    }
    p->seq++;
    session_from_to(p, MPL_S_CLEAN, MPL_S_LIVE);
    KILL_POINT(publish_start);
    set_mark(p, end, p->ovf_end);
    KILL_POINT(publish_marked);
    mpl_store(&p->lane->rsv, end);
    mpl_fence_full(); /* ORD(publish:B) seq_cst: rsv before the clock is read and before the payload; pairs with ORD(drain:C) */
    KILL_POINT(publish_reserved);
    if (mpl_load(&p->lane->quarantined)) /* ORD(publish:D) after publish:B's fence; pairs with ORD(aside:A): either we see it, or the writer sees rsv */
        return move_away(p, e);
    struct mpl_record head = stamped(p, e);
    write_record(p, p->tail, end, &head, e->payload);
    KILL_POINT(publish_written);
    mpl_store_release(&p->lane->tail, end); /* ORD(publish:C) release: the record; pairs with ORD(drain:B) */
    KILL_POINT(publish_done);
    p->tail = end;
    return accepted(p, e->level, head.mono_ns);
}

/* The overflow is full, or cannot be written. The number is taken already, and the mark of it agrees with nothing. */
static enum mpl_outcome overflow_refused(struct mpl_producer *p, const struct mpl_record *head, int error)
{
    mpl_store(&p->lane->ovf_rsv, p->ovf_end);
    p->mark ^= 1;
    p->overflow_error = error;
    count_drop(p, MPL_REASON_overflow, head->level, head->mono_ns);
    session_from_to(p, MPL_S_LIVE, MPL_S_CLEAN);
    look_now_and_then(p, head->mono_ns);
    return MPL_DROPPED;
}

static SELDOM enum mpl_outcome publish_in_overflow(struct mpl_producer *p, const struct event *e)
{
    const uint64_t bytes = sizeof(struct mpl_frame) + mpl_align8(sizeof(struct mpl_record) + e->len), place = mpl_overflow_place(p->ovf_end, bytes);
    p->seq++;
    session_from_to(p, MPL_S_CLEAN, MPL_S_LIVE);
    KILL_POINT(overflow_start);
    set_mark(p, p->tail, place + bytes);
    KILL_POINT(overflow_marked);
    mpl_store(&p->lane->ovf_rsv, place + bytes);
    mpl_fence_full(); /* ORD(overflow:C) seq_cst: ovf_rsv before the clock is read; pairs with ORD(drain:C) */
    KILL_POINT(overflow_reserved);
    if (mpl_load(&p->lane->quarantined)) /* ORD(overflow:D) after overflow:C's fence; pairs with ORD(aside:A) */
        return move_away(p, e);
    struct mpl_record head = stamped(p, e);
    const int error = mpl_overflow_append(p, place, &head, e->payload);
    if (error)
        return overflow_refused(p, &head, error);
    mpl_store_release(&p->lane->ovf_end, place + bytes); /* ORD(overflow:A) release: the frame; pairs with ORD(drain:A) */
    KILL_POINT(overflow_done);
    p->ovf_end = place + bytes;
    p->overflowing = true;
    return accepted(p, e->level, head.mono_ns);
}

static SELDOM enum mpl_outcome full(struct mpl_producer *p, const struct event *e, uint64_t end)
{
    if (p->when_full == MPL_OVERFLOW)
        return publish_in_overflow(p, e);
    if (p->when_full == MPL_DROP_OLDEST && mpl_make_room(p, end, usable_for(p, e->level)))
        return publish_in_lane(p, e, end);
    if (p->when_full == MPL_BLOCK && !p->gave_up)
        return MPL_WAIT;
    mpl_drop(p, p->when_full == MPL_BLOCK ? MPL_REASON_timeout : MPL_REASON_lane_full, e->level);
    return MPL_DROPPED;
}

/* Whether the writer has drained all that was put into the overflow, and with it all that stood in the lane before. */
static bool back_in_lane(struct mpl_producer *p)
{
    if (!p->capacity || (mpl_load_acquire(&p->lane->ovf_head) != p->ovf_end && !SEEDED(back_from_overflow_early))) /* ORD(overflow:B) acquire; pairs with ORD(drain:E) */
        return false;
    p->overflowing = false;
    return true;
}

static ALWAYS enum mpl_outcome publish_straight(struct mpl_producer *p, const struct event *e)
{
    uint64_t need = mpl_align8(sizeof(struct mpl_record) + e->len), rest = p->capacity - (p->tail & (p->capacity - 1));
    uint64_t end = p->tail + need + (need > rest ? rest : 0);
    return has_room(p, end, e->level) ? publish_in_lane(p, e, end) : full(p, e, end);
}

/* While the overflow is in use, and where a gap is to be told: with this event, if it is accepted. */
static SELDOM enum mpl_outcome publish_by_detour(struct mpl_producer *p, const struct event *e)
{
    struct event with = *e;
    if (!p->capacity && mpl_leave_bare(p) && e->len > mpl_max_payload(p))
        return MPL_TOO_BIG;
    const void *glued = p->gap_open ? mpl_gap_glue(p, e->payload, e->len) : NULL;
    if (glued) {
        with.payload = glued;
        with.len += sizeof(struct mpl_gap);
        with.flags |= MPL_FLAG_GAP;
    }
    enum mpl_outcome outcome = p->overflowing && !back_in_lane(p) ? publish_in_overflow(p, &with) : publish_straight(p, &with);
    if (outcome == MPL_ACCEPTED)
        p->gap_open = false;
    return outcome;
}

enum mpl_outcome mpl_publish(struct mpl_producer *p, unsigned level, unsigned kind, unsigned flags, const void *payload, size_t len)
{
    const struct event e = {.payload = payload, .len = len, .level = level, .kind = kind, .flags = flags};
    if (!mpl_lane_is_mine(p)) {
        bool same_process = p->generation == mpl_generation();
        if (same_process && p->trouble && mpl_now(CLOCK_MONOTONIC) < p->retry_ns)
            return MPL_HOMELESS;
        if (mpl_attach(p) && !p->lane)
            return MPL_HOMELESS;
    }
    if (len > p->max_event_bytes || len > mpl_max_payload(p))
        return MPL_TOO_BIG;
    return p->detour ? publish_by_detour(p, &e) : publish_straight(p, &e);
}

uint64_t mpl_settled(const struct mpl_producer *p)
{
    return p->slot ? mpl_load_acquire(&p->slot->settled) : 0;
}

/* What a wait looks at, taken while nobody can pull it away: the caller then counts itself in p->waiting, and mappings stay. */
struct mpl_watch mpl_watch(const struct mpl_producer *p, uint64_t target)
{
    return (struct mpl_watch){.lane = mpl_lane_is_mine(p) ? p->lane : NULL, .slot = p->slot, .bell = p->bell, .word = p->slot ? &p->slot->settled : NULL,
        .head = p->head, .target = target};
}

/* One wait, for the writer to settle (or sync) `target`, or to give space when target is 0; wakes early when it has. Role: P, holding no GIL.
 * Blocks: at most timeout_ns. */
int mpl_wait(const struct mpl_watch *w, uint64_t timeout_ns)
{
    if (!w->lane)
        return 1;
    uint32_t seen = mpl_load_acquire(&w->lane->space_seq);
    mpl_store(&w->lane->waiters, 1);
    mpl_fence_full(); /* ORD(wait:A) seq_cst: waiters before head, settled and synced; pairs with ORD(free:A), ORD(free:B) */
    if (w->target ? mpl_load_acquire(w->word) >= w->target : mpl_load_acquire(&w->lane->head) != w->head)
        return 1;
    mpl_bell_ring(w->bell);
    struct timespec slice = {.tv_sec = (time_t)(timeout_ns / 1000000000u), .tv_nsec = (long)(timeout_ns % 1000000000u)};
    long rc = syscall(SYS_futex, &w->lane->space_seq, FUTEX_WAIT, seen, &slice, NULL, 0);
    return rc == 0 || errno == EAGAIN ? 1 : 0;
}

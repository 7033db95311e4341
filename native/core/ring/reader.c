/* SPDX-License-Identifier: Apache-2.0
 *
 * The writer among its segments: finding them, ending the sessions of the dead, sleeping, and leaving.
 *
 * Pairs kept here:
 *   sleep:A / bell:A     `sleeping` before the last look at the tails; a tail before its producer's look at `sleeping`
 *   retire:A / claim:A, claim:C   RETIRED before the last look at locks and segments; a claimer's lock before its look at the bell's state
 *   aside:A / publish:D, overflow:D  `quarantined` before the last look at rsv and ovf_rsv; these before the owner's look at `quarantined`
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"
#include "gap.h"
#include "homeless.h"
#include "origin.h"
#include "overflow.h"
#include "session.h"
#include "view.h"

int mpl_reader_open(struct mpl_reader *r, const char *dir, const char *service, bool writable, size_t arena_bytes)
{
    bool created;
    memset(r, 0, sizeof *r);
    if (strlen(dir) >= sizeof r->dir || strlen(service) >= sizeof r->service)
        return -ENAMETOOLONG;
    strcpy(r->dir, dir);
    strcpy(r->overflow_dir, dir);
    strcpy(r->service, service);
    r->writable = writable;
    r->nsinks = 1;
    for (uint32_t i = 0; i < MPL_MAX_SEGMENTS; i++)
        r->segments[i].fd = -1;
    int rc = mpl_bell_open(dir, service, NULL, 0, &r->bell, &created);
    if (rc)
        return rc;
    if (writable) /* a writer that was killed while it took the service down has left RETIRED; this one serves on */
        mpl_store_release(&r->bell->state, MPL_LIVE);
    r->arena_bytes = arena_bytes;
    r->arena = malloc(arena_bytes + sizeof(struct mpl_gap_told));
    r->items = calloc(MPL_MAX_ITEMS, sizeof *r->items);
    if (!r->arena || !r->items) {
        mpl_reader_close(r);
        return -ENOMEM;
    }
    return 0;
}

static void drop_segment(struct mpl_reader *r, uint32_t number)
{
    for (uint32_t i = 0; r->views[number] && i < MPL_MAX_LANES; i++)
        if (r->views[number][i].lane)
            mpl_overflow_close(&r->views[number][i]);
    mpl_segment_unmap(&r->segments[number]);
    free(r->views[number]);
    free(r->known[number]);
    r->views[number] = NULL;
    r->known[number] = NULL;
}

void mpl_reader_close(struct mpl_reader *r)
{
    for (uint32_t i = 0; i < MPL_MAX_SEGMENTS; i++)
        if (r->views[i])
            drop_segment(r, i);
    free(r->arena);
    free(r->items);
    for (uint32_t i = 0; i < MPL_MAX_SINKS; i++)
        free(r->filters[i]), free(r->conditions[i]);
    mpl_bell_close(r->bell);
    memset(r, 0, sizeof *r);
}

/* What was committed of a session: its words, as far as they can be true. */
static void take_tally(struct mpl_tally *t, const struct mpl_slot *slot, uint32_t epoch)
{
    *t = (struct mpl_tally){.epoch = epoch, .settled = mpl_load(&slot->settled)};
    for (uint32_t i = 0; i < MPL_MAX_SINKS; i++) {
        const struct mpl_slot_told *from = &slot->told[i];
        struct mpl_told *to = &t->told[i];
        *to = (struct mpl_told){.delivered = mpl_load(&from->delivered), .filtered = mpl_load(&from->filtered), .untold = mpl_load(&from->untold),
            .lost_first = mpl_load(&from->lost_first), .lost_last = mpl_load(&from->lost_last)};
        if (to->lost_first > to->lost_last || to->lost_last > t->settled)
            to->lost_first = to->lost_last = 0;
        if (to->untold >= (to->lost_first ? to->lost_first : t->settled + 1))
            to->untold = 0;
    }
}

/* Where the writer goes on in a lane: at the journal's position; where that knows nothing, at head. What sessions were committed stands in their slots. */
static void view_init(struct mpl_reader *r, struct mpl_journal *j, uint32_t segment, uint32_t lane)
{
    struct mpl_segment *seg = &r->segments[segment];
    struct mpl_view *v = &r->views[segment][lane];
    const struct mpl_positions none = {0}, kept = j ? mpl_journal_position(j, segment, seg->head.segment_id, lane) : none;
    *v = (struct mpl_view){.lane = mpl_segment_lane(seg, lane), .data = seg->base + seg->head.data_off + lane * seg->head.data_stride,
        .segment = segment, .number = lane, .ovf = {.fd = -1}};
    uint64_t head = mpl_load_acquire(&v->lane->head), ovf_head = mpl_load_acquire(&v->lane->ovf_head);
    v->pos = kept.known && (int64_t)(kept.pos - head) > 0 ? kept.pos : head;
    v->ovf.pos = kept.known && kept.ovf > ovf_head ? kept.ovf : ovf_head;
    v->ovf.swept = mpl_chunk(v->ovf.pos);
    v->quarantined = mpl_load(&v->lane->quarantined) != 0;
    mpl_gap_start(v, true);
    if (v->quarantined && mpl_capacity_ok(mpl_load(&v->lane->capacity)))
        v->capacity = mpl_load(&v->lane->capacity);
    for (uint32_t i = 0; i < MPL_SLOTS; i++) {
        const struct mpl_slot *slot = &v->lane->slots[i];
        uint64_t word = mpl_load_acquire(&slot->epoch_state);
        v->touch[i] = -1;
        if (mpl_word_state(word) == MPL_S_CLOSED || mpl_word_epoch(word) % MPL_SLOTS != i)
            continue;
        take_tally(&v->tally[i], slot, mpl_word_epoch(word));
    }
}

int mpl_reader_scan(struct mpl_reader *r, struct mpl_journal *j)
{
    int found = 0;
    uint8_t boot[16];
    uint32_t segments = mpl_load_acquire(&r->bell->segments); /* before the look: one that comes during it makes the writer look again */
    mpl_boot_id(boot);
    for (uint32_t n = 0; n < MPL_MAX_SEGMENTS; n++) {
        if (r->views[n])
            continue;
        struct mpl_segment *seg = &r->segments[n];
        int rc = mpl_segment_map(seg, r->dir, r->service, n, r->writable ? PROT_READ | PROT_WRITE : PROT_READ, true);
        if (rc == -ENOENT || rc == MPL_E_ABI || rc == MPL_E_CORRUPT)
            continue; /* of another version, or not ours to understand: left alone */
        if (rc)
            return rc;
        r->views[n] = calloc(MPL_MAX_LANES, sizeof *r->views[n]);
        r->known[n] = calloc(MPL_MAX_LANES * MPL_SLOTS, sizeof *r->known[n]);
        if (!r->views[n] || !r->known[n]) {
            drop_segment(r, n);
            return -ENOMEM;
        }
        r->foreign_boot[n] = memcmp(boot, seg->head.boot_id, sizeof boot) != 0;
        for (uint32_t lane = 0; lane < seg->head.lanes; lane++)
            view_init(r, j, n, lane);
        if (j)
            mpl_journal_adopt(j, n, seg->head.segment_id);
        found = 1;
    }
    r->seen_segments = segments;
    return found;
}

static void fill_end(struct mpl_reader *r, struct mpl_view *v, uint32_t slot, struct mpl_end *out)
{
    const struct mpl_slot *s = &v->lane->slots[slot];
    const struct mpl_tally *t = &v->tally[slot];
    *out = (struct mpl_end){.view = v->segment * MPL_MAX_LANES + v->number, .slot = slot, .epoch = t->epoch, .pid = s->pid, .clean = s->clean,
        .segment_id = r->segments[v->segment].head.segment_id, .start_ns = s->start_ns, .process_ino = s->process_ino, .last = mpl_load(&s->last), .settled = t->settled};
    memcpy(out->told, t->told, sizeof out->told);
    memcpy(out->name, s->name, MPL_NAME);
    out->name[MPL_NAME - 1] = 0;
    if (out->last < out->settled)
        out->last = out->settled;
    mpl_gap_end(v, out);
}

/* The last session of a lane that was seen. */
static uint32_t last_known(const struct mpl_view *v)
{
    uint32_t last = 0;
    for (uint32_t i = 0; i < MPL_SLOTS; i++)
        if (v->tally[i].epoch && (!last || (int32_t)(v->tally[i].epoch - last) > 0))
            last = v->tally[i].epoch;
    return last;
}

/* A lane whose owner is gone: its session's end is saved under the lane's lock. A broken lane is set up anew then, its unread bytes given up. */
static void look_at_owner(struct mpl_reader *r, struct mpl_view *v)
{
    int fd = r->segments[v->segment].fd;
    uint32_t epoch = mpl_load(&v->lane->epoch);
    uint64_t word = mpl_load_acquire(&v->lane->slots[epoch % MPL_SLOTS].epoch_state);
    bool open = epoch && mpl_word_epoch(word) == epoch && (mpl_word_state(word) == MPL_S_LIVE || mpl_word_state(word) == MPL_S_CLEAN);
    const uint32_t known = last_known(v);
    if ((!open && !v->quarantined && !mpl_sessions_broken(v->lane, known)) || mpl_lock(fd, v->number, 1))
        return;
    if (v->quarantined) {
        if (!mpl_capacity_ok(v->capacity))
            v->capacity = 0; /* whether it had any is not known: the next claimer reserves it, again perhaps */
        uint64_t fresh = (v->pos + v->capacity + 7) & ~(uint64_t)7;
        mpl_session_end(v->lane);
        mpl_store(&v->lane->rsv, fresh);
        mpl_store(&v->lane->tail, fresh);
        const uint64_t fresh_ovf = (mpl_chunk(v->ovf.pos) + MPL_MAX_CHUNKS) * MPL_CHUNK_BYTES; /* behind every chunk that the bound allows */
        mpl_store(&v->lane->ovf_rsv, fresh_ovf);
        mpl_store(&v->lane->ovf_end, fresh_ovf);
        mpl_store(&v->lane->ovf_head, fresh_ovf);
        v->ovf.pos = fresh_ovf; /* what stands before it goes with the next count */
        v->ovf.swept = mpl_chunk(fresh_ovf);
        mpl_store(&v->lane->capacity, v->capacity);
        mpl_raise(&v->lane->head, fresh);
        mpl_store(&v->lane->head, fresh);
        v->pos = fresh;
        mpl_store_release(&v->lane->quarantined, 0);
        v->quarantined = v->told = false;
    } else {
        mpl_session_end(v->lane);
    }
    mpl_sessions_mend(v->lane, known);
    mpl_unlock(fd, v->number, 1);
}

struct ends {
    struct mpl_reader *r;
    bool look_at_owners;
    struct mpl_end *out;
    int max;
};

static int ends_body(void *arg)
{
    const struct ends *e = arg;
    struct mpl_reader *r = e->r;
    int count = 0;
    for (uint32_t s = 0; s < MPL_MAX_SEGMENTS; s++)
        for (uint32_t i = 0; r->views[s] && i < r->segments[s].head.lanes; i++) {
            struct mpl_view *v = &r->views[s][i];
            if (e->look_at_owners)
                look_at_owner(r, v);
            for (uint32_t k = 0; k < MPL_SLOTS && count < e->max; k++) {
                uint64_t word = mpl_load_acquire(&v->lane->slots[k].epoch_state);
                if (mpl_word_state(word) != MPL_S_ENDED || mpl_word_epoch(word) % MPL_SLOTS != k)
                    continue;
                uint64_t end = mpl_load(&v->lane->slots[k].end_pos);
                uint64_t end_ovf = mpl_load(&v->lane->slots[k].end_ovf);
                bool drained = (int64_t)(v->pos - end) >= 0 || v->pos == mpl_load_acquire(&v->lane->tail);
                bool drained_ovf = v->ovf.pos >= end_ovf || v->ovf.pos == mpl_load_acquire(&v->lane->ovf_end);
                if (!drained || !drained_ovf || v->touch[k] >= 0)
                    continue;
                mpl_view_start_session(v, mpl_word_epoch(word));
                fill_end(r, v, k, &e->out[count++]);
            }
        }
    return count;
}

int mpl_ends(struct mpl_reader *r, bool look_at_owners, struct mpl_end *out, int max)
{
    struct ends e = {.r = r, .look_at_owners = look_at_owners, .out = out, .max = max};
    if (look_at_owners && mpl_load(&r->bell->overflow_bytes))
        mpl_overflow_count(r);
    int count = mpl_survive(r, ends_body, &e);
    return count < 0 ? 0 : count;
}

static int owned_body(void *arg)
{
    struct mpl_reader *r = arg;
    int owned = 0;
    for (uint32_t s = 0; s < MPL_MAX_SEGMENTS; s++)
        for (uint32_t i = 0; r->views[s] && i < r->segments[s].head.lanes; i++)
            owned += mpl_load(&r->views[s][i].lane->epoch) && mpl_locked(r->segments[s].fd, i, 1) > 0;
    return owned;
}

/* What cannot be looked at at all counts as somebody. */
int mpl_owned(struct mpl_reader *r)
{
    int owned = mpl_survive(r, owned_body, r);
    return owned < 0 ? 1 : owned;
}

struct pending {
    struct mpl_reader *r;
    uint64_t bytes;
    bool pressed; /* a lane is half full, has an overflow, or its owner waits */
};

static int pending_body(void *arg)
{
    struct pending *p = arg;
    struct mpl_reader *r = p->r;
    for (uint32_t s = 0; s < MPL_MAX_SEGMENTS; s++)
        for (uint32_t i = 0; r->views[s] && i < r->segments[s].head.lanes; i++) {
            const struct mpl_view *v = &r->views[s][i];
            uint64_t from = r->writable ? v->pos : mpl_load_acquire(&v->lane->head), unread = mpl_load_acquire(&v->lane->tail) - from;
            uint64_t from_ovf = r->writable ? v->ovf.pos : mpl_load_acquire(&v->lane->ovf_head), ovf = mpl_load_acquire(&v->lane->ovf_end) - from_ovf;
            if (v->quarantined)
                continue;
            p->bytes += (int64_t)unread > 0 ? unread : 0;
            p->bytes += (int64_t)ovf > 0 ? ovf : 0;
            p->pressed |= (int64_t)unread > v->capacity / 2 || ovf || mpl_load(&v->lane->waiters);
        }
    return 0;
}

/* A segment that was truncated counts as something to look at: the next drain finds it out. */
uint64_t mpl_pending(struct mpl_reader *r)
{
    struct pending p = {.r = r};
    return mpl_guarded(pending_body, &p) < 0 ? 1 : p.bytes;
}

/* Role: W. Sleeps until rung, at most timeout_ns; returns at once when a lane has something or somebody wants attention. */
void mpl_sleep(struct mpl_reader *r, uint64_t timeout_ns, uint32_t departures)
{
    struct timespec limit = {.tv_sec = (time_t)(timeout_ns / 1000000000u), .tv_nsec = (long)(timeout_ns % 1000000000u)};
    mpl_store(&r->bell->sleeping, MPL_ASLEEP);
    mpl_fence_full(); /* ORD(sleep:A) seq_cst: sleeping, then all tails once more; pairs with ORD(bell:A), ORD(bell:B) */
    if (!mpl_pending(r) && mpl_load_acquire(&r->bell->segments) == r->seen_segments && mpl_load_acquire(&r->bell->departures) == departures)
        syscall(SYS_futex, &r->bell->sleeping, FUTEX_WAIT, MPL_ASLEEP, &limit, NULL, 0);
    mpl_store(&r->bell->sleeping, MPL_AWAKE);
}

/* Role: W, between two batches while events come: few wake it, so that it comes seldom, and takes many at once. */
bool mpl_doze(struct mpl_reader *r, uint64_t timeout_ns)
{
    struct timespec limit = {.tv_sec = (time_t)(timeout_ns / 1000000000u), .tv_nsec = (long)(timeout_ns % 1000000000u)};
    struct pending p = {.r = r};
    mpl_store(&r->bell->sleeping, MPL_DOZES);
    mpl_fence_full(); /* ORD(sleep:B) seq_cst: dozing, then all tails and waiters once more; pairs with ORD(bell:A), ORD(bell:B) */
    if (mpl_guarded(pending_body, &p) == 0 && !p.pressed)
        syscall(SYS_futex, &r->bell->sleeping, FUTEX_WAIT, MPL_DOZES, &limit, NULL, 0);
    return mpl_exchange(&r->bell->sleeping, MPL_AWAKE) == MPL_AWAKE || p.pressed;
}

static void unlock_all(struct mpl_reader *r)
{
    for (uint32_t s = 0; s < MPL_MAX_SEGMENTS; s++)
        if (r->views[s])
            mpl_unlock(r->segments[s].fd, 0, MPL_MAX_LANES);
}

static int closed_body(void *arg)
{
    struct mpl_reader *r = arg;
    for (uint32_t s = 0; s < MPL_MAX_SEGMENTS; s++)
        for (uint32_t i = 0; r->views[s] && i < r->segments[s].head.lanes; i++)
            for (uint32_t k = 0; k < MPL_SLOTS; k++)
                if (mpl_word_state(mpl_load_acquire(&r->views[s][i].lane->slots[k].epoch_state)) != MPL_S_CLOSED)
                    return 0;
    return 1;
}

/* All lanes of all segments locked, nothing unread, no session without its end line. */
static bool alone(struct mpl_reader *r)
{
    for (uint32_t s = 0; s < MPL_MAX_SEGMENTS; s++)
        if (r->views[s] && mpl_lock(r->segments[s].fd, 0, MPL_MAX_LANES))
            return false;
    return !mpl_pending(r) && !mpl_homeless_untold(r->bell) && mpl_guarded(closed_body, r) == 1;
}

static int set_aside_body(void *arg)
{
    struct mpl_reader *r = arg;
    int quiet = 1;
    for (uint32_t s = 0; s < MPL_MAX_SEGMENTS; s++)
        for (uint32_t i = 0; r->views[s] && i < r->segments[s].head.lanes; i++) {
            struct mpl_lane *lane = r->views[s][i].lane;
            mpl_store(&lane->quarantined, 1);
            mpl_fence_full(); /* ORD(aside:A) seq_cst: quarantined, then rsv and ovf_rsv; pairs with ORD(publish:D), ORD(overflow:D) */
            if (mpl_locked(r->segments[s].fd, i, 1) > 0 && (mpl_load(&lane->rsv) != mpl_load_acquire(&lane->tail) || mpl_load(&lane->ovf_rsv) != mpl_load_acquire(&lane->ovf_end)))
                quiet = 0;
        }
    return quiet;
}

/* Role: W. The files at the paths are no longer ours (somebody removed them): tells every owner to claim anew. 1 when no event is under way any more; what
 * was published before is drained as ever. The bell says RETIRED, so that claimers look for the new one. */
int mpl_set_aside(struct mpl_reader *r)
{
    mpl_store_release(&r->bell->state, MPL_RETIRED);
    return mpl_survive(r, set_aside_body, r) == 1;
}

/* A segment that no claimer can map either, so that nobody is in it: new ones get their names whole. */
static bool unreadable(struct mpl_reader *r, uint32_t number)
{
    struct mpl_segment seg;
    int rc = mpl_segment_map(&seg, r->dir, r->service, number, PROT_READ, false);
    if (rc == 0)
        mpl_segment_unmap(&seg);
    return rc == MPL_E_CORRUPT;
}

/* Role: W. Takes the service down if nobody is here: 1 when it is gone, 0 when somebody is. Killed anywhere in it, the next claimer sets the bell up
 * again: everything was drained before the first unlink, and the bell goes last. */
int mpl_retire(struct mpl_reader *r, struct mpl_journal *j)
{
    char path[MPL_PATH];
    if (!alone(r)) {
        unlock_all(r);
        return 0;
    }
    mpl_store(&r->bell->state, MPL_RETIRED);
    mpl_fence_full(); /* ORD(retire:A) seq_cst: RETIRED, then locks and segments once more; pairs with ORD(claim:A), ORD(claim:C) */
    KILL_POINT(retire_marked);
    if ((mpl_reader_scan(r, j) != 0 || !alone(r)) && !SEEDED(retired_during_a_claim)) {
        mpl_store_release(&r->bell->state, MPL_LIVE);
        unlock_all(r);
        return 0;
    }
    for (uint32_t s = 0; s < MPL_MAX_SEGMENTS; s++) {
        if ((!r->views[s] && !unreadable(r, s)) || mpl_segment_path(path, r->dir, r->service, s))
            continue;
        const bool gone = unlink(path) == 0 || errno == ENOENT; /* before RETIRED: a file that has its name must be one that can be claimed in */
        if (!r->views[s] || !gone)
            continue;
        mpl_store_release(&((struct mpl_header *)(void *)r->segments[s].base)->state, MPL_RETIRED);
        KILL_POINT(retire_segment);
    }
    mpl_overflow_remove(r);
    /* The bell goes last: while it is there, whoever comes is of this service, and makes anew what it needs of the others. */
    static const char *const names[] = {"journal", "stderr", "sinks", "bell"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!mpl_path(path, r->dir, r->service, names[i]))
            unlink(path);
        KILL_POINT(retire_file);
    }
    unlock_all(r);
    return 1;
}

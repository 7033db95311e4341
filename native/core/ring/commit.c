/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps 4 to 7 of a commit, which anybody may do again: heads and words, the bytes of each file, offsets, settled.
 *
 * Pairs kept here:
 *   journal:A            the whole entry before COMMIT; read by the redo of a later writer, which the kernel's lock orders after this one's death
 *   free:A / wait:A      head and settled before the look at waiters; waiters before the producer's last look at head and settled
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ahead.h"
#include "deliver.h"
#include "fault.h"
#include "gap.h"
#include "homeless.h"
#include "overflow.h"
#include "session.h"
#include "spool.h"

/* ---- step 4: space back to the producers, session words, positions -------------------------------------------------------------------------- */
static struct mpl_lane *lane_of(struct mpl_reader *r, const struct mpl_touch *t)
{
    struct mpl_segment *seg = &r->segments[t->segment];
    if (!r->views[t->segment] || seg->head.segment_id != t->segment_id || t->lane >= seg->head.lanes)
        return NULL; /* that segment is gone, and with it whoever could care */
    return mpl_segment_lane(seg, t->lane);
}

/* Not one that this entry has closed before a writer was killed: its slot may be a later session's at any moment. */
static bool names_session(const struct mpl_slot *slot, const struct mpl_touch *t)
{
    const uint64_t word = mpl_load_acquire(&slot->epoch_state);
    return mpl_word_epoch(word) == t->epoch && mpl_word_state(word) != MPL_S_CLOSED;
}

static void store_told(struct mpl_slot_told *to, const struct mpl_told *from)
{
    mpl_store(&to->delivered, from->delivered);
    mpl_store(&to->filtered, from->filtered);
    mpl_store(&to->untold, from->untold);
    mpl_store(&to->lost_first, from->lost_first);
    mpl_store(&to->lost_last, from->lost_last);
}

static void apply_heads(struct mpl_journal *j, struct mpl_reader *r)
{
    for (uint32_t i = 0; i < j->page->ntouches; i++) {
        const struct mpl_touch *t = &j->page->touches[i];
        struct mpl_lane *lane = lane_of(r, t);
        if (!lane || (i == 0 && SEEDED(head_skipped)))
            continue;
        mpl_raise(&j->page->positions[t->segment][t->lane], t->head);
        mpl_raise(&j->page->ovf_positions[t->segment][t->lane], t->ovf_head);
        r->was_head[i] = mpl_raise(&lane->head, t->head); /* ORD(drain:D) release: the copy; pairs with ORD(publish:A), ORD(publish:E) */
        mpl_raise(&lane->ovf_head, t->ovf_head); /* ORD(drain:E) release: the copy; pairs with ORD(overflow:B), ORD(overflow:E) */
        KILL_POINT(commit_head);
        struct mpl_slot *slot = &lane->slots[t->epoch % MPL_SLOTS];
        if (!names_session(slot, t))
            continue; /* I4 */
        for (uint32_t s = 0; s < j->page->nsinks; s++)
            store_told(&slot->told[s], &t->told[s]);
    }
}

/* So that a claimer need not look for it. A hint: the lane's lock decides. */
static void tell_free(struct mpl_reader *r, const struct mpl_lane *lane, const struct mpl_touch *t)
{
    if (mpl_load(&lane->epoch) == t->epoch && mpl_load(&lane->capacity))
        mpl_or(&r->bell->free_lanes[t->segment], 1ull << t->lane);
}

static void wake_waiters(struct mpl_lane *lane)
{
    mpl_fence_full(); /* ORD(free:A) seq_cst: head and settled, then waiters; pairs with ORD(wait:A) */
    if (!mpl_load(&lane->waiters))
        return;
    mpl_store(&lane->waiters, 0);
    mpl_add(&lane->space_seq, 1);
    syscall(SYS_futex, &lane->space_seq, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void wake_all(struct mpl_journal *j, struct mpl_reader *r)
{
    for (uint32_t i = 0; i < j->page->ntouches; i++) {
        struct mpl_lane *lane = lane_of(r, &j->page->touches[i]);
        if (lane)
            wake_waiters(lane);
    }
}

/* Step 7. Settled is told only now: the bytes are in the file. */
static void apply_settled(struct mpl_journal *j, struct mpl_reader *r)
{
    for (uint32_t i = 0; i < j->page->ntouches; i++) {
        const struct mpl_touch *t = &j->page->touches[i];
        struct mpl_lane *lane = lane_of(r, t);
        if (!lane)
            continue;
        struct mpl_slot *slot = &lane->slots[t->epoch % MPL_SLOTS];
        if (!names_session(slot, t))
            continue;
        mpl_store_release(&slot->settled, t->settled);
        KILL_POINT(commit_settled);
        if (t->close && !SEEDED_ONCE(session_closed_twice)) {
            mpl_swap(&slot->epoch_state, mpl_session_word(t->epoch, MPL_S_ENDED), mpl_session_word(t->epoch, MPL_S_CLOSED));
            tell_free(r, lane, t);
        }
    }
}

/* The writer's own positions and numbers follow the entry: also those of a later writer, who mapped the segments before it did this redo. */
static void take_over(struct mpl_journal *j, struct mpl_reader *r)
{
    for (uint32_t i = 0; i < j->page->ntouches; i++) {
        const struct mpl_touch *t = &j->page->touches[i];
        if (!lane_of(r, t))
            continue;
        struct mpl_view *v = &r->views[t->segment][t->lane];
        struct mpl_tally *tally = &v->tally[t->epoch % MPL_SLOTS];
        if ((int64_t)(t->head - v->pos) > 0)
            v->pos = t->head;
        if (t->ovf_head > v->ovf.pos)
            v->ovf.pos = t->ovf_head;
        if (tally->epoch == t->epoch || (int32_t)(t->epoch - tally->epoch) > 0) {
            *tally = (struct mpl_tally){.epoch = t->epoch, .settled = t->settled};
            memcpy(tally->told, t->told, sizeof tally->told);
        }
    }
}

struct step {
    struct mpl_journal *j;
    struct mpl_reader *r;
};

/* Where owners take back what they wrote: once, of the items that this very batch has been made of. */
static void settle_gaps(struct mpl_journal *j, struct mpl_reader *r)
{
    for (uint32_t i = 0; r->naccepted && i < j->page->ntouches; i++)
        if (lane_of(r, &j->page->touches[i]))
            mpl_gap_settle(r, &j->page->touches[i], r->was_head[i]);
    r->naccepted = 0;
}

static int heads_body(void *arg)
{
    struct step *s = arg;
    take_over(s->j, s->r);
    apply_heads(s->j, s->r);
    mpl_homeless_apply(s->r, s->j->page);
    settle_gaps(s->j, s->r);
    wake_all(s->j, s->r);
    return 0;
}

static int settled_body(void *arg)
{
    struct step *s = arg;
    apply_settled(s->j, s->r);
    return 0;
}

static int wake_body(void *arg)
{
    struct step *s = arg;
    wake_all(s->j, s->r);
    return 0;
}

/* Chunks that the entry has passed go when it is over: until then a redo would want none of them, but a look at the files should show what was unread. */
static void sweep(struct mpl_journal *j, struct mpl_reader *r)
{
    for (uint32_t i = 0; i < j->page->ntouches; i++) {
        const struct mpl_touch *t = &j->page->touches[i];
        if (t->ovf_head && r->views[t->segment] && r->segments[t->segment].head.segment_id == t->segment_id)
            mpl_overflow_sweep(r, &r->views[t->segment][t->lane], t->ovf_head);
    }
}

/* The leads that the entry has written are done with. */
static void end_leads(struct mpl_journal_page *g)
{
    for (uint32_t i = 0; i < g->nwrites; i++)
        if (g->writes[i].lead)
            mpl_store(&g->leads[g->writes[i].sink].length, 0);
}

/* But for files that are owed something: they have none of it. */
static int sync_written(struct mpl_journal *j, struct mpl_reader *r, const int *fds, uint32_t sinks)
{
    int there[MPL_MAX_SINKS];
    for (uint32_t s = 0; s < sinks; s++)
        there[s] = mpl_journal_owes(j, s) ? -1 : fds[s];
    return mpl_sync_files(j, r, there, sinks);
}

/* Step 4. What it does it may have done before: all of it is absolute, as in the steps that follow. */
static int move_heads(struct mpl_journal *j, struct mpl_reader *r)
{
    struct step step = {.j = j, .r = r};
    mpl_add(&r->bell->begun, 1);
    int rc = mpl_survive(r, heads_body, &step);
    KILL_POINT(commit_heads);
    return rc;
}

/* Steps 5 to 7. Role: W. Blocks on the files. */
int mpl_commit_finish(struct mpl_journal *j, struct mpl_reader *r, const int *fds, uint32_t sinks)
{
    struct mpl_journal_page *g = j->page;
    struct step step = {.j = j, .r = r};
    if (mpl_load(&g->state) != MPL_COMMIT)
        return 0;
    if (g->nwrites && SEEDED(settled_before_the_bytes))
        mpl_survive(r, settled_body, &step);
    int found = mpl_write_all(j, fds, sinks);
    if (found < 0)
        return found;
    int rc = g->sync ? sync_written(j, r, fds, sinks) : 0; /* staging is what to write again, if it fails */
    if (!rc)
        rc = mpl_survive(r, settled_body, &step);
    if (!rc && g->sync)
        rc = mpl_tell_synced(r);
    if (rc < 0)
        return rc;
    KILL_POINT(commit_done);
    end_leads(g);
    mpl_store_release(&g->state, MPL_IDLE);
    mpl_store_release(&r->bell->done, mpl_load(&r->bell->begun));
    mpl_survive(r, wake_body, &step);
    sweep(j, r);
    return found;
}

int mpl_redo_parts(struct mpl_journal *j, struct mpl_reader *r, const int *fds, uint32_t sinks)
{
    int rc = mpl_load(&j->page->state) == MPL_COMMIT ? move_heads(j, r) : 0;
    return rc < 0 ? rc : mpl_commit_finish(j, r, fds, sinks);
}

int mpl_redo(struct mpl_journal *j, struct mpl_reader *r, int fd) { return mpl_redo_parts(j, r, &fd, 1); }

static bool parts_fit(const struct mpl_journal_page *g, const struct mpl_part *parts, uint32_t sinks)
{
    for (uint32_t s = 0; s < sinks; s++)
        if (parts[s].place > g->staging_bytes || parts[s].length > g->staging_bytes - parts[s].place)
            return false;
    return sinks <= MPL_MAX_SINKS;
}

/* A file that is owed something already gets nothing before that. */
static struct mpl_write *enter_write(struct mpl_journal *j, uint32_t sink, const struct mpl_part *part, uint64_t from)
{
    struct mpl_write *w = &j->page->writes[j->page->nwrites++];
    const struct mpl_file *f = mpl_journal_file(j, sink);
    w->sink = sink;
    w->place = part->place;
    w->length = part->length;
    w->lead = mpl_load(&j->page->leads[sink].length);
    w->anew = 0;
    w->crc = mpl_crc32c(0, j->staging + part->place, part->length);
    mpl_store(&w->flip, 0);
    mpl_store(&w->owed, f->spool_head != f->spool_end);
    w->targets[0] = (struct mpl_target){.offset = f->offset, .from = from};
    w->targets[1] = w->targets[0];
    w->spool_at = f->spool_end;
    w->spool_next = 0;
    return w;
}

/* The commit point. */
static void enter(struct mpl_journal *j)
{
    KILL_POINT(commit_entry);
    mpl_store_release(&j->page->state, MPL_COMMIT); /* ORD(journal:A) release: the whole entry; pairs with ORD(journal:A), the redo after this writer's death */
    KILL_POINT(commit_point);
}

int mpl_unspool(struct mpl_journal *j, struct mpl_reader *r, uint32_t sink, const struct mpl_part *part)
{
    struct mpl_journal_page *g = j->page;
    int fds[MPL_MAX_SINKS] = {-1, -1, -1, -1};
    if (sink >= MPL_MAX_SINKS || mpl_load(&g->state) != MPL_IDLE || part->place > g->staging_bytes || part->length > g->staging_bytes - part->place)
        return MPL_E_STATE;
    const struct mpl_file *f = mpl_journal_file(j, sink);
    const uint64_t next = f->spool_head + mpl_spool_bytes(part->length), end = f->spool_end;
    if (!part->length || next > end || f->spool_from > part->length)
        return MPL_E_ARG;
    mpl_rewind(r);
    g->batch++;
    g->nwrites = g->ntouches = 0;
    struct mpl_write *w = enter_write(j, sink, part, f->spool_from);
    mpl_store(&w->owed, 0);
    w->spool_next = next;
    w->lead = 0;
    g->sync = 0;
    mpl_homeless_enter(r, g);
    fds[sink] = part->fd;
    enter(j);
    int rc = mpl_redo_parts(j, r, fds, MPL_MAX_SINKS);
    return rc < 0 ? rc : mpl_journal_file(j, sink)->spool_head == next ? rc : j->refused[sink] ? j->refused[sink] : -EIO;
}

/* Role: W. What is staged and the accepted items become one batch. */
static int enter_batch(struct mpl_journal *j, struct mpl_reader *r, const struct mpl_part *parts, uint32_t sinks)
{
    struct mpl_journal_page *g = j->page;
    if (mpl_load(&g->state) != MPL_IDLE || !parts_fit(g, parts, sinks))
        return MPL_E_STATE;
    g->batch++;
    g->nwrites = 0;
    g->sync = j->sync;
    g->nsinks = sinks > r->nsinks ? sinks : r->nsinks;
    for (uint32_t s = 0; s < sinks; s++)
        if (parts[s].length || mpl_load(&g->leads[s].length))
            enter_write(j, s, &parts[s], 0);
    memcpy(g->touches, r->touches, r->ntouches * sizeof *g->touches);
    g->ntouches = r->ntouches;
    mpl_homeless_enter(r, g);
    r->committed_mono = r->accepted_mono;
    mpl_rewind(r);
    enter(j);
    return 0;
}

static void fds_in(const struct mpl_part *parts, uint32_t sinks, int *fds)
{
    for (uint32_t s = 0; s < sinks; s++)
        fds[s] = parts[s].fd;
}

int mpl_commit_parts(struct mpl_journal *j, struct mpl_reader *r, const struct mpl_part *parts, uint32_t sinks)
{
    int fds[MPL_MAX_SINKS], rc = enter_batch(j, r, parts, sinks);
    if (rc < 0)
        return rc;
    fds_in(parts, sinks, fds);
    return mpl_redo_parts(j, r, fds, sinks);
}

int mpl_commit_begin(struct mpl_journal *j, struct mpl_reader *r, const struct mpl_part *parts, uint32_t sinks)
{
    int fds[MPL_MAX_SINKS], rc = enter_batch(j, r, parts, sinks);
    if (!rc)
        rc = move_heads(j, r);
    if (rc < 0)
        return rc;
    fds_in(parts, sinks, fds);
    return mpl_write_ahead(j, fds, sinks);
}

int mpl_commit(struct mpl_journal *j, struct mpl_reader *r, uint32_t sink, int fd, size_t length)
{
    const struct mpl_part part = {.fd = fd, .length = length};
    return sink ? MPL_E_ARG : mpl_commit_parts(j, r, &part, 1);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Events on the disk: how a producer asks for it and learns of it, and what the writer says of its sessions after a sync.
 *
 * `synced` says of a session that all numbers up to it are on the disk, but for those up to `doubt`: a sync failed that they had to rely on. Both only grow.
 *
 * Pairs kept here:
 *   sync:A / sync:B   a session's doubt before its synced; synced before the producer's look at doubt
 *   free:B / wait:A   synced before the look at waiters; waiters before the producer's last look at it
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fault.h"
#include "session.h"
#include "sink.h"

uint64_t mpl_synced(const struct mpl_producer *p)
{
    return p->slot ? mpl_load_acquire(&p->slot->synced) : 0; /* ORD(sync:B) acquire: before a look at doubt; pairs with ORD(sync:A) */
}

/* Role: P. What it asks for stands in its lane already, so a writer that sees the asking finds it there. */
void mpl_ask_sync(struct mpl_producer *p)
{
    if (!p->bell)
        return;
    mpl_add(&p->bell->sync_asked, 1);
    mpl_add(&p->bell->departures, 1); /* so that a writer that is about to sleep does not */
    mpl_bell_ring(p->bell);
}

/* Role: P. */
bool mpl_take_doubt(struct mpl_producer *p)
{
    if (p->generation != mpl_generation())
        return false; /* a child that has not logged yet */
    const uint64_t doubt = p->slot ? mpl_load(&p->slot->doubt) : p->doubt;
    const bool found = p->doubtful || doubt > p->doubt;
    p->doubt = doubt;
    p->doubtful = false;
    return found;
}

/* ---- the writer ------------------------------------------------------------------------------------------------------------ */
static void wake(struct mpl_lane *lane)
{
    mpl_fence_full(); /* ORD(free:B) seq_cst: synced, then waiters; pairs with ORD(wait:A) */
    if (!mpl_exchange(&lane->waiters, 0))
        return;
    mpl_add(&lane->space_seq, 1);
    syscall(SYS_futex, &lane->space_seq, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* Of the session in the slot, as far as this writer knows it; false where nothing is to be told of it. */
static bool tell_session(struct mpl_slot *slot, const struct mpl_tally *tally, bool doubt)
{
    const uint64_t word = mpl_load_acquire(&slot->epoch_state);
    if (!tally->epoch || mpl_word_epoch(word) != tally->epoch || mpl_word_state(word) == MPL_S_CLOSED || mpl_load(&slot->synced) >= tally->settled)
        return false;
    if (doubt)
        mpl_raise(&slot->doubt, tally->settled);
    else
        mpl_store_release(&slot->synced, tally->settled); /* ORD(sync:A) release: behind its doubt; pairs with ORD(sync:B) */
    return !doubt;
}

struct tell {
    struct mpl_reader *r;
    bool doubt;
};

static int tell_body(void *arg)
{
    const struct tell *t = arg;
    for (uint32_t s = 0; s < MPL_MAX_SEGMENTS; s++)
        for (uint32_t i = 0; t->r->views[s] && i < t->r->segments[s].head.lanes; i++) {
            struct mpl_view *v = &t->r->views[s][i];
            bool told = false;
            for (uint32_t k = 0; k < MPL_SLOTS && mpl_load(&v->lane->epoch); k++)
                told |= tell_session(&v->lane->slots[k], &v->tally[k], t->doubt);
            if (told)
                wake(v->lane);
        }
    return 0;
}

int mpl_tell_synced(struct mpl_reader *r)
{
    struct tell t = {.r = r};
    return mpl_survive(r, tell_body, &t);
}

int mpl_tell_doubt(struct mpl_reader *r)
{
    struct tell t = {.r = r, .doubt = true};
    return mpl_survive(r, tell_body, &t);
}

/* Nothing that a sync has failed for is synced again by the same descriptor: the system tells an error once, and the next sync says that all is well. */
int mpl_sync_files(struct mpl_journal *j, struct mpl_reader *r, const int *fds, uint32_t sinks)
{
    struct mpl_journal_page *g = j->page;
    for (uint32_t s = 0; s < sinks && s < MPL_MAX_SINKS; s++) {
        struct mpl_file file = *mpl_journal_file(j, s);
        if (mpl_load(&g->syncing) & 1u << s)
            return -EIO;
        if (fds[s] < 0 || file.synced == file.offset)
            continue;
        mpl_store(&g->syncing, mpl_load(&g->syncing) | 1u << s);
        KILL_POINT(sync_begun);
        MPL_ACCOUNT(mpl_add(&r->bell->counters[MPL_COUNT_syncs], 1));
        if (fdatasync(fds[s]) && !SEEDED(failed_sync_believed))
            return -errno;
        KILL_POINT(sync_done);
        file.synced = file.offset;
        mpl_journal_set_file(j, s, &file);
        mpl_store(&g->syncing, mpl_load(&g->syncing) & ~(1u << s));
    }
    return 0;
}

int mpl_sync(struct mpl_journal *j, struct mpl_reader *r, const int *fds, uint32_t sinks)
{
    if (mpl_load(&j->page->state) != MPL_IDLE)
        return MPL_E_STATE;
    const int rc = mpl_sync_files(j, r, fds, sinks);
    return rc ? rc : mpl_tell_synced(r);
}

static struct mpl_write *write_of(const struct mpl_journal *j, uint32_t sink)
{
    struct mpl_journal_page *g = j->page;
    for (uint32_t i = 0; mpl_load(&g->state) == MPL_COMMIT && i < g->nwrites; i++)
        if (g->writes[i].sink == sink)
            return &g->writes[i];
    return NULL;
}

struct mpl_unsure mpl_sync_unsure(const struct mpl_journal *j, uint32_t sink)
{
    const struct mpl_file *file = mpl_journal_file(j, sink);
    const struct mpl_write *w = write_of(j, sink);
    const uint64_t from = w ? mpl_target_of(w).offset : file->offset;
    return (struct mpl_unsure){.synced = file->synced < from ? file->synced : from, .from = from, .end = w ? from + mpl_write_bytes(w) - mpl_target_of(w).from : from};
}

void mpl_sync_anew(struct mpl_journal *j, uint32_t sink)
{
    struct mpl_write *w = write_of(j, sink);
    struct mpl_file file = *mpl_journal_file(j, sink);
    if (w)
        w->anew = 1;
    file.synced = mpl_sync_unsure(j, sink).from;
    mpl_journal_set_file(j, sink, &file);
    mpl_store(&j->page->syncing, mpl_load(&j->page->syncing) & ~(1u << sink));
}

void mpl_disbelieve(struct mpl_journal *j, uint32_t sink) { mpl_store(&j->page->syncing, mpl_load(&j->page->syncing) | 1u << sink); }

/* Its length is stored last: what a kill leaves half done does not count. */
int mpl_set_lead(struct mpl_journal *j, uint32_t sink, const char *text, size_t length)
{
    if (sink >= MPL_MAX_SINKS || length > MPL_LEAD)
        return MPL_E_ARG;
    struct mpl_lead *lead = &j->page->leads[sink];
    mpl_store_release(&lead->length, 0);
    memcpy(lead->text, text, length);
    mpl_store_release(&lead->length, (uint32_t)length);
    return 0;
}

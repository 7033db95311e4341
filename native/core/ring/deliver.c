/* SPDX-License-Identifier: Apache-2.0
 *
 * The bytes of a batch to all files, and what becomes of those that a file refuses: they are owed to it, in its spool. A write's `owed` is stored before its
 * bytes go there; where they go stands in the entry, so that a redo puts them there again. */
#include "deliver.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fault.h"
#include "hand.h"
#include "sink.h"
#include "spool.h"

int mpl_journal_set_apart(struct mpl_journal *j, uint32_t sink, const char *path)
{
    if (sink >= MPL_MAX_SINKS)
        return MPL_E_ARG;
    if (j->hands[sink] && mpl_hand_busy(j->hands[sink]))
        return 0; /* the one that hangs stays: two would write the same file */
    mpl_hand_free(j->hands[sink]);
    j->hands[sink] = mpl_hand_new(path);
    return j->hands[sink] ? 0 : -ENOMEM;
}

bool mpl_journal_hangs(struct mpl_journal *j, uint32_t sink) { return sink < MPL_MAX_SINKS && j->hands[sink] && mpl_hand_busy(j->hands[sink]); }

static void apply_offset(struct mpl_journal *j, const struct mpl_write *w)
{
    struct mpl_target t = mpl_target_of(w);
    struct mpl_file file = *mpl_journal_file(j, w->sink);
    if (file.offset != t.offset && SEEDED(offset_added_twice))
        t.offset = file.offset;
    file.offset = t.offset + mpl_write_bytes(w) - t.from; /* what somebody appended behind it is found by the next batch */
    if (w->spool_next)
        file.spool_head = w->spool_next, file.spool_from = 0;
    if (file.synced > t.offset)
        file.synced = t.offset; /* somebody has cut it off */
    mpl_journal_set_file(j, w->sink, &file);
}

/* The file has none of it, or a part that ends where a line does (from), or more, which the next try finds there. */
static void apply_refused(struct mpl_journal *j, const struct mpl_write *w)
{
    const struct mpl_target t = mpl_target_of(w);
    struct mpl_file file = *mpl_journal_file(j, w->sink);
    file.offset = t.offset;
    if (file.synced > t.offset)
        file.synced = t.offset;
    if (w->spool_next) /* its head too: a try before a kill may have moved both on */
        file.spool_head = w->spool_next - mpl_spool_bytes(w->length), file.spool_from = t.from;
    else if (mpl_write_bytes(w) > t.from)
        file.spool_end = w->spool_at + mpl_spool_bytes(mpl_write_bytes(w) - t.from);
    mpl_journal_set_file(j, w->sink, &file);
}

/* The bytes of a write, behind the file's lead where it has one (then in memory of their own: *made). NULL: there is none. */
static const char *bytes_of(const struct mpl_journal *j, const struct mpl_write *w, char **made)
{
    const char *staged = j->staging + w->place;
    if (!w->lead)
        return staged;
    *made = malloc(mpl_write_bytes(w));
    if (!*made)
        return NULL;
    memcpy(*made, j->page->leads[w->sink].text, w->lead);
    memcpy(*made + w->lead, staged, w->length);
    return *made;
}

/* What is left of a write goes into the file's spool: 0 or -errno. */
static int owe(struct mpl_journal *j, struct mpl_write *w)
{
    const struct mpl_target t = mpl_target_of(w);
    char *made = NULL;
    mpl_store_release(&w->owed, 1);
    KILL_POINT(commit_owed);
    const char *bytes = bytes_of(j, w, &made);
    int rc = bytes ? mpl_spool_append(j, w->sink, w->spool_at, bytes + t.from, mpl_write_bytes(w) - t.from) : -ENOMEM;
    free(made);
    KILL_POINT(commit_spooled);
    return rc;
}

/* After a try: the write's outcome, or what the spool says. */
static int settle(struct mpl_journal *j, struct mpl_write *w, int rc)
{
    if (rc >= 0) {
        KILL_POINT(commit_written);
        apply_offset(j, w);
        KILL_POINT(commit_offset);
        return rc << MPL_FOUND_BITS * w->sink;
    }
    if (!w->spool_next && mpl_write_bytes(w) > mpl_target_of(w).from && (rc = owe(j, w)) < 0)
        return rc;
    apply_refused(j, w);
    KILL_POINT(commit_offset);
    return 0;
}

/* With one processor there is nothing to be had from it; with more than the kernel's set can name there are enough. */
static struct mpl_hand *second_hand(struct mpl_journal *j)
{
    cpu_set_t usable;
    if (j->second || j->alone)
        return j->second;
    j->alone = !sched_getaffinity(0, sizeof usable, &usable) && CPU_COUNT(&usable) < 2;
    j->second = j->alone ? NULL : mpl_hand_new("");
    j->alone |= !j->second;
    return j->second;
}

bool mpl_write_ahead(struct mpl_journal *j, const int *fds, uint32_t sinks)
{
    struct mpl_journal_page *g = j->page;
    struct mpl_write *w = &g->writes[0];
    if (g->nwrites != 1 || w->sink >= sinks || j->hands[w->sink] || w->lead || g->sync || mpl_load(&w->owed) || !second_hand(j))
        return false;
    mpl_hand_lend(j->second, w, j->staging + w->place, fds[w->sink]);
    j->lent = true;
    KILL_POINT(commit_lent);
    return true;
}

/* What was lent, once it is over; false where it is to be written here. */
static bool joined(struct mpl_journal *j, int *rc)
{
    if (!j->lent)
        return false;
    KILL_POINT(commit_join);
    j->lent = false;
    return mpl_hand_join(j->second, rc);
}

static int write_itself(struct mpl_journal *j, struct mpl_write *w, int fd)
{
    char *made = NULL;
    int over;
    if (joined(j, &over))
        return over < 0 && !SEEDED(lent_write_believed) ? over : settle(j, w, over < 0 ? 0 : over);
    const char *bytes = bytes_of(j, w, &made);
    struct mpl_writing x = mpl_writing_of(w, bytes, fd);
    int rc = bytes ? mpl_sink_write(&x) : -ENOMEM;
    free(made);
    return rc < 0 ? rc : settle(j, w, rc);
}

/* Begins what is not begun already: true where the hand is at it. */
static bool begin(struct mpl_journal *j, struct mpl_write *w, int fd)
{
    struct mpl_hand *h = j->hands[w->sink];
    int *refused = &j->refused[w->sink];
    char *made = NULL;
    if (mpl_load(&w->owed))
        return false;
    const char *bytes = bytes_of(j, w, &made);
    if (mpl_hand_busy(h))
        *refused = -ETIMEDOUT;
    else
        *refused = fd < 0 ? -EBADF : !bytes ? -ENOMEM : mpl_hand_give(h, w, bytes, fd);
    free(made);
    return *refused == 0;
}

int mpl_write_all(struct mpl_journal *j, const int *fds, uint32_t sinks)
{
    struct mpl_journal_page *g = j->page;
    const uint64_t deadline_ns = mpl_now(CLOCK_MONOTONIC) + MPL_HANG_NS;
    bool begun[MPL_MAX_SINKS] = {false};
    int found = 0, refused = 0;
    for (uint32_t i = 0; i < g->nwrites; i++)
        if (j->hands[g->writes[i].sink])
            begun[i] = begin(j, &g->writes[i], g->writes[i].sink < sinks ? fds[g->writes[i].sink] : -1);
    for (uint32_t i = 0; i < g->nwrites; i++) {
        struct mpl_write *w = &g->writes[i];
        int rc;
        if (!j->hands[w->sink]) {
            rc = w->sink < sinks ? write_itself(j, w, fds[w->sink]) : -EBADF;
        } else {
            if (begun[i])
                j->refused[w->sink] = rc = mpl_hand_wait(j->hands[w->sink], deadline_ns);
            else
                rc = j->refused[w->sink] ? j->refused[w->sink] : -EAGAIN;
            j->refused[w->sink] = rc < 0 ? rc : 0;
            rc = settle(j, w, rc);
        }
        if (rc < 0)
            refused = refused ? refused : rc;
        else
            found |= rc;
    }
    return refused ? refused : found;
}

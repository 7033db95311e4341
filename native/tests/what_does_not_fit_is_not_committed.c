/* SPDX-License-Identifier: Apache-2.0
 *
 * A batch, a frame from the spool, a sync or a lead that cannot be right is refused before anything is entered, and what is staged then can still be
 * committed; an entry that names lanes which are gone, sessions that are older than what is known, or no file at all is gone over without them. */
#include "ahead.h"
#include "service.h"
#include "spool.h"

#define LINE "a line\n"
#define LENGTH (sizeof LINE - 1)

static struct writer w;

static struct mpl_part part(size_t place, size_t length) { return (struct mpl_part){.fd = w.fd, .place = place, .length = length}; }

static void batches(void)
{
    const struct mpl_part parts[5] = {part(0, LENGTH), part(0, 0), part(0, 0), part(0, 0), part(0, 0)};
    const struct mpl_part wrong[] = {part(STAGING + 1, 0), part(0, STAGING + 1), part(1, STAGING)};
    memcpy(w.j.staging, LINE, LENGTH);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK_EQ(mpl_commit_parts(&w.j, &w.r, &wrong[i], 1), MPL_E_STATE);
        CHECK_EQ(mpl_commit_begin(&w.j, &w.r, &wrong[i], 1), MPL_E_STATE);
    }
    CHECK_EQ(mpl_commit_parts(&w.j, &w.r, parts, 5), MPL_E_STATE);
    CHECK_EQ(mpl_commit(&w.j, &w.r, 1, w.fd, LENGTH), MPL_E_ARG);
    CHECK_EQ(mpl_load(&w.j.page->state), MPL_IDLE);

    mpl_store(&w.j.page->state, MPL_ROTATE);
    CHECK_EQ(mpl_commit_parts(&w.j, &w.r, parts, 1), MPL_E_STATE);
    CHECK_EQ(mpl_commit_begin(&w.j, &w.r, parts, 1), MPL_E_STATE);
    CHECK_EQ(mpl_sync(&w.j, &w.r, &w.fd, 1), MPL_E_STATE);
    CHECK_EQ(mpl_unspool(&w.j, &w.r, 1, parts), MPL_E_STATE);
    mpl_store(&w.j.page->state, MPL_IDLE);
    CHECK_EQ(mpl_commit_parts(&w.j, &w.r, parts, 1), 0);
    CHECK_EQ(mpl_journal_file(&w.j, 0)->offset, LENGTH);
}

static void frames(void)
{
    struct mpl_part owed = part(0, LENGTH), wrong[] = {part(STAGING + 1, 0), part(1, STAGING), part(0, 0), part(0, 4096)};
    struct mpl_file file = {.spool_end = mpl_spool_bytes(LENGTH)};
    CHECK_EQ(mpl_spool_append(&w.j, 1, 0, LINE, LENGTH), 0);
    mpl_journal_set_file(&w.j, 1, &file);
    CHECK_EQ(mpl_unspool(&w.j, &w.r, MPL_MAX_SINKS, &owed), MPL_E_STATE);
    CHECK_EQ(mpl_unspool(&w.j, &w.r, 1, &wrong[0]), MPL_E_STATE);
    CHECK_EQ(mpl_unspool(&w.j, &w.r, 1, &wrong[1]), MPL_E_STATE);
    CHECK_EQ(mpl_unspool(&w.j, &w.r, 1, &wrong[2]), MPL_E_ARG); /* nothing */
    CHECK_EQ(mpl_unspool(&w.j, &w.r, 1, &wrong[3]), MPL_E_ARG); /* more than is owed */
    file.spool_from = LENGTH + 1; /* more of it is in the file than there is */
    mpl_journal_set_file(&w.j, 1, &file);
    CHECK_EQ(mpl_unspool(&w.j, &w.r, 1, &owed), MPL_E_ARG);
    file.spool_from = 0;
    mpl_journal_set_file(&w.j, 1, &file);
    CHECK(mpl_journal_owes(&w.j, 1));

    memcpy(w.j.staging, LINE, LENGTH);
    owed.fd = open("/dev/full", O_RDWR | O_CLOEXEC); /* refuses, and there is no hand to owe it: the batch waits */
    CHECK(owed.fd >= 0);
    CHECK_EQ(mpl_unspool(&w.j, &w.r, 1, &owed), -ENOSPC);
    CHECK_EQ(mpl_load(&w.j.page->state), MPL_COMMIT);
    close(owed.fd);
    const int fds[2] = {-1, w.fd};
    struct mpl_write *write = &w.j.page->writes[0];
    write->targets[0].offset = write->targets[1].offset = LENGTH;
    CHECK_EQ(mpl_redo_parts(&w.j, &w.r, fds, 2), 0);
    CHECK(!mpl_journal_owes(&w.j, 1));
}

static void leads(void)
{
    char text[MPL_LEAD + 1] = "begins";
    CHECK_EQ(mpl_set_lead(&w.j, MPL_MAX_SINKS, text, 6), MPL_E_ARG);
    CHECK_EQ(mpl_set_lead(&w.j, 0, text, sizeof text), MPL_E_ARG);
    CHECK_EQ(mpl_load(&w.j.page->leads[0].length), 0);
    CHECK_EQ(mpl_set_lead(&w.j, 0, text, 6), 0);
    CHECK_EQ(mpl_load(&w.j.page->leads[0].length), 6);
    CHECK_EQ(mpl_set_lead(&w.j, 0, text, 0), 0);
}

/* In COMMIT, with entries that nobody made: no lane is there for them, or a later session has their slot. */
static void entries_of_what_is_gone(void)
{
    struct mpl_journal_page *g = w.j.page;
    const uint64_t id = w.r.segments[0].head.segment_id;
    const struct mpl_view before = w.r.views[0][0];
    const uint64_t head = mpl_load(&before.lane->head);
    const struct mpl_touch gone[] = {
        {.segment_id = id, .segment = 1, .epoch = 1, .head = head + 8, .ovf_head = 8},
        {.segment_id = id + 1, .segment = 0, .epoch = 1, .head = head + 8, .ovf_head = 8},
        {.segment_id = id, .segment = 0, .lane = MPL_MAX_LANES, .epoch = 1, .head = head + 8},
    };
    memcpy(g->touches, gone, sizeof gone);
    g->ntouches = sizeof gone / sizeof *gone;
    g->nwrites = 0;
    mpl_store(&g->state, MPL_COMMIT);
    const struct mpl_unsure unsure = mpl_sync_unsure(&w.j, 0); /* no file has a write there */
    CHECK(unsure.from == unsure.end && unsure.end == mpl_journal_file(&w.j, 0)->offset);
    CHECK_EQ(mpl_redo(&w.j, &w.r, w.fd), 0);
    CHECK_EQ(mpl_load(&before.lane->head), head);

    g->touches[0] = (struct mpl_touch){.segment_id = id, .epoch = before.tally[1].epoch - MPL_SLOTS, .head = head, .settled = 77};
    g->ntouches = 1;
    mpl_store(&g->state, MPL_COMMIT);
    CHECK_EQ(mpl_redo(&w.j, &w.r, w.fd), 0);
    CHECK_EQ(w.r.views[0][0].tally[1].epoch, before.tally[1].epoch);
    CHECK_EQ(w.r.views[0][0].tally[1].settled, before.tally[1].settled);
}

static int test(const char *dir)
{
    struct mpl_producer p;
    const int none[5] = {-1, -1, -1, -1, -1};
    service_make(dir);
    CHECK_EQ(writer_open(&w, dir), 0);
    batches();
    frames();
    leads();
    CHECK_EQ(mpl_sync_files(&w.j, &w.r, none, 5), 0);
    producer_make(&p, dir, "some");
    CHECK_EQ(send_event(&p, 1, 1, 50), MPL_ACCEPTED);
    CHECK_EQ(ftruncate(w.fd, 0), 0);
    CHECK_EQ(writer_all(&w), 1);
    CHECK_EQ(p.epoch, 1);
    entries_of_what_is_gone();
    mpl_producer_free(&p);
    CHECK_EQ(writer_all(&w), 0);
    CHECK_EQ(tally_file(w.file).events, 1);
    writer_close(&w);
    return 0;
}

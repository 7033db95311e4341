/* SPDX-License-Identifier: Apache-2.0
 *
 * A call on a chunk that fails, whichever and wherever in the chunk, drops that event alone: it says why, the next one is accepted, and all that was accepted
 * comes out whole and in order, with the dropped ones told. */
#include "fails.h"
#include "overflow.h"
#include "service.h"

static struct mpl_producer p;
static uint64_t accepted, dropped;

static enum mpl_outcome put(size_t len)
{
    const enum mpl_outcome outcome = send_event(&p, 1, p.seq + 1, len);
    accepted += outcome == MPL_ACCEPTED;
    dropped += outcome == MPL_DROPPED;
    return outcome;
}

/* One event more, in front of which each call of its path has failed once. */
static void put_against(unsigned kinds, int error)
{
    fail_kinds = kinds;
    for (long n = 1;; n++) {
        fail_nth(n, error);
        const enum mpl_outcome outcome = put(30000);
        if (!fail_never()) {
            CHECK_EQ(outcome, MPL_ACCEPTED);
            return;
        }
        CHECK_EQ(outcome, MPL_DROPPED);
        CHECK_EQ(p.overflow_error, error ? -error : -ENOSPC);
        CHECK(!mpl_all_well(&p));
        p.overflow_error = 0; /* the binding has told it */
    }
}

static void a_directory_with_too_long_a_name(void)
{
    char usual[MPL_PATH];
    memcpy(usual, p.overflow_dir, sizeof usual);
    memset(p.overflow_dir, 'x', sizeof usual - 1);
    CHECK_EQ(put(30000), MPL_DROPPED);
    CHECK_EQ(p.overflow_error, -ENAMETOOLONG);
    memcpy(p.overflow_dir, usual, sizeof usual);
    CHECK_EQ(put(30000), MPL_ACCEPTED);
}

static int test(const char *dir)
{
    static struct writer w;
    service_make(dir);
    lanes_of(dir, MPL_LANE_MEDIUM, MPL_ORIGIN);
    producer_make(&p, dir, "overflows");
    p.when_full = MPL_OVERFLOW;
    p.overflow_bytes = 32 * MPL_CHUNK_BYTES;
    CHECK_EQ(writer_open(&w, dir), 0);
    while (!p.overflowing)
        CHECK_EQ(put(30000), MPL_ACCEPTED);
    a_directory_with_too_long_a_name();
    /* over the ends of two chunks, where the one that is left is closed, too */
    for (int i = 0; i < 3 * (int)(MPL_CHUNK_BYTES / 30000); i++) {
        const uint64_t bytes = mpl_load(&p.bell->overflow_bytes);
        put_against(F_OPEN | F_PWRITE | F_PWRITEV, EIO);
        put_against(F_PWRITE | F_PWRITEV, FAIL_NOTHING);
        CHECK(mpl_load(&p.bell->overflow_bytes) - bytes <= MPL_CHUNK_BYTES); /* a chunk that was not made counts for nothing */
    }
    CHECK(dropped > 100);
    mpl_producer_free(&p);
    writer_all(&w);
    const struct tally t = tally_file(w.file);
    CHECK_EQ(t.events, accepted);
    CHECK_EQ(t.torn + t.out_of_order, 0);
    CHECK_EQ(t.dropped, dropped);
    CHECK_EQ(writer_quarantines(&w), 0);
    CHECK_EQ(mpl_retire(&w.r, &w.j), 1);
    writer_close(&w);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Broken bytes in one lane: the writer sets that lane aside, its owner goes on in another one, what is lost is told in the session's end, and no
 * other lane is harmed; a later writer can still set the broken one up again. */
#include "service.h"

static const char *place;

static int be_the_first_writer(void *arg)
{
    static struct writer w;
    (void)arg;
    CHECK_EQ(writer_open(&w, place), 0);
    while (writer_batch(&w) > 0) {
    }
    CHECK_EQ(writer_quarantines(&w), 1);
    kill(getpid(), SIGKILL);
    return 0;
}

static int test(const char *dir)
{
    static struct writer w;
    struct mpl_producer p, other;
    place = dir;
    service_make(dir);
    lanes_of(dir, MPL_LANE_SMALL, MPL_ORIGIN);
    producer_make(&p, dir, "broken");
    producer_make(&other, dir, "whole");
    uint32_t lane = p.lane_number;
    for (uint64_t n = 1; n <= 5; n++) {
        CHECK_EQ(send_event(&p, 1, n, 32), MPL_ACCEPTED);
        CHECK_EQ(send_event(&other, 2, n, 32), MPL_ACCEPTED);
    }
    struct mpl_record *third = (struct mpl_record *)(void *)(p.data + (MPL_ORIGIN & (MPL_LANE_SMALL - 1)) + 2 * 72);
    third->len = 80;
    CHECK_EQ(reap(spawn(be_the_first_writer, NULL)), 1000 + SIGKILL);
    CHECK_EQ(send_event(&p, 1, 6, 32), MPL_ACCEPTED);
    CHECK(p.lane_number != lane);
    CHECK_EQ(p.seq, 1);
    CHECK_EQ(send_event(&other, 2, 6, 32), MPL_ACCEPTED);
    mpl_producer_free(&p);
    mpl_producer_free(&other);
    CHECK_EQ(writer_open(&w, dir), 0);
    writer_all(&w);
    CHECK_EQ(writer_quarantines(&w), 0);
    struct tally t = tally_file(w.file);
    CHECK_EQ(t.events, 2 + 1 + 6);
    CHECK_EQ(t.ends, geteuid() == 0 ? 5 : 3); /* a child of root claims at once: two sessions without an event */
    CHECK_EQ(t.dropped, 3);
    CHECK_EQ(t.torn, 0);
    CHECK_EQ(mpl_retire(&w.r, &w.j), 1);
    writer_close(&w);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A lane whose session the writer has closed is told on the bell, and the next claimer takes that one; what is told wrongly costs a try and harms nobody. */
#include "service.h"

static const char *place;

static int produce(void *arg)
{
    struct mpl_producer p;
    (void)arg;
    producer_make(&p, place, "gone");
    CHECK_EQ(send_event(&p, 1, 1, 60), MPL_ACCEPTED);
    kill(getpid(), SIGKILL);
    return 0;
}

static int test(const char *dir)
{
    static struct writer w;
    struct mpl_producer keeper, next, other;
    place = dir;
    service_make(dir);
    producer_make(&keeper, dir, "keeper");
    CHECK_EQ(send_event(&keeper, 2, 1, 60), MPL_ACCEPTED);
    mpl_a64 *told = &keeper.bell->free_lanes[0];
    CHECK_EQ(reap(spawn(produce, NULL)), 1000 + SIGKILL);
    CHECK_EQ(mpl_load(told), 0);
    CHECK_EQ(writer_open(&w, dir), 0);
    CHECK_EQ(writer_all(&w), 2);
    uint64_t freed = mpl_load(told); /* as root also that of the child's copy of the keeper */
    CHECK(freed && !(freed >> keeper.lane_number & 1));
    freed &= -freed;

    mpl_store(told, freed | 1ull << keeper.lane_number | 1ull << 63); /* one that is held, and one that has never been had */
    producer_make(&next, dir, "next");
    CHECK_EQ(send_event(&next, 3, 1, 60), MPL_ACCEPTED);
    CHECK(freed == 1ull << next.lane_number);
    producer_make(&other, dir, "other");
    CHECK_EQ(send_event(&other, 4, 1, 60), MPL_ACCEPTED);
    CHECK(other.lane_number != keeper.lane_number && other.lane_number != next.lane_number);
    CHECK_EQ(mpl_load(told) & (freed | 1ull << keeper.lane_number), 0);
    CHECK_EQ(send_event(&keeper, 2, 2, 60), MPL_ACCEPTED);
    CHECK_EQ(writer_all(&w), 3);
    const struct tally t = tally_file(w.file);
    CHECK_EQ(t.events, 5);
    CHECK_EQ(t.torn + t.dropped, 0);
    writer_close(&w);
    mpl_producer_free(&other);
    mpl_producer_free(&next);
    mpl_producer_free(&keeper);
    return 0;
}

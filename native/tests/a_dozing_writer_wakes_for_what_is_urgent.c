/* SPDX-License-Identifier: Apache-2.0
 *
 * A writer that dozes is left alone by usual events, and woken by an ERROR, by a lane that gets half full, and by whoever waits. */
#include "service.h"

#define LONG_NS 60000000000u

static const char *place;
static mpl_a64 *last; /* number of the last event, once it is known */

static int produce(void *arg)
{
    struct mpl_producer p;
    (void)arg;
    producer_make(&p, place, "dozing");
    mpl_a32 *sleeping = &p.bell->sleeping;
    char payload[64];
    uint64_t n = 0;
    while (mpl_load_acquire(sleeping) != MPL_DOZES)
        pause_ns(100000);
    for (int i = 0; i < 100; i++)
        CHECK_EQ(send_event(&p, 5, ++n, 64), MPL_ACCEPTED);
    CHECK_EQ(mpl_load(sleeping), MPL_DOZES);
    payload_fill(payload, 5, ++n, sizeof payload);
    CHECK_EQ(mpl_publish(&p, 40, 0, 0, payload, sizeof payload), MPL_ACCEPTED);
    while (mpl_load_acquire(sleeping) != MPL_DOZES) /* woken, and at rest again */
        pause_ns(100000);
    const uint64_t before = p.tail;
    while (p.tail - before < p.capacity / 2 - 4096)
        CHECK_EQ(send_event(&p, 5, ++n, 1000), MPL_ACCEPTED);
    CHECK_EQ(mpl_load(sleeping), MPL_DOZES);
    for (int i = 0; i < 8; i++)
        CHECK_EQ(send_event(&p, 5, ++n, 1000), MPL_ACCEPTED);
    while (mpl_settled(&p) < n - 8)
        pause_ns(100000);
    while (mpl_load_acquire(sleeping) != MPL_DOZES)
        pause_ns(100000);
    mpl_store(last, ++n);
    CHECK_EQ(send_event(&p, 5, n, 64), MPL_ACCEPTED);
    while (mpl_settled(&p) < n) /* rings at once */
        CHECK_EQ(wait_once(&p, n, LONG_NS), 1);
    mpl_producer_free(&p);
    return 0;
}

static int test(const char *dir)
{
    static struct writer w;
    uint64_t events = 0, dozes = 0;
    place = dir;
    last = shared_memory(4096);
    service_make(dir);
    lanes_of(dir, MPL_LANE_SMALL, MPL_ORIGIN);
    CHECK_EQ(writer_open(&w, dir), 0);
    pid_t child = spawn(produce, NULL);
    for (;;) {
        if (mpl_load_acquire(&w.r.bell->segments) != w.r.seen_segments)
            CHECK(mpl_reader_scan(&w.r, &w.j) >= 0);
        int got = writer_batch(&w);
        CHECK(got >= 0);
        events += (uint64_t)got;
        if (events && events == mpl_load(last))
            break;
        CHECK(mpl_doze(&w.r, LONG_NS)); /* none ends by itself */
        dozes++;
    }
    CHECK_EQ(reap(child), 0);
    writer_all(&w);
    struct tally t = tally_file(w.file);
    CHECK(events > 100 && dozes > 2);
    CHECK_EQ(t.torn + t.out_of_order + t.dropped, 0);
    writer_close(&w);
    return 0;
}

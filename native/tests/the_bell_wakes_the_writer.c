/* SPDX-License-Identifier: Apache-2.0
 *
 * A writer that sleeps up to a second never sleeps out its time while an event lies in a lane. */
#include "service.h"

#define EVENTS 4000u

static const char *place;

static int produce(void *arg)
{
    struct mpl_producer p;
    uint64_t random = 88172645463325252ull;
    (void)arg;
    producer_make(&p, place, "rings");
    for (uint64_t n = 1; n <= EVENTS; n++) {
        while (send_event(&p, 1, n, 40) == MPL_WAIT)
            wait_once(&p, 0, 100000000u);
        uint64_t pause = next_random(&random) % 64;
        if (pause < 40)
            pause_ns(pause * 2000);
    }
    mpl_detach(&p, true);
    return 0;
}

static int test(const char *dir)
{
    static struct writer w;
    uint64_t sleeps = 0, overslept = 0, events = 0;
    place = dir;
    service_make(dir);
    CHECK_EQ(writer_open(&w, dir), 0);
    pid_t child = spawn(produce, NULL);
    while (events < EVENTS) {
        uint32_t departures = mpl_load_acquire(&w.r.bell->departures);
        if (mpl_load_acquire(&w.r.bell->segments) != w.r.seen_segments)
            CHECK(mpl_reader_scan(&w.r, &w.j) >= 0);
        int got = writer_batch(&w);
        CHECK(got >= 0);
        events += (uint64_t)got;
        if (got || events >= EVENTS)
            continue;
        uint64_t before = mpl_now(CLOCK_MONOTONIC);
        mpl_sleep(&w.r, 1000000000u, departures);
        sleeps++;
        overslept += mpl_now(CLOCK_MONOTONIC) - before >= 1000000000u && mpl_pending(&w.r);
    }
    CHECK_EQ(reap(child), 0);
    printf("%llu sleeps\n", (unsigned long long)sleeps);
    CHECK(sleeps > 100);
    CHECK_EQ(overslept, 0);
    writer_close(&w);
    return 0;
}

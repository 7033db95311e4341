/* SPDX-License-Identifier: Apache-2.0
 *
 * when_full=block: a full lane answers MPL_WAIT, the waiter is woken by the writer's commit and then publishes; nothing is dropped. */
#include "service.h"

#define EVENTS 5000u

static const char *place;
static uint64_t *waits;

static int produce(void *arg)
{
    struct mpl_producer p;
    (void)arg;
    producer_make(&p, place, "blocked");
    for (uint64_t n = 1; n <= EVENTS; n++)
        while (send_event(&p, 3, n, 1000) == MPL_WAIT) {
            ++*waits;
            CHECK(wait_once(&p, 0, 5000000000u) == 1); /* 0 would be a wake-up that was lost */
        }
    while (mpl_settled(&p) < EVENTS)
        CHECK(wait_once(&p, EVENTS, 5000000000u) == 1);
    CHECK_EQ(p.dropped, 0);
    mpl_producer_free(&p);
    return 0;
}

static int test(const char *dir)
{
    static struct writer w;
    place = dir;
    waits = shared_memory(4096);
    service_make(dir);
    lanes_of(dir, MPL_LANE_SMALL, MPL_ORIGIN);
    pid_t child = spawn(produce, NULL);
    CHECK_EQ(writer_open(&w, dir), 0);
    uint64_t events = 0;
    while (events < EVENTS) {
        int got = writer_batch(&w);
        CHECK(got >= 0);
        events += (uint64_t)got;
        pause_ns(got ? 0 : 1000000);
    }
    CHECK_EQ(reap(child), 0);
    writer_all(&w);
    struct tally t = tally_file(w.file);
    CHECK_EQ(t.events, EVENTS);
    CHECK_EQ(t.torn + t.out_of_order + t.dropped, 0);
    CHECK(*waits > 0);
    writer_close(&w);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A producer stands still after k instructions of a publish, for longer than the writer holds others back for it: their events come out meanwhile; when it
 * goes on, its own comes out too, once, whole, and is marked as late if others have overtaken it.
 *
 * Every 97th k, from a first one that is another in each run; MPL_STEP=1 takes them all. */
#include "service.h"
#include "trace.h"

static const char *place;

static int publish_one(void *arg)
{
    struct mpl_producer p;
    (void)arg;
    producer_make(&p, place, "still");
    CHECK_EQ(send_event(&p, 1, 1, 40), MPL_ACCEPTED); /* pages and branches are warm */
    char payload[64];
    payload_fill(payload, 1, 2, 40);
    trace_marker();
    const enum mpl_outcome got = mpl_publish(&p, 20, 0, 0, payload, 40);
    trace_end();
    CHECK_EQ(got, MPL_ACCEPTED);
    return 0;
}

/* Until the writer has taken `count` events. */
static void take(struct writer *w, int count)
{
    for (int got = 0; got < count; pause_ns(1000000)) {
        CHECK(mpl_reader_scan(&w->r, &w->j) >= 0);
        int now = writer_batch(w);
        CHECK(now >= 0);
        got += now;
    }
}

/* How many of those that are there have been overtaken. */
static uint64_t late_ones(struct writer *w)
{
    uint64_t late = 0;
    const int items = mpl_drain(&w->r, ARENA);
    for (int i = 0; i < items; i++)
        late += (w->r.items[i].flags & MPL_FLAG_LATE) != 0;
    mpl_rewind(&w->r);
    return late;
}

static int test(const char *dir)
{
    static struct writer w;
    struct mpl_producer other;
    const char *given = getenv("MPL_STEP");
    const uint64_t step = given ? strtoull(given, NULL, 10) : 97;
    uint64_t rounds = 0, late = 0, n = 0;
    bool finished = false;
    place = dir;
    service_make(dir);
    producer_make(&other, dir, "other");
    CHECK_EQ(writer_open(&w, dir), 0);
    for (uint64_t k = (uint64_t)getpid() % step; !finished; k += step, rounds++) {
        pid_t pid = spawn(publish_one, NULL);
        trace_start(pid);
        take(&w, 1);
        for (uint64_t i = 0; i < k && !finished; i++)
            finished = !trace_step(pid, PTRACE_SINGLESTEP);
        CHECK_EQ(send_event(&other, 2, ++n, 40), MPL_ACCEPTED);
        if (!finished) {
            take(&w, 1); /* it has been let go first, or the other one has */
            while (trace_step(pid, PTRACE_CONT)) {
            }
        }
        late += late_ones(&w);
        trace_kill(pid);
        writer_all(&w);
    }
    struct tally t = tally_file(w.file);
    printf("%llu places, %llu late\n", (unsigned long long)rounds, (unsigned long long)late);
    CHECK_EQ(t.events, 3 * rounds);
    CHECK_EQ(t.torn, 0);
    CHECK(late > 0);
    CHECK_EQ(writer_quarantines(&w), 0);
    mpl_producer_free(&other);
    writer_close(&w);
    return 0;
}

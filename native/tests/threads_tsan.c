/* SPDX-License-Identifier: Apache-2.0
 *
 * The core used from threads, for ThreadSanitizer: every thread a producer of its own, one writer thread that drains and commits to a file, threads
 * that leave and come again. Without the sanitizer it is one more test of the same path.
 *
 * gcc's TSan does not model fences. What rests on one alone is therefore not shown here: publish:B (rsv before the clock), bell:A/sleep:A,
 * wait:A/free:A and aside:A/publish:D (store, fence, load of another word), set_mark's release fence. The processes' tests cover those. */
#include <pthread.h>

#include "service.h"

#define THREADS 4
#define ROUNDS 5u
#define EVENTS 2000u

static const char *place;
static mpl_a32 running;

static void *produce(void *arg)
{
    uint64_t producer = (uint64_t)(uintptr_t)arg, n = 0;
    struct mpl_producer p;
    CHECK_EQ(mpl_producer_init(&p, place, SERVICE, "thread"), 0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        CHECK_EQ(mpl_attach(&p), 0);
        for (unsigned i = 0; i < EVENTS; i++) {
            n++;
            while (send_event(&p, producer, n, 40 + n % 300) == MPL_WAIT)
                wait_once(&p, 0, 100000000u);
        }
        while (mpl_settled(&p) < p.seq)
            wait_once(&p, p.seq, 100000000u);
        mpl_detach(&p, round == ROUNDS - 1);
    }
    mpl_producer_free(&p);
    mpl_add(&running, (uint32_t)-1);
    return NULL;
}

static void *consume(void *arg)
{
    struct writer *w = arg;
    while (mpl_load_acquire(&running) || mpl_pending(&w->r)) {
        uint32_t departures = mpl_load_acquire(&w->r.bell->departures);
        CHECK(mpl_reader_scan(&w->r, &w->j) >= 0);
        int got = writer_batch(w);
        CHECK(got >= 0);
        if (got)
            continue;
        writer_ends(w);
        mpl_sleep(&w->r, 2000000, departures);
    }
    writer_all(w);
    return NULL;
}

struct seen {
    uint64_t next[THREADS], ends, bad;
};

static void look(const struct line *l, void *arg)
{
    struct seen *s = arg;
    if (l->kind == 'S') {
        s->ends++;
        s->bad += l->dropped || !l->clean || l->last != EVENTS;
        return;
    }
    s->bad += l->torn || l->producer >= THREADS || l->n != ++s->next[l->producer];
}

static int test(const char *dir)
{
    static struct writer w;
    pthread_t threads[THREADS + 1];
    struct seen s = {0};
    place = dir;
    service_make(dir);
    lanes_of(dir, MPL_LANE_SMALL, MPL_ORIGIN);
    CHECK_EQ(writer_open(&w, dir), 0);
    mpl_store(&running, THREADS);
    CHECK_EQ(pthread_create(&threads[THREADS], NULL, consume, &w), 0);
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, produce, (void *)i), 0);
    for (int i = 0; i <= THREADS; i++)
        pthread_join(threads[i], NULL);
    each_line(w.file, look, &s);
    CHECK_EQ(s.bad, 0);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(s.next[i], ROUNDS * EVENTS);
    CHECK_EQ(s.ends, THREADS * ROUNDS);
    CHECK_EQ(mpl_retire(&w.r, &w.j), 1);
    writer_close(&w);
    return 0;
}

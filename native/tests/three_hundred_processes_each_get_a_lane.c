/* SPDX-License-Identifier: Apache-2.0
 *
 * 300 processes alive at once: each holds a lane of its own, in as many segments as it takes, and all they log comes out. */
#include "service.h"

#define PROCESSES 300
#define EVENTS 20u

struct shared {
    uint64_t lane[PROCESSES];
    int ready, go;
};
static struct shared *s;
static const char *place;

static int produce(void *arg)
{
    int i = (int)(intptr_t)arg;
    struct mpl_producer p;
    producer_make(&p, place, "many");
    s->lane[i] = (uint64_t)p.segment << 32 | p.lane_number;
    for (uint64_t n = 1; n <= EVENTS; n++)
        CHECK_EQ(send_event(&p, (uint64_t)i, n, 100), MPL_ACCEPTED);
    __atomic_fetch_add(&s->ready, 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&s->go, __ATOMIC_SEQ_CST))
        pause_ns(5000000);
    mpl_producer_free(&p);
    return 0;
}

static int test(const char *dir)
{
    static struct writer w;
    pid_t pids[PROCESSES];
    uint64_t seen[MPL_MAX_SEGMENTS] = {0};
    place = dir;
    s = shared_memory(sizeof *s);
    service_make(dir);
    for (int i = 0; i < PROCESSES; i++)
        pids[i] = spawn(produce, (void *)(intptr_t)i);
    while (__atomic_load_n(&s->ready, __ATOMIC_SEQ_CST) < PROCESSES)
        pause_ns(1000000);
    for (int i = 0; i < PROCESSES; i++) {
        uint64_t *lanes = &seen[s->lane[i] >> 32], bit = 1ull << (uint32_t)s->lane[i];
        CHECK(!(*lanes & bit));
        *lanes |= bit;
    }
    CHECK(seen[4]);
    CHECK_EQ(writer_open(&w, dir), 0);
    CHECK_EQ(mpl_owned(&w.r), PROCESSES);
    __atomic_store_n(&s->go, 1, __ATOMIC_SEQ_CST);
    for (int i = 0; i < PROCESSES; i++)
        CHECK_EQ(reap(pids[i]), 0);
    CHECK_EQ(writer_all(&w), PROCESSES * EVENTS);
    CHECK_EQ(mpl_owned(&w.r), 0);
    struct tally t = tally_file(w.file);
    CHECK_EQ(t.events, PROCESSES * EVENTS);
    CHECK_EQ(t.ends, PROCESSES);
    CHECK_EQ(t.torn + t.dropped, 0);
    writer_close(&w);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * On a tmpfs of 1 MB lanes get smaller, then there are none: no SIGBUS, no error but a count in the bell. */
#include <sched.h>
#include <sys/mount.h>

#include "service.h"

#define PROCESSES 24

struct shared {
    uint32_t capacity[PROCESSES];
    int trouble[PROCESSES], ready, go;
};
static struct shared *s;
static const char *place;

static int produce(void *arg)
{
    int i = (int)(intptr_t)arg;
    struct mpl_producer p;
    CHECK_EQ(mpl_producer_init(&p, place, SERVICE, "small"), 0);
    p.when_full = MPL_DROP_NEWEST;
    s->trouble[i] = mpl_attach(&p);
    s->capacity[i] = p.capacity;
    for (uint64_t n = 1; n <= 300; n++) {
        enum mpl_outcome outcome = send_event(&p, (uint64_t)i, n, 300);
        if (outcome == MPL_HOMELESS)
            mpl_drop(&p, MPL_REASON_lane_full, 20);
        CHECK(p.lane ? outcome == MPL_ACCEPTED || outcome == MPL_DROPPED : outcome == MPL_HOMELESS);
    }
    __atomic_fetch_add(&s->ready, 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&s->go, __ATOMIC_SEQ_CST))
        pause_ns(1000000);
    return 0;
}

static int test(const char *dir)
{
    pid_t pids[PROCESSES];
    uint32_t with = 0, homeless = 0;
    if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("tmpfs", dir, "tmpfs", 0, "size=1m")) {
        fprintf(stderr, "needs root: no private mount namespace\n");
        return SKIP;
    }
    place = dir;
    s = shared_memory(sizeof *s);
    service_make(dir);
    for (int i = 0; i < PROCESSES; i++)
        pids[i] = spawn(produce, (void *)(intptr_t)i);
    while (__atomic_load_n(&s->ready, __ATOMIC_SEQ_CST) < PROCESSES)
        pause_ns(1000000);
    for (int i = 0; i < PROCESSES; i++) {
        CHECK(s->capacity[i] <= MPL_LANE_MEDIUM);
        with += s->capacity[i] != 0;
        homeless += s->capacity[i] == 0;
        CHECK((s->capacity[i] == 0) == (s->trouble[i] != 0));
    }
    printf("%u with a lane, %u without\n", with, homeless);
    CHECK(with >= 2 && homeless >= 2);
    struct mpl_reader r;
    CHECK_EQ(mpl_reader_open(&r, dir, SERVICE, true, ARENA), 0);
    CHECK_EQ(mpl_reader_scan(&r, NULL), 1);
    int items = mpl_drain(&r, ARENA);
    CHECK(items > 0);
    for (int i = 0; i < items; i++) {
        uint64_t producer, n;
        CHECK(payload_read(r.arena + r.items[i].place, r.items[i].len, &producer, &n));
    }
    CHECK_EQ(mpl_load(&r.bell->homeless[1]), homeless * 300u);
    __atomic_store_n(&s->go, 1, __ATOMIC_SEQ_CST);
    for (int i = 0; i < PROCESSES; i++)
        CHECK_EQ(reap(pids[i]), 0);
    mpl_reader_close(&r);
    CHECK_EQ(umount(dir), 0);
    return 0;
}

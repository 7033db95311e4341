/* SPDX-License-Identifier: Apache-2.0
 *
 * While the owner lives nobody else gets its lane; when it is killed the lane is free at once, before anybody has reaped it. */
#include "service.h"

static const char *place;

static int own(void *arg)
{
    struct mpl_producer p;
    int *ready = arg;
    producer_make(&p, place, "owner");
    CHECK_EQ(send_event(&p, 1, 1, 100), MPL_ACCEPTED);
    __atomic_store_n(ready, 1, __ATOMIC_SEQ_CST);
    pause();
    return 0;
}

static int test(const char *dir)
{
    struct mpl_producer p;
    int *ready = shared_memory(4096);
    place = dir;
    service_make(dir);
    lanes_of(dir, MPL_LANE_SMALL, MPL_ORIGIN);
    int others = only_lane_zero(dir);
    pid_t owner = spawn(own, ready);
    while (!__atomic_load_n(ready, __ATOMIC_SEQ_CST))
        pause_ns(100000);
    CHECK_EQ(mpl_locked(others, 0, 1), 1);
    CHECK_EQ(mpl_producer_init(&p, dir, SERVICE, "second"), 0);
    for (int i = 0; i < 20; i++) {
        CHECK_EQ(mpl_attach(&p), 0);
        CHECK_EQ(p.segment, 1); /* lane 0 is taken, the others are held: a new segment */
        mpl_detach(&p, false);
    }
    kill(owner, SIGKILL);
    siginfo_t info;
    CHECK_EQ(waitid(P_PID, (id_t)owner, &info, WEXITED | WNOWAIT), 0); /* dead, and a zombie */
    CHECK_EQ(mpl_locked(others, 0, 1), 0);
    CHECK_EQ(mpl_attach(&p), 0);
    CHECK_EQ(p.segment, 0);
    CHECK_EQ(p.lane_number, 0);
    CHECK_EQ(reap(owner), 1000 + SIGKILL);
    return 0;
}

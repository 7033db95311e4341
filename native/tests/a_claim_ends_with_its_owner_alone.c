/* SPDX-License-Identifier: Apache-2.0
 *
 * A claim is not inherited by a fork nor by a raw clone, goes at exec, and stays when the owner closes all its descriptors. */
#include <sched.h>
#include <sys/syscall.h>

#include "service.h"

struct shared {
    int claimed, go, born[2], free_while_child_lives[2];
    pid_t child[2];
};
static struct shared *s;
static const char *place;

static void wait_for(int *flag)
{
    while (!__atomic_load_n(flag, __ATOMIC_SEQ_CST))
        pause_ns(100000);
}

static int own_and_leave_children(void *arg)
{
    struct mpl_producer p;
    producer_make(&p, place, "parent");
    CHECK_EQ(p.lane_number, 0);
    for (int i = 0; i < 2; i++) {
        pid_t child = i ? (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL) : fork();
        if (child == 0) {
            __atomic_store_n(&s->born[i], 1, __ATOMIC_SEQ_CST);
            for (;;)
                pause();
        }
        s->child[i] = child;
        wait_for(&s->born[i]); /* root's child claims within the fork: a late one would find its parent's lane free */
    }
    if (arg)
        CHECK_EQ(close_range(0, ~0u, 0), 0); /* as a daemon does */
    __atomic_store_n(&s->claimed, 1, __ATOMIC_SEQ_CST);
    wait_for(&s->go);
    if (!arg) {
        char *argv[] = {"/bin/sleep", "1000", NULL};
        execv(argv[0], argv);
    }
    return 0;
}

static void run(int others, void *close_all)
{
    memset(s, 0, sizeof *s);
    pid_t owner = spawn(own_and_leave_children, close_all);
    wait_for(&s->claimed);
    for (int i = 0; i < 20; i++)
        CHECK_EQ(mpl_locked(others, 0, 1), 1);
    __atomic_store_n(&s->go, 1, __ATOMIC_SEQ_CST);
    if (close_all)
        CHECK_EQ(reap(owner), 0);
    for (int i = 0; i < 5000 && mpl_locked(others, 0, 1); i++)
        pause_ns(1000000);
    CHECK_EQ(mpl_locked(others, 0, 1), 0);
    for (int i = 0; i < 2; i++)
        CHECK_EQ(kill(s->child[i], 0), 0); /* both live on and do not hold it */
    for (int i = 0; i < 2; i++)
        kill(s->child[i], SIGKILL);
    if (!close_all) {
        CHECK_EQ(kill(owner, 0), 0);
        kill(owner, SIGKILL);
        CHECK_EQ(reap(owner), 1000 + SIGKILL);
    }
}

static int test(const char *dir)
{
    s = shared_memory(sizeof *s);
    place = dir;
    service_make(dir);
    lanes_of(dir, MPL_LANE_SMALL, MPL_ORIGIN);
    int others = only_lane_zero(dir);
    /* as root, a forked child claims at once, in a segment of its own then: lane 0 of segment 0 is looked at here */
    run(others, s);
    run(others, NULL);
    return 0;
}

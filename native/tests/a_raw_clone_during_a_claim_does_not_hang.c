/* SPDX-License-Identifier: Apache-2.0
 *
 * A process cloned past the at-fork handlers, while another thread is in the middle of a claim, still logs: no lock of the parent's binds it.
 * Not under TSan: each atomic operation takes a lock of its own there, and the child would wait for one that the other thread held at the clone. */
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

#include "service.h"

static struct mpl_producer busy, idle;
static mpl_a32 stop;

static void *claim_for_ever(void *arg)
{
    (void)arg;
    while (!mpl_load(&stop)) {
        CHECK_EQ(mpl_attach(&busy), 0);
        mpl_detach(&busy, false);
    }
    return NULL;
}

static int test(const char *dir)
{
    pthread_t thread;
    service_make(dir);
    lanes_of(dir, MPL_LANE_SMALL, MPL_ORIGIN);
    producer_make(&idle, dir, "idle");
    CHECK_EQ(mpl_producer_init(&busy, dir, SERVICE, "busy"), 0);
    CHECK_EQ(pthread_create(&thread, NULL, claim_for_ever, NULL), 0);
    for (int i = 0; i < 40; i++) {
        pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
        if (pid == 0) {
            char payload[64];
            payload_fill(payload, 2, 1, sizeof payload);
            syscall(SYS_exit_group, mpl_publish(&idle, 20, 0, 0, payload, sizeof payload) == MPL_ACCEPTED ? 0 : 3);
        }
        int status = 0;
        for (int ms = 0; waitpid(pid, &status, WNOHANG) == 0; ms++) {
            if (ms > 5000)
                kill(pid, SIGKILL);
            pause_ns(1000000);
        }
        CHECK_EQ(status, 0);
        pause_ns((uint64_t)i * 7000);
    }
    mpl_store(&stop, 1);
    pthread_join(thread, NULL);
    return 0;
}

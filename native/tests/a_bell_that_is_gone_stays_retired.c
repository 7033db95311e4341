/* SPDX-License-Identifier: Apache-2.0
 *
 * A bell is unlinked and another one made between any two system calls of a claimer that found it RETIRED: the claimer comes to the new one, and the old one
 * stays RETIRED for all who still have it mapped. */
#include "service.h"
#include "trace.h"

static const char *place;
static mpl_a64 *service_id;

static int come(void *arg)
{
    struct mpl_producer p;
    (void)arg;
    CHECK_EQ(mpl_producer_init(&p, place, SERVICE, "comes"), 0);
    trace_marker();
    int rc = mpl_attach(&p);
    mpl_store(service_id, rc ? 0 : p.bell->service_id);
    trace_end();
    return 0;
}

static bool one_stop(int k)
{
    struct mpl_bell *old, *new;
    char path[MPL_PATH];
    bool created, finished = false;
    CHECK_EQ(mpl_path(path, place, SERVICE, "bell"), 0);
    CHECK_EQ(mpl_bell_open(place, SERVICE, CONF, strlen(CONF), &old, &created), 0);
    int lock = writer_lock(place); /* the writer that takes it down */
    mpl_store(&old->state, MPL_RETIRED);
    pid_t pid = spawn(come, NULL);
    trace_start(pid);
    for (int i = 0; i < k && !finished; i++)
        finished = !trace_step(pid, PTRACE_SYSCALL);
    CHECK(!finished); /* it waits for us */
    CHECK_EQ(unlink(path), 0);
    CHECK_EQ(mpl_bell_open(place, SERVICE, CONF, strlen(CONF), &new, &created), 0);
    close(lock);
    while (trace_step(pid, PTRACE_CONT)) {
    }
    CHECK_EQ(mpl_load(&old->state), MPL_RETIRED);
    CHECK_EQ(mpl_load(service_id), new->service_id);
    trace_kill(pid);
    mpl_bell_close(old);
    mpl_bell_close(new);
    CHECK_EQ(unlink(path), 0);
    return finished;
}

static int test(const char *dir)
{
    place = dir;
    service_id = shared_memory(4096);
    CHECK_EQ(mpl_segment_create(dir, SERVICE, 0), 0);
    for (int k = 0; k < 60; k++) /* two rounds of looking and waiting */
        one_stop(k);
    return 0;
}

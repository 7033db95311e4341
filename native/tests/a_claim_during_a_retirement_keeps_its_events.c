/* SPDX-License-Identifier: Apache-2.0
 *
 * A process that saw the service alive, and claims and logs between any two system calls of mpl_retire: what it was told is accepted comes out, of this service
 * or of the next. */
#include "service.h"
#include "trace.h"

static const char *place;
static mpl_a64 *accepted;

static int retire(void *arg)
{
    static struct writer w;
    (void)arg;
    CHECK_EQ(writer_open(&w, place), 0);
    writer_all(&w);
    trace_marker();
    if (mpl_retire(&w.r, &w.j) == 0)
        writer_all(&w);
    trace_end();
    return 0;
}

static int come(void *arg)
{
    struct mpl_producer p;
    (void)arg;
    CHECK_EQ(mpl_producer_init(&p, place, SERVICE, "comes"), 0);
    CHECK_EQ(mpl_attach(&p), 0);
    mpl_detach(&p, false);
    trace_marker();
    mpl_attach(&p); /* stops at its first system call, after the look at the bell */
    if (p.lane && send_event(&p, 1, 1, 64) == MPL_ACCEPTED)
        mpl_store(accepted, 1);
    mpl_detach(&p, true);
    return 0;
}

static bool one_stop(int k)
{
    static struct writer w;
    bool finished = false;
    service_make(place);
    CHECK(mpl_segment_create(place, SERVICE, 0) == 0);
    mpl_store(accepted, 0);
    pid_t claimer = spawn(come, NULL);
    trace_start(claimer);
    CHECK(trace_step(claimer, PTRACE_SYSCALL));
    CHECK(trace_step(claimer, PTRACE_SYSCALL)); /* the first stop is the return from the marker */
    pid_t pid = spawn(retire, NULL);
    trace_start(pid);
    for (int i = 0; i < k && !finished; i++)
        finished = !trace_step(pid, PTRACE_SYSCALL);
    siginfo_t info = {0};
    trace_go_on(claimer);
    for (int ms = 0; ms < 20 && !info.si_pid; ms++) { /* by then it is done, or waits for the bell */
        pause_ns(1000000);
        CHECK_EQ(waitid(P_PID, (id_t)claimer, &info, WEXITED | WNOHANG | WNOWAIT), 0);
    }
    while (!finished && trace_step(pid, PTRACE_CONT)) {
    }
    trace_kill(pid);
    CHECK_EQ(reap(claimer), 0);
    service_make(place);
    CHECK_EQ(writer_open(&w, place), 0);
    writer_all(&w);
    struct tally t = tally_file(w.file);
    if (t.events != mpl_load(accepted))
        fprintf(stderr, "at stop %d: accepted %llu, delivered %llu\n", k, (unsigned long long)mpl_load(accepted), (unsigned long long)t.events);
    CHECK_EQ(t.events, mpl_load(accepted));
    CHECK_EQ(mpl_retire(&w.r, &w.j), 1);
    writer_close(&w);
    CHECK_EQ(unlink(w.file), 0);
    return finished;
}

static int test(const char *dir)
{
    int k;
    place = dir;
    accepted = shared_memory(4096);
    for (k = 0; !one_stop(k); k++) {
    }
    printf("%d stops\n", k);
    CHECK(k > 40);
    return 0;
}

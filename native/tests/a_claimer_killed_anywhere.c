/* SPDX-License-Identifier: Apache-2.0
 *
 * A process killed before and after every system call of its first claim, with a predecessor's unfinished record and unread events in the lane: the
 * next one claims and logs, the events are there, the sessions' ends exact. */
#include "service.h"
#include "trace.h"

static const char *place;

static int predecessor(void *arg)
{
    struct mpl_producer p;
    (void)arg;
    producer_make(&p, place, "first");
    for (uint64_t n = 1; n <= 3; n++)
        CHECK_EQ(send_event(&p, 1, n, 64), MPL_ACCEPTED);
    setenv("MPLOG_FAULT", "publish_written:1", 1);
    send_event(&p, 1, 4, 64);
    return 1;
}

static int claim(void *arg)
{
    struct mpl_producer p;
    (void)arg;
    CHECK_EQ(mpl_producer_init(&p, place, SERVICE, "second"), 0);
    trace_marker();
    CHECK_EQ(mpl_attach(&p), 0);
    trace_end();
    return 0;
}

static bool one_kill(int k, bool with_segment)
{
    static struct writer w;
    struct mpl_producer p;
    bool finished = false;
    int others = -1;
    service_make(place);
    if (with_segment) {
        lanes_of(place, MPL_LANE_SMALL, MPL_ORIGIN);
        others = only_lane_zero(place); /* until all have claimed: it is that lane that they adopt */
        CHECK_EQ(reap(spawn(predecessor, NULL)), 1000 + SIGKILL);
    }
    pid_t pid = spawn(claim, NULL);
    trace_start(pid);
    for (int i = 0; i < k && !finished; i++)
        finished = !trace_step(pid, PTRACE_SYSCALL);
    trace_kill(pid);
    producer_make(&p, place, "third");
    CHECK_EQ(send_event(&p, 3, 1, 64), MPL_ACCEPTED);
    CHECK(!with_segment || p.segment + p.lane_number == 0);
    mpl_producer_free(&p);
    if (others >= 0)
        close(others);
    CHECK_EQ(writer_open(&w, place), 0);
    CHECK_EQ(writer_all(&w), with_segment ? 4 : 1);
    CHECK_EQ(writer_quarantines(&w), 0);
    struct tally t = tally_file(w.file);
    CHECK(t.ends >= (with_segment ? 2u : 1u) && t.ends <= 3);
    CHECK_EQ(t.torn + t.dropped, 0);
    CHECK_EQ(mpl_retire(&w.r, &w.j), 1);
    writer_close(&w);
    CHECK_EQ(unlink(w.file), 0);
    return finished;
}

static int test(const char *dir)
{
    int k;
    place = dir;
    for (k = 0; !one_kill(k, true); k++) {
    }
    printf("%d stops in an old segment\n", k);
    CHECK(k > 20);
    for (k = 0; !one_kill(k, false); k++) {
    }
    printf("%d stops with a new segment\n", k);
    CHECK(k > 40);
    return 0;
}

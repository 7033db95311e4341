/* SPDX-License-Identifier: Apache-2.0
 *
 * A lane changes hands between any two instructions of the writer's look at it: dropped numbers are still explained, no lane is taken for broken. */
#include "service.h"
#include "trace.h"
#include "view.h"

static const char *place;
static struct mpl_producer p, adopter;
static struct writer w;
static mpl_a64 *lane_view; /* where the child tells what it found */

static int look(void *arg)
{
    uint64_t complete;
    struct mpl_view *v = &w.r.views[0][0];
    (void)arg;
    mpl_view_load(&w.r, v, mpl_now(CLOCK_MONOTONIC), &complete); /* once before: pages and branches are warm */
    trace_marker();
    int rc = mpl_view_load(&w.r, v, mpl_now(CLOCK_MONOTONIC), &complete);
    for (int i = 0; rc > 0 && i < 8; i++) {
        uint32_t slot = v->next.epoch % MPL_SLOTS;
        v->cursor_seq[slot] = v->next.seq;
        v->cur += v->next.len;
        rc = mpl_view_peek(&w.r, v);
    }
    mpl_store(lane_view, (uint64_t)(int64_t)rc);
    trace_end();
    return rc;
}

/* Event 1, a dropped 2, event 3; then the lane is given up. */
static void fill_and_leave(void)
{
    CHECK_EQ(mpl_attach(&p), 0);
    CHECK_EQ(send_event(&p, 1, 1, 20), MPL_ACCEPTED);
    mpl_drop(&p, MPL_REASON_lane_full, 20);
    CHECK_EQ(send_event(&p, 1, 3, 20), MPL_ACCEPTED);
    mpl_detach(&p, false);
}

static int test(const char *dir)
{
    bool finished = false;
    uint64_t k;
    place = dir;
    lane_view = shared_memory(4096);
    service_make(dir);
    lanes_of(dir, MPL_LANE_SMALL, MPL_ORIGIN);
    only_lane_zero(dir);
    CHECK_EQ(mpl_producer_init(&p, dir, SERVICE, "one"), 0);
    CHECK_EQ(mpl_producer_init(&adopter, dir, SERVICE, "two"), 0);
    CHECK_EQ(writer_open(&w, dir), 0);
    for (k = 0; !finished; k++) {
        fill_and_leave();
        pid_t pid = spawn(look, NULL);
        trace_start(pid);
        for (uint64_t i = 0; i < k && !finished; i++)
            finished = !trace_step(pid, PTRACE_SINGLESTEP);
        CHECK_EQ(mpl_attach(&adopter), 0);
        CHECK_EQ(send_event(&adopter, 2, 1, 20), MPL_ACCEPTED);
        if (!finished) {
            while (trace_step(pid, PTRACE_CONT)) {
            }
        }
        if ((int64_t)mpl_load(lane_view) != 0) {
            fprintf(stderr, "adopted after %llu instructions: %lld\n", (unsigned long long)k, (long long)mpl_load(lane_view));
            CHECK(!"the lane reads well");
        }
        trace_kill(pid);
        mpl_detach(&adopter, false);
        CHECK_EQ(writer_all(&w), 3);
    }
    printf("%llu instructions\n", (unsigned long long)k);
    CHECK_EQ(writer_quarantines(&w), 0);
    writer_close(&w);
    return 0;
}

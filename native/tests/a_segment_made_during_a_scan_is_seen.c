/* SPDX-License-Identifier: Apache-2.0
 *
 * A segment that gets its name between any two system calls of the writer's scan is either mapped by that scan or tells the writer to look again. */
#include "service.h"
#include "trace.h"

static struct mpl_reader r;
static mpl_a64 *told;

static int scan(void *arg)
{
    (void)arg;
    trace_marker();
    CHECK_EQ(mpl_reader_scan(&r, NULL) < 0, 0);
    mpl_store(&told[0], r.views[1] != NULL);
    mpl_store(&told[1], r.seen_segments);
    trace_end();
    return 0;
}

static int test(const char *dir)
{
    char path[MPL_PATH];
    bool finished = false;
    int k;
    told = shared_memory(4096);
    service_make(dir);
    CHECK_EQ(mpl_segment_create(dir, SERVICE, 0), 0);
    CHECK_EQ(mpl_reader_open(&r, dir, SERVICE, true, ARENA), 0);
    CHECK_EQ(mpl_segment_path(path, dir, SERVICE, 1), 0);
    CHECK_EQ(mpl_reader_scan(&r, NULL), 1);
    for (k = 0; !finished; k++) {
        pid_t pid = spawn(scan, NULL);
        trace_start(pid);
        for (int i = 0; i < k && !finished; i++)
            finished = !trace_step(pid, PTRACE_SYSCALL);
        CHECK_EQ(mpl_segment_create(dir, SERVICE, 1), 0); /* as claim_anywhere does */
        mpl_add(&r.bell->segments, 1);
        while (!finished && trace_step(pid, PTRACE_CONT)) {
        }
        CHECK(mpl_load(&told[0]) || mpl_load(&told[1]) != mpl_load(&r.bell->segments));
        trace_kill(pid);
        CHECK_EQ(unlink(path), 0);
        r.seen_segments = mpl_load(&r.bell->segments);
    }
    printf("%d stops\n", k);
    CHECK(k > 30);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Somebody truncates a segment under the writer: no SIGBUS ends it, and events of other segments still come out. */
#include "service.h"

/* It is truncated at one step of the writer's, `at`; that one meets it first. */
static int step(const char *dir, int at)
{
    struct writer *w = calloc(1, sizeof *w);
    struct mpl_producer p;
    struct mpl_end ends[8];
    char path[MPL_PATH];
    service_make(dir);
    producer_make(&p, dir, "cut");
    CHECK_EQ(send_event(&p, 1, 1, 100), MPL_ACCEPTED);
    CHECK_EQ(writer_open(w, dir), 0);
    CHECK_EQ(mpl_segment_path(path, dir, SERVICE, 0), 0);
    CHECK_EQ(mpl_drain(&w->r, ARENA), 1);
    CHECK_EQ(mpl_accept(&w->r, 1), 1);
    CHECK_EQ(truncate(path, 0), 0);
    if (at == 0)
        CHECK_EQ(mpl_commit(&w->j, &w->r, 0, w->fd, 0), 0);
    if (at == 1)
        CHECK_EQ(mpl_owned(&w->r), 0);
    if (at == 2)
        CHECK_EQ(mpl_ends(&w->r, true, ends, 8), 0);
    if (at == 3)
        CHECK(mpl_set_aside(&w->r) >= 0);
    if (at == 4)
        CHECK(mpl_retire(&w->r, &w->j) >= 0);
    CHECK(mpl_drain(&w->r, ARENA) >= 0);
    writer_close(w);
    free(w);
    return 0;
}

static int first_met_by_each_step(const char *dir)
{
    for (int at = 0; at < 5; at++) {
        char place[MPL_PATH];
        snprintf(place, sizeof place, "%s/%d", dir, at);
        CHECK_EQ(mkdir(place, 0700), 0);
        CHECK_EQ(step(place, at), 0);
    }
    return 0;
}

static int test(const char *dir)
{
    static struct writer w;
    static const off_t sizes[] = {(off_t)(MPL_PAGE + MPL_MAX_LANES * MPL_PAGE), MPL_PAGE, 0};
    struct mpl_producer p;
    struct mpl_end ends[8];
    char path[MPL_PATH];
    service_make(dir);
    lanes_of(dir, MPL_LANE_SMALL, MPL_ORIGIN);
    int others = only_lane_zero(dir);
    producer_make(&p, dir, "cut");
    CHECK_EQ(send_event(&p, 1, 1, 100), MPL_ACCEPTED);
    CHECK_EQ(mpl_segment_create(dir, SERVICE, 1), 0);
    CHECK_EQ(writer_open(&w, dir), 0);
    CHECK_EQ(mpl_segment_path(path, dir, SERVICE, 0), 0);
    for (size_t i = 0; i < 3; i++) {
        CHECK_EQ(truncate(path, sizes[i]), 0);
        mpl_pending(&w.r);
        for (int pass = 0; pass < 3; pass++) {
            CHECK(mpl_drain(&w.r, ARENA) >= 0);
            CHECK(mpl_ends(&w.r, true, ends, 8) >= 0);
            mpl_pending(&w.r);
            mpl_owned(&w.r);
        }
    }
    struct mpl_producer next;
    CHECK_EQ(mpl_producer_init(&next, dir, SERVICE, "next"), 0);
    close(others);
    CHECK_EQ(unlink(path), 0);
    CHECK_EQ(mpl_segment_create(dir, SERVICE, 0), 0);
    lanes_of(dir, MPL_LANE_SMALL, MPL_ORIGIN);
    others = only_lane_zero(dir);
    CHECK_EQ(mpl_lock(others, 0, 1), 0); /* nobody gets a lane of segment 0: the living one is segment 1 */
    CHECK_EQ(mpl_attach(&next), 0);
    CHECK_EQ(next.segment, 1);
    CHECK_EQ(send_event(&next, 2, 1, 100), MPL_ACCEPTED);
    CHECK_EQ(writer_batch(&w), 1);
    return first_met_by_each_step(dir);
}

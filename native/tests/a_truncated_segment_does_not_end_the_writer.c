/* SPDX-License-Identifier: Apache-2.0
 *
 * Somebody truncates a segment under the writer: no SIGBUS ends it, and events of other segments still come out. */
#include "service.h"

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
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Where there is no memory to put what was dropped behind the next event, that event is accepted all the same, and the numbers tell how many are missing; with
 * memory, of which level they were is told, too. */
#include "fails.h"
#include "service.h"

static struct writer w;

static bool levels_told(struct mpl_producer *p, long fails, uint64_t seq)
{
    mpl_drop(p, MPL_REASON_lane_full, 40);
    fail_kinds = F_ALLOCATE;
    fail_nth(fails, ENOMEM);
    CHECK_EQ(send_event(p, 1, seq, 50), MPL_ACCEPTED);
    CHECK_EQ(fail_never(), fails);
    CHECK_EQ(mpl_drain(&w.r, ARENA), 1);
    const struct mpl_item *item = &w.r.items[0];
    CHECK_EQ(item->seq, seq);
    CHECK_EQ(item->expected, seq - 1);
    CHECK_EQ(item->len, 50);
    const struct mpl_gap_told told = mpl_gap_of(&w.r, item);
    CHECK_EQ(told.gap.count[MPL_REASON_lane_full][mpl_level_class(40)], told.exact);
    CHECK_EQ(mpl_accept(&w.r, 1), 1);
    CHECK_EQ(mpl_commit(&w.j, &w.r, 0, w.fd, 0), 0);
    return told.exact;
}

static int test(const char *dir)
{
    struct mpl_producer p;
    service_make(dir);
    producer_make(&p, dir, "drops");
    CHECK_EQ(send_event(&p, 1, 1, 50), MPL_ACCEPTED);
    CHECK_EQ(writer_open(&w, dir), 0);
    CHECK_EQ(writer_batch(&w), 1);
    CHECK(!levels_told(&p, 1, 3));
    CHECK(levels_told(&p, 0, 5));
    mpl_producer_free(&p);
    writer_close(&w);
    return 0;
}

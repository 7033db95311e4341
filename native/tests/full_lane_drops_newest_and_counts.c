/* SPDX-License-Identifier: Apache-2.0
 *
 * when_full=drop_newest: the last eighth is kept for WARNING and above; every drop takes a number, is counted by reason and level, and
 * comes out as a gap in front of the next event or in the session's end. */
#include "service.h"

#define LEN 1000u

static uint64_t sent;

static enum mpl_outcome put(struct mpl_producer *p, unsigned level)
{
    char payload[LEN];
    payload_fill(payload, 1, ++sent, LEN);
    return mpl_publish(p, level, 0, 0, payload, LEN);
}

static uint64_t gaps_and_tail(struct writer *w, uint64_t *last)
{
    uint64_t missing = 0;
    int items = mpl_drain(&w->r, ARENA);
    CHECK(items > 0);
    for (int i = 0; i < items; i++) {
        missing += w->r.items[i].seq - w->r.items[i].expected;
        *last = w->r.items[i].seq;
    }
    CHECK_EQ(mpl_accept(&w->r, (uint32_t)items), items);
    CHECK_EQ(mpl_commit(&w->j, &w->r, 0, w->fd, 0), 0);
    return missing;
}

static int test(const char *dir)
{
    static struct writer w;
    struct mpl_producer p;
    uint64_t info = 0, warnings = 0, lost_info = 0, lost_error = 0, last = 0;
    service_make(dir);
    lanes_of(dir, MPL_LANE_SMALL, MPL_ORIGIN);
    producer_make(&p, dir, "drops");
    p.when_full = MPL_DROP_NEWEST;
    CHECK_EQ(writer_open(&w, dir), 0);
    while (put(&p, 20) == MPL_ACCEPTED)
        info++;
    lost_info = 1;
    CHECK(MPL_LANE_SMALL - (p.tail - MPL_ORIGIN) >= MPL_LANE_SMALL / 8);
    while (put(&p, 40) == MPL_ACCEPTED)
        warnings++;
    lost_error = 1;
    CHECK(warnings >= MPL_LANE_SMALL / 8 / (LEN + 40));
    for (int i = 0; i < 9; i++, lost_info++)
        CHECK_EQ(put(&p, 10 + (unsigned)i), MPL_DROPPED);
    CHECK_EQ(mpl_load(&p.lane->drops[MPL_REASON_lane_full][1]), 1);
    CHECK_EQ(mpl_load(&p.lane->drops[MPL_REASON_lane_full][0]), 9);
    CHECK_EQ(mpl_load(&p.lane->drops[MPL_REASON_lane_full][3]), lost_error);
    CHECK_EQ(mpl_load(&p.lane->drop_last), sent);
    CHECK_EQ(p.dropped, lost_info + lost_error);
    CHECK_EQ(gaps_and_tail(&w, &last), 1); /* the INFO that was dropped between the last INFO and the first ERROR */
    CHECK_EQ(put(&p, 20), MPL_ACCEPTED);
    CHECK_EQ(gaps_and_tail(&w, &last), lost_info + lost_error - 1);
    CHECK_EQ(last, sent);
    while (put(&p, 20) == MPL_ACCEPTED)
        info++;
    uint64_t numbers = sent;
    mpl_producer_free(&p);
    writer_all(&w);
    struct tally t = tally_file(w.file);
    CHECK_EQ(t.last, numbers);
    CHECK_EQ(t.dropped, lost_info + lost_error + 1);
    CHECK_EQ(writer_quarantines(&w), 0);
    writer_close(&w);
    return 0;
}

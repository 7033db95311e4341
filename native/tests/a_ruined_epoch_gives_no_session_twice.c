/* SPDX-License-Identifier: Apache-2.0
 *
 * Somebody puts a lane's epoch back, or far ahead, and is gone: nobody claims the lane before the writer has looked at it, and who claims it then gets a
 * session that there never was; all of its events come out. */
#include "service.h"

#define SESSIONS 3u

struct seen {
    uint64_t segment;
    uint32_t ends[4096];
};

static void count_end(const struct line *l, void *arg)
{
    struct seen *s = arg;
    if (l->kind == 'S' && l->segment == s->segment && l->lane == 0 && l->epoch < 4096)
        CHECK_EQ(++s->ends[l->epoch], 1);
}

static void one_session(const char *dir, struct writer *w, uint32_t after)
{
    struct mpl_producer p;
    producer_make(&p, dir, "heir");
    CHECK_EQ(send_event(&p, 1, 1, 32), MPL_ACCEPTED);
    CHECK_EQ(p.segment, 0);
    CHECK_EQ(p.lane_number, 0);
    CHECK(p.epoch > after && p.epoch < 4096);
    mpl_producer_free(&p);
    CHECK_EQ(writer_all(w), 1);
    CHECK_EQ(writer_quarantines(w), 0);
}

static void ruin(struct mpl_lane *lane, uint32_t epoch, bool slots)
{
    for (uint32_t i = 0; slots && i < MPL_SLOTS; i++)
        mpl_store(&lane->slots[i].epoch_state, 0);
    mpl_store(&lane->epoch, epoch);
}

static int test(const char *dir)
{
    static struct writer w;
    static struct seen seen;
    struct mpl_producer early;
    const uint32_t epochs[] = {0, 1, UINT32_MAX};
    service_make(dir);
    lanes_of(dir, MPL_LANE_SMALL, MPL_ORIGIN);
    int held = only_lane_zero(dir);
    CHECK_EQ(writer_open(&w, dir), 0);
    uint32_t last = 0;
    for (uint32_t i = 0; i < 2 * sizeof epochs / sizeof *epochs; i++) {
        for (uint32_t n = 0; n < SESSIONS; n++)
            one_session(dir, &w, last);
        struct mpl_lane *lane = mpl_segment_lane(&w.r.segments[0], 0);
        last = mpl_load(&lane->epoch);
        ruin(lane, epochs[i / 2], i % 2);
        if (i % 2 == 0) { /* what the slots say is enough for a claimer to keep away */
            CHECK_EQ(mpl_producer_init(&early, dir, SERVICE, "early"), 0);
            CHECK(mpl_attach(&early) != 0 || early.segment != 0);
            mpl_producer_free(&early);
        }
        CHECK_EQ(writer_all(&w), 0);
        one_session(dir, &w, last);
        last = mpl_load(&lane->epoch);
    }
    seen.segment = w.r.segments[0].head.segment_id;
    each_line(w.file, count_end, &seen);
    CHECK_EQ(seen.ends[1], 1);
    CHECK_EQ(tally_file(w.file).torn, 0);
    writer_close(&w);
    close(held);
    return 0;
}

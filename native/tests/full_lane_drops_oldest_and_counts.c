/* SPDX-License-Identifier: Apache-2.0
 *
 * when_full=drop_oldest: every event is accepted, the oldest whole records make room, INFO and below leave the last eighth alone; what was taken back
 * is told as a gap with its exact counts by level and its times, also where the writer had copied some of it already, or another writer comes. */
#include "service.h"

#define LEN 1000u

static uint64_t sent;
static unsigned level_of(uint64_t n) { return 10 * (1 + (unsigned)(n * 7 % 5)); }

static void put(struct mpl_producer *p, unsigned count)
{
    char payload[LEN];
    while (count--) {
        sent++;
        payload_fill(payload, 1, sent, LEN);
        CHECK_EQ(mpl_publish(p, level_of(sent), 0, 0, payload, LEN), MPL_ACCEPTED);
    }
}

static void check_levels(const struct mpl_gap *gap, uint64_t first, uint64_t last)
{
    uint64_t want[MPL_LEVELS] = {0};
    for (uint64_t n = first; n <= last; n++)
        want[mpl_level_class(level_of(n))]++;
    for (unsigned k = 0; k < MPL_LEVELS; k++)
        CHECK_EQ(gap->count[MPL_REASON_oldest][k], want[k]);
}

/* Drains; returns the first number that came. */
static uint64_t drain(struct writer *w, uint64_t *missing)
{
    int items = mpl_drain(&w->r, ARENA);
    CHECK(items > 0);
    *missing = 0;
    for (int i = 0; i < items; i++) {
        const struct mpl_item *item = &w->r.items[i];
        uint64_t producer, n;
        CHECK(payload_read(w->r.arena + item->place, item->len, &producer, &n) && n == item->seq);
        if (item->seq == item->expected)
            continue;
        struct mpl_gap_told told = mpl_gap_of(&w->r, item);
        CHECK(told.exact);
        check_levels(&told.gap, item->expected, item->seq - 1);
        CHECK(told.gap.first_mono && told.gap.first_mono <= told.gap.last_mono && told.gap.last_mono <= item->mono_ns);
        *missing += item->seq - item->expected;
    }
    return w->r.items[0].seq;
}

static void no_gap(struct writer *w)
{
    uint64_t missing;
    drain(w, &missing);
    CHECK_EQ(missing, 0);
}

static void commit(struct writer *w, uint32_t count)
{
    CHECK_EQ(mpl_accept(&w->r, count), count);
    CHECK_EQ(mpl_commit(&w->j, &w->r, 0, w->fd, 0), 0);
}

static int test(const char *dir)
{
    static struct writer w;
    struct mpl_producer p;
    uint64_t missing, all = 0;
    service_make(dir);
    lanes_of(dir, MPL_LANE_SMALL, MPL_ORIGIN);
    producer_make(&p, dir, "drops");
    p.when_full = MPL_DROP_OLDEST;
    CHECK_EQ(writer_open(&w, dir), 0);

    put(&p, 200);
    uint64_t first = drain(&w, &missing);
    CHECK_EQ(missing, first - 1);
    CHECK_EQ(p.dropped, missing);
    CHECK(p.tail - mpl_load(&p.lane->head) <= MPL_LANE_SMALL - MPL_LANE_SMALL / 8 || level_of(sent) >= 30);
    commit(&w, w.r.nitems);
    all += missing;

    put(&p, 30);
    CHECK_EQ(drain(&w, &missing), 201);
    CHECK_EQ(missing, 0);
    put(&p, 100); /* over what was copied, and beyond it */
    commit(&w, w.r.nitems);
    CHECK(drain(&w, &missing) > 231);
    CHECK(missing > 0);
    CHECK(p.dropped > all + missing); /* the owner cannot know what the writer had already */
    commit(&w, 5);
    put(&p, 3);
    all += missing;
    no_gap(&w);
    put(&p, 15); /* a part of what was copied */
    commit(&w, 20);
    no_gap(&w);
    commit(&w, w.r.nitems);

    put(&p, 150);
    drain(&w, &missing);
    CHECK(missing > 0);
    writer_close(&w); /* dies before it commits, and so does the next one */
    CHECK_EQ(writer_open(&w, dir), 0);
    put(&p, 10);
    uint64_t before = missing;
    drain(&w, &missing);
    CHECK(missing > before);
    all += missing;
    commit(&w, w.r.nitems);
    uint64_t numbers = sent;
    mpl_producer_free(&p);
    writer_all(&w);
    struct tally t = tally_file(w.file);
    CHECK_EQ(t.last, numbers);
    CHECK_EQ(t.dropped, all);
    CHECK_EQ(writer_quarantines(&w), 0);
    writer_close(&w);
    return 0;
}

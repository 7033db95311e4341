/* SPDX-License-Identifier: Apache-2.0
 *
 * More events than a drain gives out, more sessions than a batch can name, ends that are asked for twice, segments that appear before a drain: nothing of it is
 * lost or told twice. An event that carries a gap where nothing is missing loses only that; one that has ended writers is told whatever a filter says; and a
 * file that was given nothing for a while is told so before it is given anything again. */
#include "service.h"

#define MANY (MPL_MAX_ITEMS + 100u)
#define SESSIONS (MPL_MAX_TOUCHES + 20u)

static struct writer w;

static uint32_t drained(void)
{
    const int items = mpl_drain(&w.r, ARENA * 4);
    CHECK(items >= 0);
    return (uint32_t)items;
}

static void commit(void) { CHECK(mpl_commit(&w.j, &w.r, 0, w.fd, 0) >= 0); }

static void more_events_than_a_drain(const char *dir)
{
    struct mpl_producer p[3];
    uint64_t n = 0, next[3] = {0};
    for (int i = 0; i < 3; i++)
        producer_make(&p[i], dir, "some");
    for (; n < MANY; n++)
        CHECK_EQ(send_event(&p[n % 3], n % 3, n / 3, 16), MPL_ACCEPTED);
    CHECK_EQ(writer_open(&w, dir), 0);
    CHECK_EQ(drained(), MPL_MAX_ITEMS);
    CHECK_EQ(mpl_accept(&w.r, MPL_MAX_ITEMS + 1), MPL_MAX_ITEMS);
    for (uint32_t k = 0; k < 2; k++) {
        for (uint32_t i = 0; i < w.r.nitems; i++) {
            uint64_t producer, number;
            CHECK(payload_read(w.r.arena + w.r.items[i].place, w.r.items[i].len, &producer, &number));
            CHECK_EQ(number, next[producer]++);
        }
        commit();
        CHECK_EQ(drained(), k ? 0 : MANY - MPL_MAX_ITEMS);
        mpl_accept(&w.r, w.r.nitems);
    }
    for (int i = 0; i < 3; i++)
        mpl_producer_free(&p[i]);
    writer_all(&w);
}

/* It is carried behind the payload, and told where numbers are missing. */
static void a_gap_where_nothing_is_missing(const char *dir)
{
    struct mpl_producer p;
    char payload[64 + sizeof(struct mpl_gap)];
    memset(payload, 0x55, sizeof payload);
    payload_fill(payload, 5, 1, 64);
    producer_make(&p, dir, "some");
    CHECK_EQ(mpl_publish(&p, 20, 0, MPL_FLAG_GAP, payload, sizeof payload), MPL_ACCEPTED);
    CHECK_EQ(drained(), 1);
    CHECK_EQ(w.r.items[0].len, 64);
    CHECK_EQ(w.r.items[0].seq, w.r.items[0].expected);
    CHECK_EQ(memcmp(w.r.arena + w.r.items[0].place, payload, 64), 0);
    mpl_producer_free(&p);
    writer_all(&w);
}

/* It may hold what is older than all that is seen: the drain waits for the scan. */
static void a_segment_that_is_not_seen_yet(const char *dir)
{
    struct mpl_producer p;
    producer_make(&p, dir, "some");
    CHECK_EQ(send_event(&p, 1, 1, 64), MPL_ACCEPTED);
    mpl_add(&w.r.bell->segments, 1);
    CHECK_EQ(drained(), 0);
    mpl_sleep(&w.r, 3600000000000u, mpl_load(&w.r.bell->departures)); /* an hour: but there is something to look at */
    mpl_bell_wake(w.r.bell); /* it is awake: nothing to do */
    CHECK_EQ(mpl_load(&w.r.bell->sleeping), MPL_AWAKE);
    CHECK_EQ(mpl_reader_scan(&w.r, &w.j), 0);
    CHECK_EQ(drained(), 1);
    mpl_accept(&w.r, 1);
    commit();
    mpl_add(&w.r.bell->segments, 1);
    mpl_sleep(&w.r, 3600000000000u, mpl_load(&w.r.bell->departures));
    CHECK_EQ(mpl_reader_scan(&w.r, &w.j), 0);
    mpl_sleep(&w.r, 3600000000000u, mpl_load(&w.r.bell->departures) - 1);
    mpl_producer_free(&p);
    writer_all(&w);
}

static void more_ends_than_a_batch(const char *dir)
{
    static struct mpl_end ends[SESSIONS + 8];
    struct mpl_producer p;
    for (uint32_t i = 0; i < SESSIONS; i++) {
        producer_make(&p, dir, "some");
        mpl_producer_free(&p);
    }
    producer_make(&p, dir, "last");
    CHECK_EQ(send_event(&p, 1, 1, 64), MPL_ACCEPTED);
    CHECK(mpl_reader_scan(&w.r, &w.j) >= 0);
    CHECK_EQ(drained(), 1);
    int count = mpl_ends(&w.r, true, ends, SESSIONS + 8), told = 0;
    CHECK_EQ(count, SESSIONS);
    struct mpl_end stale = ends[0];
    stale.epoch += MPL_SLOTS;
    CHECK_EQ(mpl_close_session(&w.r, &stale), MPL_E_ARG); /* another session has the slot by now */
    CHECK_EQ(mpl_close_session(&w.r, &ends[0]), 0);
    CHECK_EQ(mpl_ends(&w.r, true, ends, SESSIONS + 8), SESSIONS - 1); /* one is in the batch already */
    for (told = 1; told < count && !mpl_close_session(&w.r, &ends[told - 1]); told++) {
    }
    CHECK_EQ(told, MPL_MAX_TOUCHES);
    CHECK_EQ(mpl_accept(&w.r, 1), 0); /* no room for the event's session either */
    commit();
    CHECK_EQ(drained(), 1);
    CHECK_EQ(mpl_accept(&w.r, 1), 1);
    commit();
    CHECK_EQ(mpl_ends(&w.r, true, ends, SESSIONS + 8), count - told);
    mpl_producer_free(&p);
    writer_all(&w);
}

static uint64_t sent(struct mpl_producer *p, unsigned level)
{
    static const char payload[64];
    CHECK_EQ(mpl_publish(p, level, 0, 0, payload, sizeof payload), MPL_ACCEPTED);
    return p->seq;
}

static const struct mpl_item *only_item(void)
{
    CHECK_EQ(drained(), 1);
    return &w.r.items[0];
}

static void a_file_that_loses(const char *dir)
{
    const uint8_t all[] = {1};
    struct mpl_producer p;
    w.r.nsinks = 2;
    CHECK_EQ(mpl_filter_set(&w.r, 0, 40, NULL, 0), 0);
    CHECK_EQ(mpl_filter_set(&w.r, 1, 40, NULL, 0), 0);
    producer_make(&p, dir, "some");
    sent(&p, 50);
    w.r.losing = 2;
    CHECK_EQ(only_item()->filtered, 0);
    CHECK_EQ(mpl_accept(&w.r, 1), 1);
    CHECK_EQ(w.r.touches[0].told[0].delivered, 1);
    CHECK_EQ(w.r.touches[0].told[1].lost_last, 1);
    commit();
    w.r.losing = 0;

    sent(&p, 50); /* shown, or taken from it later */
    CHECK_EQ(only_item()->lost, 2);
    CHECK_EQ(w.r.items[0].filtered, 0);
    mpl_filter_refuse(&w.r, 1, all);
    CHECK_EQ(w.r.items[0].filtered, 2);
    const struct mpl_view *v = mpl_view_at(&w.r, w.r.items[0].view);
    CHECK_EQ(v->cursor_untold[1][w.r.items[0].slot], 1);
    CHECK_EQ(mpl_accept(&w.r, 1), 1);
    CHECK_EQ(w.r.touches[0].told[1].lost_first, 0);
    CHECK_EQ(w.r.touches[0].told[1].filtered, 1);
    commit();

    sent(&p, 50);
    w.r.losing = 2;
    drained();
    CHECK_EQ(mpl_accept(&w.r, 1), 1);
    commit();
    w.r.losing = 0;
    sent(&p, 20); /* in neither file; yet the notice of what was lost has its time */
    CHECK_EQ(only_item()->lost, 2);
    CHECK_EQ(w.r.items[0].filtered, 3);
    CHECK(w.r.items[0].wall_ns > 0 && w.r.items[0].len == 0);
    CHECK_EQ(mpl_accept(&w.r, 1), 1);
    commit();
    w.r.nsinks = 1;

    const uint64_t seq = sent(&p, 20);
    w.r.poison[0] = (struct mpl_poison){.segment_id = p.segment_id, .end_pos = p.tail, .end_ovf = p.ovf_end, .lane = p.lane_number, .tries = 2};
    w.r.npoison = 1;
    CHECK_EQ(only_item()->seq, seq);
    CHECK(w.r.items[0].flags & MPL_ITEM_POISON && !w.r.items[0].filtered);
    mpl_filter_refuse(&w.r, 0, all);
    CHECK_EQ(w.r.items[0].filtered, 0);
    CHECK_EQ(mpl_accept(&w.r, 1), 1);
    commit();
    w.r.npoison = 0;
    mpl_producer_free(&p);
    writer_all(&w);
}

/* What a reboot has left comes first, and its time says nothing about today's: no later event is late by it. */
static void of_another_boot(const char *dir)
{
    struct mpl_producer p;
    producer_make(&p, dir, "some");
    const uint64_t now = mpl_now(CLOCK_MONOTONIC);
    p.last_mono = now + 900000000u;
    sent(&p, 50);
    w.r.foreign_boot[p.segment] = true;
    CHECK(only_item()->flags & MPL_FLAG_RECOVERED);
    CHECK(w.r.emitted_mono <= mpl_now(CLOCK_MONOTONIC) || mpl_now(CLOCK_MONOTONIC) > now + 800000000u);
    CHECK_EQ(mpl_accept(&w.r, 1), 1);
    commit();
    w.r.foreign_boot[p.segment] = false;
    mpl_producer_free(&p);
    writer_all(&w);
}

static int test(const char *dir)
{
    service_make(dir);
    more_events_than_a_drain(dir);
    a_gap_where_nothing_is_missing(dir);
    a_segment_that_is_not_seen_yet(dir);
    more_ends_than_a_batch(dir);
    a_file_that_loses(dir);
    of_another_boot(dir);
    CHECK_EQ(writer_quarantines(&w), 0);
    CHECK_EQ(mpl_retire(&w.r, &w.j), 1);
    writer_close(&w);
    return 0;
}

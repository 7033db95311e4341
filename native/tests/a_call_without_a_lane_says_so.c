/* SPDX-License-Identifier: Apache-2.0
 *
 * What a log call does without a lane to log into, and in one that is taken from under it: it says that it is homeless, tries again after a while, or goes
 * on elsewhere with the event whole; and the time in a lane never goes back. */
#include "fails.h"
#include "service.h"

static const char *place;

/* Every lane of segment 0 but `except` gets data that is reserved already. */
static void reserve_others(uint32_t except)
{
    struct mpl_segment seg;
    CHECK_EQ(mpl_segment_map(&seg, place, SERVICE, 0, PROT_READ | PROT_WRITE, false), 0);
    for (uint32_t i = 0; i < seg.head.lanes; i++) {
        struct mpl_lane *lane = mpl_segment_lane(&seg, i);
        if (i == except)
            continue;
        CHECK_EQ(fallocate(seg.fd, 0, (off_t)(seg.head.data_off + i * seg.head.data_stride), MPL_LANE_SMALL), 0);
        mpl_store(&lane->capacity, MPL_LANE_SMALL);
    }
    mpl_segment_unmap(&seg);
}

static void nowhere(void)
{
    struct mpl_producer p;
    CHECK_EQ(mpl_producer_init(&p, place, SERVICE, "some"), 0);
    CHECK_EQ(send_event(&p, 1, 1, 64), MPL_HOMELESS);
    CHECK_EQ(p.trouble, -ENOENT);
    mpl_drop(&p, MPL_REASON_lane_full, 20); /* there is no bell to count it in */
    CHECK_EQ(p.dropped, 1);
    CHECK_EQ(mpl_settled(&p), 0);
    CHECK_EQ(wait_once(&p, 1, 60000000000u), 1); /* for nothing: at once */
    CHECK_EQ(send_event(&p, 1, 1, 64), MPL_HOMELESS);

    service_make(place);
    p.retry_ns = UINT64_MAX;
    CHECK_EQ(send_event(&p, 1, 1, 64), MPL_HOMELESS); /* the second is not over */
    CHECK(!p.lane);
    p.retry_ns = 0;
    CHECK_EQ(send_event(&p, 1, 1, 64), MPL_ACCEPTED);
    mpl_detach(&p, true);
    CHECK_EQ(p.trouble, 0);
    CHECK_EQ(send_event(&p, 1, 1, 64), MPL_ACCEPTED); /* given back, not refused: at once */
    mpl_producer_free(&p);
}

static void time_goes_on(enum mpl_when_full when_full, size_t len)
{
    struct mpl_segment seg;
    struct mpl_producer p;
    static struct writer w;
    const uint64_t ahead = mpl_now(CLOCK_MONOTONIC) + 500000000u; /* another time namespace's */
    CHECK_EQ(mpl_segment_map(&seg, place, SERVICE, 0, PROT_READ | PROT_WRITE, false), 0);
    for (uint32_t i = 0; i < seg.head.lanes; i++)
        mpl_store(&mpl_segment_lane(&seg, i)->last_mono, ahead);
    mpl_segment_unmap(&seg);
    CHECK_EQ(mpl_producer_init(&p, place, SERVICE, "some"), 0);
    p.when_full = when_full;
    CHECK_EQ(send_event(&p, 1, 1, len), MPL_ACCEPTED);
    CHECK(p.last_mono >= ahead && mpl_load(&p.lane->last_mono) == p.last_mono);
    mpl_producer_free(&p);
    CHECK_EQ(writer_open(&w, place), 0);
    CHECK(writer_all(&w) > 0);
    writer_close(&w);
}

/* Drops first, so that the next event has a gap to tell; that one is moved on without the gap, which was of a session that ends here. */
static void with_a_gap(bool nowhere_else)
{
    struct mpl_producer p;
    static struct writer w;
    char payload[64];
    uint64_t n = 0;
    CHECK_EQ(mpl_producer_init(&p, place, SERVICE, "some"), 0);
    p.when_full = MPL_DROP_NEWEST;
    while (send_event(&p, 1, ++n, 8000) == MPL_ACCEPTED) {
    }
    CHECK(p.gap_open);
    const uint32_t number = p.lane_number;
    mpl_store_release(&p.lane->head, p.tail);
    mpl_store_release(&p.lane->quarantined, 1);
    payload_fill(payload, 7, n, sizeof payload);
    fail_kinds = F_FALLOCATE | F_OPEN;
    if (nowhere_else)
        fail_from(1, ENOSPC);
    const enum mpl_outcome outcome = mpl_publish(&p, 50, 0, 0, payload, sizeof payload);
    CHECK((fail_never() > 0) == nowhere_else);
    CHECK_EQ(outcome, nowhere_else ? MPL_HOMELESS : MPL_ACCEPTED);
    if (!nowhere_else) {
        CHECK(p.lane_number != number && p.seq == 1);
        const uint32_t view = p.segment * MPL_MAX_LANES + p.lane_number;
        mpl_detach(&p, true);
        CHECK_EQ(writer_open(&w, place), 0);
        CHECK(mpl_drain(&w.r, ARENA) > 0);
        bool seen = false;
        for (uint32_t i = 0; i < w.r.nitems; i++) {
            const struct mpl_item *item = &w.r.items[i];
            seen |= item->view == view && item->len == sizeof payload && memcmp(w.r.arena + item->place, payload, sizeof payload) == 0;
        }
        CHECK(seen);
        writer_close(&w);
    }
    mpl_producer_free(&p);
}

/* A lane set aside while its owner overflows. */
static void out_of_an_overflow(void)
{
    struct mpl_producer p;
    uint64_t n = 0;
    CHECK_EQ(mpl_producer_init(&p, place, SERVICE, "some"), 0);
    p.when_full = MPL_OVERFLOW;
    while (!p.overflowing)
        CHECK_EQ(send_event(&p, 1, ++n, 8000), MPL_ACCEPTED);
    const uint32_t number = p.lane_number;
    mpl_store_release(&p.lane->quarantined, 1);
    CHECK_EQ(send_event(&p, 1, ++n, 8000), MPL_ACCEPTED);
    CHECK(p.lane_number != number && p.seq == 1 && !p.overflowing);
    mpl_producer_free(&p);
}

/* From a lane of overflow alone to a small one, in which the event has no room. */
static void out_of_a_bare_lane(const char *dir)
{
    struct mpl_producer p;
    char other[MPL_PATH];
    snprintf(other, sizeof other, "%s/bare", dir);
    place = other;
    CHECK_EQ(mkdir(other, 0700), 0);
    service_make(other);
    CHECK_EQ(mpl_segment_create(other, SERVICE, 0), 0);
    CHECK_EQ(mpl_producer_init(&p, other, SERVICE, "some"), 0);
    p.when_full = MPL_OVERFLOW;
    snprintf(p.overflow_dir, sizeof p.overflow_dir, "%s", dir);
    fail_kinds = F_FALLOCATE;
    fail_from(1, ENOSPC);
    CHECK_EQ(mpl_attach(&p), 0);
    CHECK(fail_never() > 0);
    CHECK(p.lane && !p.capacity);
    reserve_others(p.lane_number);
    p.retry_ns = 0;
    CHECK_EQ(send_event(&p, 1, 1, 30000), MPL_TOO_BIG);
    CHECK_EQ(p.capacity, MPL_LANE_SMALL);
    CHECK_EQ(send_event(&p, 1, 1, 3000), MPL_ACCEPTED);
    mpl_producer_free(&p);
}

static int test(const char *dir)
{
    place = dir;
    nowhere();
    lanes_of(dir, MPL_LANE_SMALL, MPL_ORIGIN);
    time_goes_on(MPL_BLOCK, 64);
    time_goes_on(MPL_DROP_OLDEST, 64);
    with_a_gap(false);
    with_a_gap(true);
    out_of_an_overflow();
    out_of_a_bare_lane(dir);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * when_full=drop_oldest: where the oldest record in the lane says what cannot be, belongs to a session that did not yield, or is one that its call waits for,
 * nothing is taken back and the new event is the one that is dropped; with the record as it was, room is made again. More than the lane has there is none. */
#include "gap.h"
#include "service.h"

static struct mpl_producer p;

static enum mpl_outcome put(void) { return send_event(&p, 1, p.seq + 1, 1000); }

static struct mpl_record *oldest(void)
{
    return (struct mpl_record *)(void *)(p.data + (mpl_load(&p.lane->head) & (p.capacity - 1)));
}

static void length_nothing(struct mpl_record *r) { r->len = 0; }
static void length_odd(struct mpl_record *r) { r->len += 4; }
static void length_beyond_the_lane(struct mpl_record *r) { r->len = 2 * MPL_LANE_SMALL; }
static void length_without_a_header(struct mpl_record *r) { r->len = 8; }
static void length_beyond_the_tail(struct mpl_record *r) { r->len = (uint32_t)(p.tail - mpl_load(&p.lane->head)) + 8; }
static void another_session(struct mpl_record *r) { r->epoch++; r->flags = 0; }
static void waited_for(struct mpl_record *r) { r->flags |= MPL_FLAG_DURABLE; }

static void (*const damages[])(struct mpl_record *) = {length_nothing, length_odd, length_beyond_the_lane, length_without_a_header, length_beyond_the_tail,
    another_session, waited_for};

static int test(const char *dir)
{
    service_make(dir);
    lanes_of(dir, MPL_LANE_SMALL, MPL_ORIGIN);
    producer_make(&p, dir, "takes");
    p.when_full = MPL_DROP_OLDEST;
    while (!p.taken_back)
        CHECK_EQ(put(), MPL_ACCEPTED);
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        while (oldest()->epoch != p.epoch || (mpl_load(&p.lane->head) & (p.capacity - 1)) > p.capacity / 16) /* no pad at the lap's end; the tail is ahead of it */
            CHECK_EQ(put(), MPL_ACCEPTED);
        struct mpl_record *const at = oldest(), before = *at;
        const uint64_t head = mpl_load(&p.lane->head);
        damages[i](at);
        while (mpl_load(&p.lane->head) == head && put() == MPL_ACCEPTED) {
        }
        CHECK_EQ(mpl_load(&p.lane->head), head);
        *at = before;
        CHECK_EQ(put(), MPL_ACCEPTED);
        CHECK(mpl_load(&p.lane->head) != head);
    }
    const uint64_t head = mpl_load(&p.lane->head);
    CHECK(!mpl_make_room(&p, p.tail + 16, 8)); /* not with all of them gone */
    CHECK_EQ(mpl_load(&p.lane->head), head);
    mpl_producer_free(&p);
    return 0;
}

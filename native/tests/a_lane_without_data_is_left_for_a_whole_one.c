/* SPDX-License-Identifier: Apache-2.0
 *
 * A process whose lane had no room for data goes on in one that has when there is room again; not while its own was set aside, which is told there, and not
 * into a service that is going: the lane that it found there is free for others then. */
#include "bare.h"
#include "fails.h"
#include "service.h"

static void claimed_without_room(struct mpl_producer *p, const char *dir)
{
    CHECK_EQ(mpl_producer_init(p, dir, SERVICE, "bare"), 0);
    p->when_full = MPL_OVERFLOW;
    snprintf(p->overflow_dir, sizeof p->overflow_dir, "%s/overflow", dir);
    CHECK_EQ(mkdir(p->overflow_dir, 0700), 0);
    fail_kinds = F_FALLOCATE;
    fail_from(1, ENOSPC);
    CHECK_EQ(mpl_attach(p), 0);
    CHECK(fail_never() > 0);
    CHECK(p->lane && !p->capacity);
}

static bool leaves(struct mpl_producer *p)
{
    p->retry_ns = 0;
    return mpl_leave_bare(p);
}

static int test(const char *dir)
{
    struct mpl_producer p, other;
    service_make(dir);
    CHECK_EQ(mpl_segment_create(dir, SERVICE, 0), 0);
    claimed_without_room(&p, dir);
    const struct mpl_producer before = p;

    mpl_store(&p.lane->quarantined, 1);
    CHECK(!leaves(&p));
    mpl_store(&p.lane->quarantined, 0);

    mpl_store(&p.bell->state, MPL_RETIRED);
    const int held = things_held(dir);
    CHECK(!leaves(&p));
    CHECK_EQ(things_held(dir), held);
    CHECK(p.lane == before.lane && !p.capacity && p.epoch == before.epoch);
    mpl_store(&p.bell->state, MPL_LIVE);
    producer_make(&other, dir, "other");
    CHECK(other.capacity > 0);
    const uint32_t found = other.lane_number;
    mpl_producer_free(&other);

    CHECK(leaves(&p));
    CHECK(p.capacity > 0);
    CHECK_EQ(p.lane_number, found);
    CHECK_EQ(send_event(&p, 1, 1, 100), MPL_ACCEPTED);
    mpl_producer_free(&p);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Lanes of overflow alone. Where memory has no room for another lane's data, its control words still are one: they were reserved with the segment. A
 * process that may overflow claims them with capacity 0: tail never moves, every event goes into its chunks, and session, numbers, order and adoption
 * are those of any other lane's overflow. Once a second, and with nothing of its own unread, it looks for a lane with data and goes on there in a new
 * session: all of the old one has been drained, so nothing is told out of order. Role: P. */
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "bare.h"

#define LOOK_AGAIN_NS 1000000000u

/* What the other one has beyond its claim is the process's own, and stays. */
static void become(struct mpl_producer *p, const struct mpl_producer *other)
{
    struct mpl_producer *const next = p->next;
    const int waiting = p->waiting;
    const bool doubtful = p->doubtful;
    *p = *other;
    p->next = next;
    p->waiting = waiting;
    p->doubtful = doubtful;
}

bool mpl_leave_bare(struct mpl_producer *p)
{
    const uint64_t now_ns = mpl_now(CLOCK_MONOTONIC);
    if (now_ns < p->retry_ns || mpl_load_acquire(&p->lane->ovf_head) != p->ovf_end || mpl_load(&p->lane->quarantined)) /* ORD(overflow:E) acquire; pairs with ORD(drain:E) */
        return false;
    p->retry_ns = now_ns + LOOK_AGAIN_NS; /* a search is what a process without a lane makes as often */
    struct mpl_producer other = *p;
    other.lane = NULL, other.data = NULL, other.pin = NULL, other.slot = NULL;
    other.capacity = other.detour = 0;
    const int rc = mpl_claim_beside(&other);
    if (!other.lane)
        return false;
    if (rc) { /* the service is going: the lane that we hold will tell us */
        mpl_detach(&other, other.final);
        return false;
    }
    mpl_detach(p, p->final);
    become(p, &other);
    return true;
}

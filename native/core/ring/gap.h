/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers that were dropped: what their owner notes of them, and how the writer learns of which levels those of one gap were.
 *
 * An event that was refused is told by the next one that is accepted: behind its payload stands a struct mpl_gap, so that both are there or neither is. What
 * the owner takes back of its lane (drop_oldest) stands before what the writer has still to read: `taken` says of how much of each level that is in
 * all, as of a position of head, and the writer subtracts what it knows already. What it finds counts only if it adds up to the gap in the numbers: these are
 * exact, whoever was killed when. */
#ifndef MPL_GAP_H
#define MPL_GAP_H

#include "mpl.h"

/* Role: P. A session begins. */
void mpl_gap_forget(struct mpl_lane *lane);
/* Role: P. The number p->seq is dropped; before drop_last says so. */
void mpl_gap_add(struct mpl_producer *p, enum mpl_reason reason, unsigned level, uint64_t mono_ns);
/* Role: P. The payload with the open gap behind it, in memory of the producer's; NULL where there is no memory: then nobody learns more than the numbers. */
const void *mpl_gap_glue(struct mpl_producer *p, const void *payload, size_t len);
/* Role: P. Takes back its oldest records until [head, end) is no longer than `usable`. False: what stands in the lane cannot be read. */
bool mpl_make_room(struct mpl_producer *p, uint64_t end, uint64_t usable);

/* ---- role: W ---- */
void mpl_gap_start(struct mpl_view *v, bool fresh);
/* The owner has moved head over records that were not read: what they were comes before the view's next item. */
void mpl_gap_look(struct mpl_reader *r, struct mpl_view *v, uint64_t head);
/* Puts what is known of the gap before an item behind its payload; cuts off what its record carried. */
void mpl_gap_attach(struct mpl_reader *r, struct mpl_view *v, struct mpl_item *item, uint32_t epoch, bool carried);
/* The touch i was just raised for the first time. */
void mpl_gap_settle(struct mpl_reader *r, const struct mpl_touch *t, uint64_t was_head);
/* Of the numbers (settled, last] of a session that is over. */
void mpl_gap_end(const struct mpl_view *v, struct mpl_end *end);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * A thread that writes one file: of several each has one, so that a file that hangs can be given up on; of a single one large writes are lent to it, so
 * that the next batch is made meanwhile. It touches nothing but its bytes and the write's targets, and these under its lock, and not after it was given up.
 * What may be given up is a copy of its own; what is lent is waited for, or taken back. Used by the writer's one thread. */
#ifndef MPL_HAND_H
#define MPL_HAND_H

#include "mpl.h"

struct mpl_hand *mpl_hand_new(const char *path); /* of the file: what stands there must be what is open; "": anywhere. NULL: no memory, no thread */
void mpl_hand_free(struct mpl_hand *h);          /* one that hangs is left behind */
bool mpl_hand_busy(struct mpl_hand *h);          /* it has been given up, and hangs still */
/* Begins to write. The bytes are copied; -ENOMEM. */
int mpl_hand_give(struct mpl_hand *h, struct mpl_write *w, const char *staged, int fd);
/* Waits until deadline_ns (CLOCK_MONOTONIC); -ETIMEDOUT: it is given up, and the write's targets stand still from here on. */
int mpl_hand_wait(struct mpl_hand *h, uint64_t deadline_ns);
/* Begins to write without a copy: bytes, entry and descriptor must stay as they are until mpl_hand_join. */
void mpl_hand_lend(struct mpl_hand *h, struct mpl_write *w, const char *staged, int fd);
/* True: the write that was lent is over, *rc is its outcome; waits as long as that takes. False: it was not begun yet, and is the caller's again. */
bool mpl_hand_join(struct mpl_hand *h, int *rc);

/* For the write itself: h may be NULL. */
bool mpl_hand_holds(struct mpl_hand *h); /* takes the lock; false: it is given up, and the lock is not taken */
void mpl_hand_leaves(struct mpl_hand *h);
bool mpl_hand_given_up(struct mpl_hand *h);

#endif

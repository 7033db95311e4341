/* SPDX-License-Identifier: Apache-2.0
 *
 * A thread that writes one file, so that a file that hangs can be given up on. It works on a copy of the bytes of its own; beside them it touches nothing
 * but the write's targets, and these under its lock, and not after it was given up. Used by the writer's one thread; where there is one file, by nobody. */
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

/* For the write itself: h may be NULL. */
bool mpl_hand_holds(struct mpl_hand *h); /* takes the lock; false: it is given up, and the lock is not taken */
void mpl_hand_leaves(struct mpl_hand *h);
bool mpl_hand_given_up(struct mpl_hand *h);

#endif

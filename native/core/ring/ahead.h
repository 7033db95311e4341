/* SPDX-License-Identifier: Apache-2.0
 *
 * mpl_commit_parts in two halves, up to the heads and from the bytes on. In between the reader may drain and staging be used, but for where the parts lie: the
 * next batch is made there while a thread writes this one. It is lent to it without a copy, if it is a single file's and not to be brought onto the disk;
 * descriptors stay open. mpl_redo_parts does for the second half, too. Role: W.
 *
 * In struct mpl_journal: `second` is the thread, NULL where none was needed yet; `lent`, the write of the entry is with it; `alone`, there is but one
 * processor, or no thread to be had. */
#ifndef MPL_AHEAD_H
#define MPL_AHEAD_H

#include "mpl.h"

int mpl_commit_begin(struct mpl_journal *j, struct mpl_reader *r, const struct mpl_part *parts, uint32_t sinks); /* 1: a thread writes; 0; -errno: redo */
int mpl_commit_finish(struct mpl_journal *j, struct mpl_reader *r, const int *fds, uint32_t sinks);              /* as mpl_commit_parts */

#endif

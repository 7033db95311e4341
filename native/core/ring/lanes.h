/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MPL_LANES_H
#define MPL_LANES_H

#include "mpl.h"

/* Makes a lane of `seg`, whose file is at `path`, this process's own: 1; 0 or a negative code where none can be had. `own` sets apart those who start at
 * once. Role: P, under the claim lock. Blocks: no. */
int mpl_lane_find(struct mpl_producer *p, const struct mpl_segment *seg, const char *path, uint32_t own);

/* Reserves a fresh lane's data, a smaller one where the file system, or what the service may have, is nearly full. Role: P, holding the lane's lock. */
int mpl_segment_reserve(struct mpl_producer *p, const struct mpl_segment *seg, uint32_t lane, struct mpl_lane *words);
uint64_t mpl_segments_bytes(const char *dir, const char *service); /* what the segments of a service take of the file system */
bool mpl_memory_fits(const struct mpl_producer *p); /* whether the service keeps to its bound, with what was added to its bell just now */

#endif

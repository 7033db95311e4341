/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MPL_LANES_H
#define MPL_LANES_H

#include "mpl.h"

/* Makes a lane of `seg`, whose file is at `path`, this process's own: 1; 0 or a negative code where none can be had. `own` sets apart those who start at
 * once. Role: P, under the claim lock. Blocks: no. */
int mpl_lane_find(struct mpl_producer *p, const struct mpl_segment *seg, const char *path, uint32_t own);

#endif

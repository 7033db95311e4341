/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MPL_VIEW_H
#define MPL_VIEW_H

#include "mpl.h"

#define MPL_INFLIGHT_NS 50000000u /* a producer stopped in the middle of a publish holds the order up this long, once */

/* Role: the writer. All of them only read the lane, but for head over pads. */
int mpl_view_load(struct mpl_reader *r, struct mpl_view *v, uint64_t clock_ns, uint64_t *complete_ns);
bool mpl_view_void(struct mpl_reader *r, struct mpl_view *v);
int mpl_view_peek(struct mpl_reader *r, struct mpl_view *v);
void mpl_view_start_session(struct mpl_view *v, uint32_t epoch);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * What a stamp says, as text. Private to format/. */
#ifndef MPL_STAMP_H
#define MPL_STAMP_H

#include "format/format.h"

#define MPL_TIME_CHARS 30 /* `2026-11-22T08:00:00.123456789Z` */
#define MPL_LEVEL_CHARS 16

void mpl_time_text(char out[MPL_TIME_CHARS], struct mpl_second *last, uint64_t wall_ns);

/* `INFO`; `LEVEL 35` for a number without a name. Returns its length. */
size_t mpl_level_text(char out[MPL_LEVEL_CHARS], uint8_t level);

#endif

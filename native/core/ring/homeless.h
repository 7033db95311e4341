/* SPDX-License-Identifier: Apache-2.0
 *
 * Events of processes without a lane. */
#ifndef MPL_HOMELESS_H
#define MPL_HOMELESS_H

#include "mpl.h"

void mpl_homeless_add(struct mpl_bell *bell, unsigned level);
bool mpl_homeless_untold(const struct mpl_bell *bell);
/* What is not told yet, by level; since when it was lost, ns since 1970. The next commit tells it if r->tells_homeless is set. */
uint64_t mpl_homeless_look(struct mpl_reader *r, uint64_t untold[MPL_LEVELS]);
void mpl_homeless_enter(const struct mpl_reader *r, struct mpl_journal_page *g);
void mpl_homeless_apply(const struct mpl_reader *r, const struct mpl_journal_page *g);

#endif

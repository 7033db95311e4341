/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MPL_BARE_LANES_H
#define MPL_BARE_LANES_H

#include "mpl.h"

/* Role: P. For a copy of a producer that holds a lane: another one, with data of its own. 0, or why there is none; where the copy has a lane all the same, the
 * service is going. */
int mpl_claim_beside(struct mpl_producer *p);
/* Role: P, of a lane without data: into one that has some, in a new session, once nothing of this one waits in the overflow; false where it stays. */
bool mpl_leave_bare(struct mpl_producer *p);

#endif

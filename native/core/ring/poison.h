/* SPDX-License-Identifier: Apache-2.0
 *
 * Records that end the writer. A handler of SIGSEGV, SIGBUS, SIGABRT and SIGFPE, on a stack of its own, notes in the journal which record the writer was at;
 * what was noted twice is not touched again: a later writer tells it as unreadable, and keeps its bytes in a file. A SIGKILL notes nothing. Role: W. */
#ifndef MPL_POISON_H
#define MPL_POISON_H

#include "mpl.h"

#define MPL_POISON_TRIES 2u

/* Which record the handler would note. */
struct mpl_at {
    uint64_t segment_id, end_pos, end_ovf;
    uint32_t lane;
};
extern struct mpl_at mpl_at_record;
extern volatile sig_atomic_t mpl_at_any;

static inline void mpl_poison_at(struct mpl_reader *r, uint32_t view, uint64_t end_pos, uint64_t end_ovf)
{
    mpl_at_record = (struct mpl_at){.segment_id = r->segments[view / MPL_MAX_LANES].head.segment_id, .end_pos = end_pos, .end_ovf = end_ovf,
        .lane = view % MPL_MAX_LANES};
    mpl_at_any = 1;
}
static inline void mpl_poison_done(void) { mpl_at_any = 0; }
/* Whether the record that ends there has ended writers often enough. */
bool mpl_poison_known(const struct mpl_reader *r, uint32_t view, uint64_t end_pos, uint64_t end_ovf);

#endif

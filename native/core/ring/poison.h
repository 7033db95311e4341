/* SPDX-License-Identifier: Apache-2.0
 *
 * Records that end the writer. A handler of SIGSEGV, SIGBUS, SIGABRT, SIGFPE and SIGILL, on a stack of its own, notes in the journal which record the writer was at;
 * what was noted twice is not touched again: a later writer tells it as unreadable, and keeps its bytes in a file. A SIGKILL notes nothing. Role: W. */
#ifndef MPL_POISON_H
#define MPL_POISON_H

#include "mpl.h"

#define MPL_POISON_TRIES 2u

/* The item whose record the handler would note; NULL: none. One store an item. */
extern const struct mpl_item *volatile mpl_at_item;
extern const struct mpl_reader *volatile mpl_at_reader;

static inline void mpl_poison_of(const struct mpl_reader *r) { mpl_at_reader = r; }
static inline void mpl_poison_at(const struct mpl_item *item) { mpl_at_item = item; }
static inline void mpl_poison_done(void) { mpl_at_item = NULL; }
/* Whether its record has ended writers often enough. */
bool mpl_poison_known(const struct mpl_reader *r, const struct mpl_item *item);

#endif

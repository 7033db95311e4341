/* SPDX-License-Identifier: Apache-2.0
 *
 * Step 5 of a commit: the bytes of one file. Role: W. Blocks on the file. */
#ifndef MPL_SINK_H
#define MPL_SINK_H

#include "mpl.h"

struct mpl_writing {
    struct mpl_write *w; /* where a retarget is put in force */
    const char *staged;
    int fd;
    struct mpl_hand *hand; /* whose this is, or NULL */
    uint64_t length;
    bool anew;
    struct mpl_target target; /* in force; a hand that was given up must not look at the entry any more */
};
struct mpl_writing mpl_writing_of(struct mpl_write *w, const char *staged, int fd); /* staged: its lead too */
struct mpl_target mpl_target_of(const struct mpl_write *w); /* where its bytes go, and from which on */
void mpl_retarget(struct mpl_write *w, uint64_t offset, uint64_t from);     /* by one store */
/* Writes what is missing of the bytes staged; a retarget is put in force beside the entry before anything is written there. Flags of what it found, or -errno. */
int mpl_sink_write(struct mpl_writing *x);

#endif

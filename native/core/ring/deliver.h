/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps 5 and 6 of a commit for all files. Role: W. */
#ifndef MPL_DELIVER_H
#define MPL_DELIVER_H

#include "mpl.h"

/* What one file refuses is not in the others' way. Flags of what was found, or -errno: a file without a hand has refused, or a spool has. */
int mpl_write_all(struct mpl_journal *j, const int *fds, uint32_t sinks);
/* Before it, of a single file: true where a thread begins, for which mpl_write_all waits. */
bool mpl_write_ahead(struct mpl_journal *j, const int *fds, uint32_t sinks);

#endif

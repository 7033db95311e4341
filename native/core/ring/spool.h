/* SPDX-License-Identifier: Apache-2.0
 *
 * What is owed to a file that cannot be written, while the other files go on: one spool a file, `<service>.<abi>.<sink>.spool`, in the service's directory.
 *
 *   u32 crc   CRC-32C of the bytes
 *   u32 len   of the bytes, not 0
 *   bytes     lines, whole; zeros up to a multiple of 8
 *
 * Frames stand in [spool_head, spool_end); where that is stands in the journal, so what the file holds beyond it does not exist. Role: W. Blocks as the
 * memory does. */
#ifndef MPL_SPOOL_H
#define MPL_SPOOL_H

#include "mpl.h"

#define MPL_SPOOL_FRAME 8u
static inline uint64_t mpl_spool_bytes(uint64_t len) { return MPL_SPOOL_FRAME + mpl_align8(len); }

/* A frame of these bytes at `at`; done again it is the same. 0 or -errno. */
int mpl_spool_append(const struct mpl_journal *j, uint32_t sink, uint64_t at, const char *bytes, uint64_t len);
void mpl_spool_remove(const struct mpl_journal *j, uint32_t sink);

/* Role: anybody. What each file of a service is owed, in bytes; nothing where no journal of this boot is there. 0, or why it cannot be read. */
int mpl_owed(const char *dir, const char *service, uint64_t owed[MPL_MAX_SINKS]);

#endif

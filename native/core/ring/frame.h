/* SPDX-License-Identifier: Apache-2.0
 *
 * The one framing of records on disk: the overflow's chunks, and what is kept of records and lanes that could not be written.
 *
 *   u32 crc   CRC-32C of the record
 *   u32 len   of the record, a multiple of 8; 0, and crc 0: nothing more, up to the end of the chunk or the file
 *   record    struct mpl_record, payload, zeros up to a multiple of 8
 */
#ifndef MPL_FRAME_H
#define MPL_FRAME_H

#include "mpl.h"

struct mpl_frame {
    uint32_t crc, len;
};
#define MPL_FRAME_HEAD (sizeof(struct mpl_frame) + sizeof(struct mpl_record))

/* Of a record's header, its payload, and the zeros behind it. */
uint32_t mpl_frame_sum(const struct mpl_record *head, const void *payload);
/* What was read at the beginning of a frame, `got` bytes, with `have` bytes up to where frames end: 1 a record, 0 nothing more, or MPL_E_CORRUPT. */
int mpl_frame_judge(const struct mpl_frame *frame, const struct mpl_record *record, size_t got, uint64_t have);
/* The frame at bytes + *at, whole; moves *at behind it. 1, 0 at the end, or MPL_E_CORRUPT. The payload is in `bytes`. */
int mpl_frame_read(const char *bytes, size_t size, size_t *at, struct mpl_record *head, const char **payload);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The overflow: what a producer appends to while its lane is full and not drained. It belongs to the lane as its data does, and outlives its owner.
 *
 * Position p lies in the chunk p / 1 MiB, a file `<service>.<abi>.<segment id>.<lane>.<chunk>.overflow`. In a chunk stand frames (frame.h). No frame crosses the end of a chunk. Bytes at and beyond ovf_end do not exist, whatever the file holds there. Only the writer removes chunks, when
 * ovf_head has passed them and the journal knows. */
#ifndef MPL_OVERFLOW_H
#define MPL_OVERFLOW_H

#include "frame.h"

#define MPL_CHUNK_BYTES (UINT64_C(1) << 20)
#define MPL_OVERFLOW_BYTES (UINT64_C(256) << 20) /* the bound, where the user has set no other */

#define MPL_MAX_CHUNKS (MPL_OVERFLOW_MAX / MPL_CHUNK_BYTES)

static inline uint64_t mpl_chunk(uint64_t pos) { return pos / MPL_CHUNK_BYTES; }

/* Role: P. Where a frame of `bytes` begins that is appended at `end`. */
static inline uint64_t mpl_overflow_place(uint64_t end, uint64_t bytes)
{
    const uint64_t rest = MPL_CHUNK_BYTES - end % MPL_CHUNK_BYTES;
    return bytes > rest ? end + rest : end;
}

/* Role: P. Writes the frame of a record at `place`; 0, or -errno, -ENOSPC where the bound is reached: then nothing counts. Blocks: as the file system of
 * the overflow's directory does, which is memory unless the user has named another. */
int mpl_overflow_append(struct mpl_producer *p, uint64_t place, const struct mpl_record *head, const void *payload);

/* Role: W. The record at ovf.cur, unchecked but for its frame: 1, 0 at the limit, or MPL_E_CORRUPT. */
int mpl_overflow_peek(struct mpl_reader *r, struct mpl_view *v, struct mpl_record *head);
/* Role: W. The payload of the record `head` at ovf.cur; false when its sum is wrong. */
bool mpl_overflow_copy(struct mpl_view *v, const struct mpl_record *head, void *out);
/* Role: W. Removes the chunks that `head` has passed. */
void mpl_overflow_sweep(struct mpl_reader *r, struct mpl_view *v, uint64_t head);
/* Role: W. Removes every chunk of the service. Only for one that is being taken down: nothing is unread. */
void mpl_overflow_remove(struct mpl_reader *r);
/* Role: W, now and then. Removes chunks that their lanes have passed, and counts the others: a producer that was killed between counting a chunk and making it has counted one too many.
 * One that is between the two at this moment is missed: the bound may be passed by as many chunks as there are such producers. */
void mpl_overflow_count(struct mpl_reader *r);
void mpl_overflow_close(struct mpl_view *v);

#endif

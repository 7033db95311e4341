/* SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"

#include <string.h>

uint32_t mpl_frame_sum(const struct mpl_record *head, const void *payload)
{
    static const char zeros[8];
    const size_t pad = head->len - sizeof *head - head->payload_len;
    return mpl_crc32c(mpl_crc32c(mpl_crc32c(0, head, sizeof *head), payload, head->payload_len), zeros, pad);
}

int mpl_frame_judge(const struct mpl_frame *frame, const struct mpl_record *record, size_t got, uint64_t have)
{
    if (got < sizeof *frame)
        return MPL_E_CORRUPT;
    if (!frame->len)
        return frame->crc ? MPL_E_CORRUPT : 0;
    if (got < MPL_FRAME_HEAD || frame->len < sizeof *record || frame->len % 8 || sizeof *frame + (uint64_t)frame->len > have)
        return MPL_E_CORRUPT;
    if (record->len != frame->len || record->payload_len > record->len - sizeof *record || record->len != mpl_align8(sizeof *record + record->payload_len))
        return MPL_E_CORRUPT;
    return 1;
}

int mpl_frame_read(const char *bytes, size_t size, size_t *at, struct mpl_record *head, const char **payload)
{
    struct mpl_frame frame = {0};
    const size_t have = size - *at;
    if (!have)
        return 0;
    memcpy(&frame, bytes + *at, have < sizeof frame ? have : sizeof frame);
    if (have >= MPL_FRAME_HEAD)
        memcpy(head, bytes + *at + sizeof frame, sizeof *head);
    int rc = mpl_frame_judge(&frame, head, have < MPL_FRAME_HEAD ? have : MPL_FRAME_HEAD, have);
    if (rc <= 0)
        return rc;
    *payload = bytes + *at + MPL_FRAME_HEAD;
    if (mpl_crc32c(0, bytes + *at + sizeof frame, frame.len) != frame.crc)
        return MPL_E_CORRUPT;
    *at += sizeof frame + frame.len;
    return 1;
}

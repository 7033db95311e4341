/* SPDX-License-Identifier: Apache-2.0
 *
 * A frame of the overflow with one word of it damaged is none, whichever word; the end mark and a frame that is whole are told apart from it. */
#include "frame.h"
#include "check.h"

#define PAYLOAD "a payload"

static struct {
    struct mpl_frame frame;
    struct mpl_record record;
    char payload[16];
} whole, damaged;

static int judge(size_t got, uint64_t have) { return mpl_frame_judge(&damaged.frame, &damaged.record, got, have); }

#define WITH(what) (damaged = whole, damaged.what, judge(sizeof damaged, sizeof damaged))

static int test(const char *dir)
{
    const struct mpl_record record = {.len = sizeof record + 16, .epoch = 1, .seq = 1, .payload_len = sizeof PAYLOAD - 1};
    struct mpl_record head;
    const char *payload;
    size_t at = 0;
    whole.record = record;
    memcpy(whole.payload, PAYLOAD, sizeof PAYLOAD - 1);
    whole.frame = (struct mpl_frame){.crc = mpl_frame_sum(&record, PAYLOAD), .len = record.len};

    CHECK_EQ(WITH(frame = whole.frame), 1);
    CHECK_EQ(judge(MPL_FRAME_HEAD - 1, sizeof whole), MPL_E_CORRUPT);
    CHECK_EQ(judge(sizeof whole.frame - 1, sizeof whole), MPL_E_CORRUPT);
    CHECK_EQ(judge(sizeof whole, sizeof whole - 1), MPL_E_CORRUPT); /* it would end behind the last one */
    CHECK_EQ(WITH(frame.len = 0), MPL_E_CORRUPT);                   /* an end mark has no sum */
    CHECK_EQ(WITH(frame.len = damaged.frame.crc = 0), 0);
    CHECK_EQ(WITH(frame.len = sizeof record - 8), MPL_E_CORRUPT);
    CHECK_EQ(WITH(frame.len += 4), MPL_E_CORRUPT);
    CHECK_EQ(WITH(frame.len -= 8), MPL_E_CORRUPT);
    CHECK_EQ(WITH(record.len += 8), MPL_E_CORRUPT);
    CHECK_EQ(WITH(record.payload_len = sizeof damaged), MPL_E_CORRUPT);
    CHECK_EQ(WITH(record.payload_len = 8), MPL_E_CORRUPT); /* the record would be shorter */
    CHECK_EQ(WITH(record.payload_len = 17), MPL_E_CORRUPT);

    damaged = whole;
    CHECK_EQ(mpl_frame_read((const char *)&damaged, sizeof damaged, &at, &head, &payload), 1);
    CHECK_EQ(at, sizeof damaged);
    CHECK(memcmp(payload, PAYLOAD, sizeof PAYLOAD - 1) == 0);
    CHECK_EQ(mpl_frame_read((const char *)&damaged, sizeof damaged, &at, &head, &payload), 0);
    for (size_t i = 0; i < sizeof whole; i++) {
        damaged = whole;
        ((char *)&damaged)[i] ^= 1;
        at = 0;
        CHECK_EQ(mpl_frame_read((const char *)&damaged, sizeof damaged, &at, &head, &payload), MPL_E_CORRUPT);
    }
    (void)dir;
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames of any bytes, as they may stand in a chunk or in a file of what was kept: none is read out of bounds, what is read is whole, and framed again it is
 * the same. The same bytes as a chunk of the overflow: the writer drains them or sets the lane aside. */
#include "fuzz.h"
#include "ring/overflow.h"

static void as_file(const char *bytes, size_t size)
{
    struct mpl_record head;
    const char *payload;
    size_t at = 0, before = 0;
    int rc;
    while ((rc = mpl_frame_read(bytes, size, &at, &head, &payload)) > 0) {
        struct mpl_frame frame;
        REQUIRE(at <= size && at > before && payload >= bytes && payload + head.payload_len <= bytes + at);
        memcpy(&frame, bytes + before, sizeof frame);
        REQUIRE(frame.crc == mpl_frame_sum(&head, payload) && frame.len == head.len);
        before = at;
    }
    REQUIRE(at == before && (rc == 0 || rc == MPL_E_CORRUPT));
}

static void as_chunk(const char *bytes, size_t size)
{
    static struct mpl_producer p;
    struct mpl_reader r;
    char path[MPL_PATH];
    if (!p.lane) {
        fuzz_service();
        REQUIRE(mpl_producer_init(&p, fuzz_dir, SERVICE, "fuzz") == 0 && mpl_attach(&p) == 0);
        mpl_store(&p.lane->ovf_end, 0);
        mpl_store(&p.lane->ovf_head, 0);
        mpl_store(&p.lane->drop_last, UINT64_C(1) << 60);
    }
    snprintf(path, sizeof path, "%s/%s.%u.%012llx.%u.0.overflow", fuzz_dir, SERVICE, MPL_ABI, (unsigned long long)p.segment_id, p.lane_number);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0 && pwrite(fd, bytes, size, 0) == (ssize_t)size);
    close(fd);
    mpl_store(&p.lane->ovf_end, size & ~(size_t)7);
    mpl_store(&p.lane->ovf_rsv, size & ~(size_t)7);
    mpl_store(&p.lane->quarantined, 0);
    REQUIRE(mpl_reader_open(&r, fuzz_dir, SERVICE, true, 1u << 20) == 0);
    REQUIRE(mpl_reader_scan(&r, NULL) >= 0);
    REQUIRE(mpl_drain(&r, 1u << 20) >= 0);
    mpl_reader_close(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    as_file((const char *)bytes, size);
    as_chunk((const char *)bytes, fuzz_min(size, 1u << 16));
    return 0;
}

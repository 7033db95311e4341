/* SPDX-License-Identifier: Apache-2.0
 *
 * A segment's header of any bytes: what mpl_header_check lets pass is mapped, scanned and drained without a byte out of bounds. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static char *base;
    static char saved[MPL_PAGE];
    struct mpl_reader r;
    struct mpl_header head = {0};
    if (!base) {
        fuzz_service();
        base = fuzz_map("0.ring", MPL_PAGE);
        memcpy(saved, base, MPL_PAGE);
    }
    memcpy(&head, bytes, fuzz_min(size, sizeof head));
    for (uint64_t file = 0; file < 1u << 27; file = file * 3 + 4095)
        if (mpl_header_check(&head, file) == 0)
            REQUIRE(head.data_off + head.lanes * head.data_stride <= file);
    memcpy(base, bytes, fuzz_min(size, MPL_PAGE));
    REQUIRE(mpl_reader_open(&r, fuzz_dir, SERVICE, true, 1u << 20) == 0);
    REQUIRE(mpl_reader_scan(&r, NULL) >= 0);
    REQUIRE(mpl_drain(&r, 1u << 20) >= 0);
    mpl_owned(&r);
    mpl_pending(&r);
    mpl_reader_close(&r);
    memcpy(base, saved, MPL_PAGE);
    return 0;
}

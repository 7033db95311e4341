/* SPDX-License-Identifier: Apache-2.0
 *
 * A journal's checksum is the same number whether the processor has an instruction for it or not, at any length and alignment, and in pieces. */
#include "check.h"

#define BYTES 20000u

static int test(const char *dir)
{
    static uint8_t bytes[BYTES + 16];
    uint64_t state = 20261122;
    (void)dir;
    for (size_t i = 0; i < sizeof bytes; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (uint8_t)(state >> 56);
    }
    CHECK_EQ(mpl_crc32c_portable(0, "123456789", 9), 0xe3069283u);
    CHECK_EQ(mpl_crc32c(0, "123456789", 9), 0xe3069283u);
    for (size_t n = 0; n < BYTES; n = n < 64 ? n + 1 : n * 9 / 8)
        for (size_t at = 0; at < 16; at += 3) {
            uint32_t whole = mpl_crc32c_portable(0, bytes + at, n);
            CHECK_EQ(mpl_crc32c(0, bytes + at, n), whole);
            CHECK_EQ(mpl_crc32c(mpl_crc32c(0, bytes + at, n / 3), bytes + at + n / 3, n - n / 3), whole);
            CHECK_EQ(mpl_crc32c(7, bytes + at, n), mpl_crc32c_portable(7, bytes + at, n));
        }
    for (size_t strides = 1; strides <= 6; strides++) /* where three sums are joined, and one byte to either side */
        for (size_t n = strides * 3072 - 1; n <= strides * 3072 + 1; n++)
            CHECK_EQ(mpl_crc32c(0, bytes, n), mpl_crc32c_portable(0, bytes, n));
    return 0;
}

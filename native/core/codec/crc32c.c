/* SPDX-License-Identifier: Apache-2.0
 *
 * CRC-32C (Castagnoli), reflected polynomial 0x82f63b78, as RFC 3720 appendix B.4 has it: by the processor's instruction where there is one, else by slices of eight. */
#include <string.h>

#include "mpl.h"

static uint32_t table[8][256];

__attribute__((constructor)) static void fill(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = c & 1 ? c >> 1 ^ 0x82f63b78u : c >> 1;
        table[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int t = 1; t < 8; t++)
            table[t][i] = table[t - 1][i] >> 8 ^ table[0][table[t - 1][i] & 255];
}

uint32_t mpl_crc32c_portable(uint32_t crc, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    crc = ~crc;
    for (; len >= 8; len -= 8, p += 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        v ^= crc;
        crc = table[7][v & 255] ^ table[6][v >> 8 & 255] ^ table[5][v >> 16 & 255] ^ table[4][v >> 24 & 255] ^ table[3][v >> 32 & 255] ^
              table[2][v >> 40 & 255] ^ table[1][v >> 48 & 255] ^ table[0][v >> 56];
    }
    for (; len; len--, p++)
        crc = crc >> 8 ^ table[0][(crc ^ *p) & 255];
    return ~crc;
}

#if defined __x86_64__
#include <nmmintrin.h>
#include <wmmintrin.h>

#define STRIDE 1024u         /* three of them go through the instruction side by side: its result takes three cycles, and a new one begins in each */
#define PAST_ONE 0x170076fau /* x^(8 * STRIDE - 33) mod the polynomial, reflected: moves a sum past the bytes of one stride */
#define PAST_TWO 0xa51b6135u /* of two */

__attribute__((target("sse4.2,pclmul"))) static uint64_t past(uint64_t crc, uint32_t strides)
{
    __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)crc), _mm_cvtsi32_si128((int)strides), 0);
    return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

static uint64_t word(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

__attribute__((target("sse4.2,pclmul"))) static uint32_t by_instruction(uint32_t crc, const uint8_t *p, size_t len)
{
    uint64_t a = ~crc;
    a &= UINT32_MAX;
    for (; len >= 3 * STRIDE; len -= 3 * STRIDE, p += 3 * STRIDE) {
        uint64_t b = 0, c = 0;
        for (size_t i = 0; i < STRIDE; i += 8) {
            a = _mm_crc32_u64(a, word(p + i));
            b = _mm_crc32_u64(b, word(p + STRIDE + i));
            c = _mm_crc32_u64(c, word(p + 2 * STRIDE + i));
        }
        a = past(a, PAST_TWO) ^ past(b, PAST_ONE) ^ c;
    }
    for (; len >= 8; len -= 8, p += 8)
        a = _mm_crc32_u64(a, word(p));
    for (; len; len--, p++)
        a = _mm_crc32_u8((uint32_t)a, *p);
    return ~(uint32_t)a;
}
#endif

uint32_t mpl_crc32c(uint32_t crc, const void *bytes, size_t len)
{
#if defined __x86_64__
    if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul"))
        return by_instruction(crc, bytes, len);
#endif
    return mpl_crc32c_portable(crc, bytes, len);
}

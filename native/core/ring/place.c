/* SPDX-License-Identifier: Apache-2.0
 *
 * Where things are and who holds them: paths, locks, clocks, identities. Nothing here knows lanes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "mpl.h"

const char *mpl_strerror(int code)
{
    switch (code) {
#define ERROR(name, number, text) \
    case name: \
        return text;
#include "errors.def"
    default:
        return strerror(-code);
    }
}

static int lock_call(int fd, int command, short type, off_t byte, off_t count, struct flock *out)
{
    struct flock f = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = count};
    int rc = fcntl(fd, command, &f) < 0 ? -errno : 0;
    if (out)
        *out = f;
    return rc;
}

int mpl_lock(int fd, off_t byte, off_t count)
{
    return lock_call(fd, F_OFD_SETLK, F_WRLCK, byte, count, NULL);
}

int mpl_unlock(int fd, off_t byte, off_t count)
{
    return lock_call(fd, F_OFD_SETLK, F_UNLCK, byte, count, NULL);
}

int mpl_locked(int fd, off_t byte, off_t count)
{
    struct flock found;
    int rc = lock_call(fd, F_OFD_GETLK, F_WRLCK, byte, count, &found);
    return rc < 0 ? rc : found.l_type != F_UNLCK;
}

int mpl_path(char *out, const char *dir, const char *service, const char *suffix)
{
    int n = snprintf(out, MPL_PATH, "%s/%s.%u.%s", dir, service, MPL_ABI, suffix);
    return n < 0 || n >= MPL_PATH ? -ENAMETOOLONG : 0;
}

/* The kernel's id of this boot, as 16 bytes; zeros where it cannot be read, which agrees with nothing but itself. */
int mpl_boot_id(uint8_t out[16])
{
    char text[64] = {0};
    memset(out, 0, 16);
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    int digits = 0;
    for (ssize_t i = 0; i < n && digits < 32; i++) {
        char c = text[i];
        int v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (v < 0)
            continue;
        out[digits / 2] = (uint8_t)(out[digits / 2] << 4 | v);
        digits++;
    }
    return digits == 32 ? 0 : MPL_E_CORRUPT;
}

uint64_t mpl_now(int clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t mpl_random(void)
{
    uint64_t v = 0;
    while (getrandom(&v, sizeof v, 0) != sizeof v) {
    }
    return v;
}

/* CRC-32C (Castagnoli), reflected polynomial 0x82f63b78, as RFC 3720 appendix B.4 has it; slicing by 8. */
static uint32_t crc_table[8][256];

__attribute__((constructor)) static void crc_fill(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = c & 1 ? c >> 1 ^ 0x82f63b78u : c >> 1;
        crc_table[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int t = 1; t < 8; t++)
            crc_table[t][i] = crc_table[t - 1][i] >> 8 ^ crc_table[0][crc_table[t - 1][i] & 255];
}

uint32_t mpl_crc32c(uint32_t crc, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    crc = ~crc;
    for (; len >= 8; len -= 8, p += 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        v ^= crc;
        crc = crc_table[7][v & 255] ^ crc_table[6][v >> 8 & 255] ^ crc_table[5][v >> 16 & 255] ^ crc_table[4][v >> 24 & 255] ^
              crc_table[3][v >> 32 & 255] ^ crc_table[2][v >> 40 & 255] ^ crc_table[1][v >> 48 & 255] ^ crc_table[0][v >> 56];
    }
    for (; len; len--, p++)
        crc = crc >> 8 ^ crc_table[0][(crc ^ *p) & 255];
    return ~crc;
}

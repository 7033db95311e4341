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

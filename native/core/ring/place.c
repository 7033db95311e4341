/* SPDX-License-Identifier: Apache-2.0
 *
 * Where things are and who holds them: paths, locks, clocks, identities. Nothing here knows lanes. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "mpl.h"

#define TRUST_LOOKS 8u

const char *mpl_strerror(int code)
{
    switch (code) {
#define ERROR(name, number, code, text) \
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

/* By hand: in a forked worker every page of the C library's printf that is touched for the first time takes longer than the whole path. */
static char *put(char *at, const char *end, const char *text)
{
    size_t len = strlen(text);
    if (!at || len >= (size_t)(end - at))
        return NULL;
    return (char *)memcpy(at, text, len + 1) + len;
}

static char *put_number(char *at, const char *end, uint32_t number)
{
    char digits[12], *first = digits + sizeof digits - 1;
    *first = 0;
    do
        *--first = (char)('0' + number % 10);
    while (number /= 10);
    return put(at, end, first);
}

static char *put_stem(char *out, const char *end, const char *dir, const char *service)
{
    char *at = put(put(put(put(out, end, dir), end, "/"), end, service), end, ".");
    return put(put_number(at, end, MPL_ABI), end, ".");
}

int mpl_path(char *out, const char *dir, const char *service, const char *suffix)
{
    const char *end = out + MPL_PATH;
    return put(put_stem(out, end, dir, service), end, suffix) ? 0 : -ENAMETOOLONG;
}

int mpl_segment_path(char *out, const char *dir, const char *service, uint32_t number)
{
    const char *end = out + MPL_PATH;
    return put(put_number(put_stem(out, end, dir, service), end, number), end, ".ring") ? 0 : -ENAMETOOLONG;
}

bool mpl_attended(const char *dir, const char *service)
{
    char path[MPL_PATH];
    int fd = mpl_path(path, dir, service, "bell") ? -1 : open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return true;
    bool held = mpl_locked(fd, MPL_LOCK_SUPERVISOR, 1) != 0;
    close(fd);
    return held;
}

/* Whether the writer has ended a batch since the last look: then it lives, and looks itself whether the bell is still the one at its path. It is taken at
 * its word so often: a writer that never comes to that look is found out all the same. That its supervisor has died it says by the word that names it. */
static bool has_moved(struct mpl_producer *p)
{
    const uint64_t done = mpl_load(&p->bell->done);
    const bool moved = done != p->seen.done && p->seen.trusted < TRUST_LOOKS && mpl_load(&p->bell->supervisor_pid);
    p->seen.done = done;
    p->seen.trusted = moved ? p->seen.trusted + 1 : 0;
    return moved;
}

/* Role: P, once a second, within a log call: no system call while events flow, else four, and nothing that waits. What is amiss is for the binding to
 * find out. */
bool mpl_all_well(struct mpl_producer *p)
{
    char path[MPL_PATH];
    struct stat st;
    if (!p->bell || mpl_load_acquire(&p->bell->problem_seq) != p->seen.problem || p->overflow_error)
        return false;
    if (has_moved(p))
        return true;
    int fd = mpl_path(path, p->dir, p->service, "bell") ? -1 : open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    bool same = !fstat(fd, &st) && st.st_dev == p->seen.dev && st.st_ino == p->seen.ino;
    bool held = same && mpl_locked(fd, MPL_LOCK_SUPERVISOR, 1) != 0;
    close(fd);
    return held;
}

static int read_boot_id(uint8_t out[16])
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
        if (c == '-')
            continue; /* all others are digits */
        out[digits / 2] = (uint8_t)(out[digits / 2] << 4 | (c <= '9' ? c - '0' : c - 'a' + 10));
        digits++;
    }
    return digits == 32 ? 0 : MPL_E_CORRUPT;
}

/* The kernel's id of this boot, as 16 bytes; zeros where it cannot be read, which agrees with nothing but itself. No process outlives a boot, nor
 * do its children: it is read once. */
int mpl_boot_id(uint8_t out[16])
{
    static mpl_a64 known[2];
    static mpl_a32 read_once;
    uint64_t words[2];
    if (!mpl_load_acquire(&read_once)) { /* ORD(boot:A) acquire; pairs with ORD(boot:B) */
        int rc = read_boot_id(out);
        if (rc)
            return rc;
        memcpy(words, out, 16);
        mpl_store(&known[0], words[0]);
        mpl_store(&known[1], words[1]);
        mpl_store_release(&read_once, 1); /* ORD(boot:B) release: the two words; pairs with ORD(boot:A). Two threads store the same */
        return 0;
    }
    words[0] = mpl_load(&known[0]);
    words[1] = mpl_load(&known[1]);
    memcpy(out, words, 16);
    return 0;
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

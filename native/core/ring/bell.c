/* SPDX-License-Identifier: Apache-2.0
 *
 * The bell: one page a service with the words that wake the writer, what it counts, and, behind that page, the configuration it was
 * born with. The file is built under a temporary name and linked into place, so it is never seen half made.
 *
 * Pairs kept here:
 *   bell:A / sleep:A   a producer's tail before its look at `sleeping`; the writer's `sleeping` before its last look at the tails
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fresh.h"
#include "mpl.h"

static int write_all(int fd, const void *bytes, size_t len, off_t at)
{
    const char *p = bytes;
    while (len) {
        ssize_t n = pwrite(fd, p, len, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        p += n, len -= (size_t)n, at += n;
    }
    return 0;
}

static int bell_check(const struct mpl_bell *b, uint64_t file_bytes)
{
    if (b->magic != MPL_MAGIC_BELL || b->byte_order != MPL_BYTE_ORDER)
        return MPL_E_CORRUPT;
    if (b->abi != MPL_ABI)
        return MPL_E_ABI;
    if (b->conf_off < MPL_PAGE || b->conf_len > 1u << 20 || (uint64_t)b->conf_off + b->conf_len > file_bytes)
        return MPL_E_CORRUPT;
    return 0;
}

/* Role: any. Returns 0 and links the new file, -EEXIST when another process was first. */
static int bell_create(const char *path, const char *dir, const void *conf, size_t conf_len)
{
    struct mpl_fresh file;
    struct mpl_bell b = {.magic = MPL_MAGIC_BELL, .abi = MPL_ABI, .byte_order = MPL_BYTE_ORDER, .conf_off = MPL_PAGE, .conf_len = (uint32_t)conf_len};
    b.conf_crc = mpl_crc32c(0, conf, conf_len);
    b.service_id = mpl_random();
    b.created_ns = mpl_now(CLOCK_REALTIME);
    mpl_boot_id(b.boot_id);
    mpl_store(&b.state, MPL_LIVE);
    int rc = mpl_fresh_open(&file, dir);
    if (rc)
        return rc;
    rc = fallocate(file.fd, 0, 0, (off_t)(MPL_PAGE + conf_len)) ? -errno : 0;
    if (!rc)
        rc = write_all(file.fd, &b, sizeof b, 0);
    if (!rc)
        rc = write_all(file.fd, conf, conf_len, MPL_PAGE);
    if (!rc)
        rc = mpl_fresh_link(&file, path);
    mpl_fresh_close(&file);
    return rc;
}

int mpl_bell_open(const char *dir, const char *service, const void *conf, size_t conf_len, struct mpl_bell **out, bool *created)
{
    char path[MPL_PATH];
    struct stat st;
    int rc = mpl_path(path, dir, service, "bell");
    *created = false;
    for (int attempt = 0; !rc && attempt < 100; attempt++) {
        int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0 && errno == ENOENT && conf) {
            rc = bell_create(path, dir, conf, conf_len);
            *created = rc == 0;
            rc = rc == -EEXIST ? 0 : rc;
            continue;
        }
        if (fd < 0)
            return -errno;
        if (fstat(fd, &st) || st.st_size < (off_t)MPL_PAGE) {
            close(fd);
            return MPL_E_CORRUPT;
        }
        void *page = mmap(NULL, MPL_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        rc = page == MAP_FAILED ? -errno : bell_check(page, (uint64_t)st.st_size);
        close(fd);
        if (rc) {
            if (page != MAP_FAILED)
                munmap(page, MPL_PAGE);
            return rc;
        }
        *out = page;
        return 0;
    }
    return rc ? rc : MPL_E_RETIRED;
}

void mpl_bell_close(struct mpl_bell *bell)
{
    if (bell)
        munmap(bell, MPL_PAGE);
}

int mpl_bell_conf(const char *dir, const char *service, void *out, size_t *len)
{
    char path[MPL_PATH];
    struct mpl_bell b;
    struct stat st;
    int rc = mpl_path(path, dir, service, "bell");
    if (rc)
        return rc;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) || pread(fd, &b, sizeof b, 0) != sizeof b)
        rc = MPL_E_CORRUPT;
    if (!rc)
        rc = bell_check(&b, (uint64_t)st.st_size);
    if (!rc && b.conf_len > *len)
        rc = MPL_E_ARG;
    if (!rc && (pread(fd, out, b.conf_len, b.conf_off) != (ssize_t)b.conf_len || mpl_crc32c(0, out, b.conf_len) != b.conf_crc))
        rc = MPL_E_CORRUPT;
    *len = b.conf_len;
    close(fd);
    return rc;
}

void mpl_bell_wake(struct mpl_bell *bell)
{
    if (mpl_exchange(&bell->sleeping, MPL_AWAKE))
        syscall(SYS_futex, &bell->sleeping, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* Role: P. One load in the usual case; a system call only when the writer sleeps. */
void mpl_bell_ring(struct mpl_bell *bell)
{
    mpl_fence_full(); /* ORD(bell:A) seq_cst: what was published, or waits, then the look at sleeping; pairs with ORD(sleep:A), ORD(sleep:B) */
    if (mpl_load(&bell->sleeping))
        mpl_bell_wake(bell);
}

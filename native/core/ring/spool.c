/* SPDX-License-Identifier: Apache-2.0 */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int spool_path(char *out, const struct mpl_journal *j, uint32_t sink)
{
    char suffix[24];
    snprintf(suffix, sizeof suffix, "%u.spool", sink);
    return mpl_path(out, j->dir, j->service, suffix);
}

static int spool_open(const struct mpl_journal *j, uint32_t sink, int flags)
{
    char path[MPL_PATH];
    int rc = spool_path(path, j, sink);
    if (rc)
        return rc;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    return fd < 0 ? -errno : fd;
}

static int pwrite_all(int fd, const void *bytes, uint64_t len, uint64_t at)
{
    for (const char *from = bytes; len;) {
        ssize_t n = pwrite(fd, from, len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        from += n, len -= (uint64_t)n, at += (uint64_t)n;
    }
    return 0;
}

static int pread_all(int fd, void *bytes, uint64_t len, uint64_t at)
{
    for (char *to = bytes; len;) {
        ssize_t n = pread(fd, to, len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : MPL_E_CORRUPT;
        to += n, len -= (uint64_t)n, at += (uint64_t)n;
    }
    return 0;
}

int mpl_spool_append(const struct mpl_journal *j, uint32_t sink, uint64_t at, const char *bytes, uint64_t len)
{
    const uint32_t head[2] = {mpl_crc32c(0, bytes, len), (uint32_t)len};
    int fd = spool_open(j, sink, O_CREAT);
    if (fd < 0)
        return fd;
    int rc = pwrite_all(fd, head, sizeof head, at) ?: pwrite_all(fd, bytes, len, at + sizeof head);
    close(fd);
    return rc;
}

int64_t mpl_spool_load(const struct mpl_journal *j, uint32_t sink, char *out, size_t room)
{
    const struct mpl_file *f = mpl_journal_file(j, sink);
    uint32_t head[2];
    if (f->spool_head == f->spool_end)
        return 0;
    int fd = spool_open(j, sink, 0);
    if (fd < 0)
        return fd == -ENOENT ? MPL_E_CORRUPT : fd;
    int rc = pread_all(fd, head, sizeof head, f->spool_head);
    if (!rc && (!head[1] || head[1] > room || mpl_spool_bytes(head[1]) > f->spool_end - f->spool_head || f->spool_from > head[1]))
        rc = MPL_E_CORRUPT;
    if (!rc)
        rc = pread_all(fd, out, head[1], f->spool_head + sizeof head);
    close(fd);
    if (!rc && mpl_crc32c(0, out, head[1]) != head[0])
        rc = MPL_E_CORRUPT;
    return rc ? rc : (int64_t)head[1];
}

int mpl_spool_reserve(const struct mpl_journal *j, uint32_t sink, uint64_t bytes)
{
    int fd = spool_open(j, sink, O_CREAT);
    if (fd < 0)
        return fd;
    int rc = fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)mpl_journal_file(j, sink)->spool_end, (off_t)bytes) ? -errno : 0;
    close(fd);
    return rc == -EOPNOTSUPP ? 0 : rc;
}

void mpl_spool_trim(struct mpl_journal *j, uint32_t sink)
{
    struct mpl_file file = *mpl_journal_file(j, sink);
    if (file.spool_head == file.spool_end) {
        file.spool_head = file.spool_end = file.spool_from = 0;
        mpl_journal_set_file(j, sink, &file);
        mpl_spool_remove(j, sink);
        return;
    }
    int fd = spool_open(j, sink, 0);
    if (fd < 0)
        return;
    fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)(file.spool_head / MPL_PAGE * MPL_PAGE));
    close(fd);
}

void mpl_spool_forget(struct mpl_journal *j, uint32_t sink)
{
    struct mpl_file file = *mpl_journal_file(j, sink);
    file.spool_head = file.spool_end;
    file.spool_from = 0;
    mpl_journal_set_file(j, sink, &file);
    mpl_spool_trim(j, sink);
}

void mpl_spool_remove(const struct mpl_journal *j, uint32_t sink)
{
    char path[MPL_PATH];
    if (!spool_path(path, j, sink))
        unlink(path);
}

/* One file's words; the writer may flip them meanwhile, so they count where nothing has flipped. */
static int read_owed(int fd, uint32_t sink, uint64_t *owed)
{
    struct mpl_sink_entry s, again;
    const uint64_t at = offsetof(struct mpl_journal_page, sinks) + sink * sizeof s;
    for (int tries = 0; tries < 100; tries++) {
        int rc = pread_all(fd, &s, sizeof s, at) ?: pread_all(fd, &again, sizeof again, at);
        if (rc)
            return rc;
        const struct mpl_file *f = &s.files[mpl_load(&s.flip) & 1];
        if (mpl_load(&s.flip) == mpl_load(&again.flip) && f->spool_head <= f->spool_end) {
            *owed = f->spool_end - f->spool_head;
            return 0;
        }
    }
    return MPL_E_CORRUPT;
}

int mpl_owed(const char *dir, const char *service, uint64_t owed[MPL_MAX_SINKS])
{
    char path[MPL_PATH];
    uint8_t boot[16];
    struct mpl_journal_page g;
    memset(owed, 0, MPL_MAX_SINKS * sizeof *owed);
    int rc = mpl_path(path, dir, service, "journal");
    int fd = rc ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return rc ?: errno == ENOENT ? 0 : -errno;
    rc = pread_all(fd, &g, offsetof(struct mpl_journal_page, sinks), 0);
    if (!rc && (g.magic != MPL_MAGIC_JOURNAL || g.byte_order != MPL_BYTE_ORDER || g.abi != MPL_ABI))
        rc = MPL_E_CORRUPT;
    const bool past = !rc && !mpl_boot_id(boot) && memcmp(boot, g.boot_id, sizeof boot) != 0;
    for (uint32_t i = 0; !rc && !past && i < MPL_MAX_SINKS; i++)
        rc = read_owed(fd, i, &owed[i]);
    close(fd);
    return rc;
}

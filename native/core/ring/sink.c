/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes at a file: looks at it first, then writes what is missing. All of it can be done again after a kill anywhere. */
#include "sink.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "hand.h"

struct mpl_target mpl_target_of(const struct mpl_write *w) { return w->targets[mpl_load_acquire(&w->flip) & 1]; }

void mpl_retarget(struct mpl_write *w, uint64_t offset, uint64_t from)
{
    uint32_t flip = mpl_load(&w->flip);
    w->targets[(flip + 1) & 1] = (struct mpl_target){.offset = offset, .from = from};
    mpl_store_release(&w->flip, flip + 1);
}

struct mpl_writing mpl_writing_of(struct mpl_write *w, const char *staged, int fd)
{
    return (struct mpl_writing){.w = w, .staged = staged, .fd = fd, .length = mpl_write_bytes(w), .anew = w->anew, .target = mpl_target_of(w)};
}

/* 0, or -ECANCELED by a hand that was given up: then its target is somebody else's matter. */
static int retarget(struct mpl_writing *x, uint64_t offset, uint64_t from)
{
    if (!mpl_hand_holds(x->hand))
        return -ECANCELED;
    x->target = (struct mpl_target){.offset = offset, .from = from};
    mpl_retarget(x->w, offset, from);
    mpl_hand_leaves(x->hand);
    return 0;
}

static ssize_t read_at(int fd, char *to, size_t n, uint64_t offset)
{
    ssize_t got;
    do
        got = pread(fd, to, n, (off_t)offset);
    while (got < 0 && errno == EINTR);
    return got;
}

/* The longest common prefix of bytes[0, len) and the file from offset; -errno when the file cannot be read. */
static int64_t common_prefix(int fd, const char *bytes, uint64_t len, uint64_t offset)
{
    char chunk[65536];
    uint64_t k = 0;
    while (k < len) {
        size_t want = len - k < sizeof chunk ? len - k : sizeof chunk;
        ssize_t n = read_at(fd, chunk, want, offset + k);
        if (n < 0)
            return -errno;
        for (ssize_t i = 0; i < n; i++)
            if (chunk[i] != bytes[k + (uint64_t)i])
                return (int64_t)(k + (uint64_t)i);
        k += (uint64_t)n;
        if (n == 0)
            break;
    }
    return (int64_t)k;
}

static int pwrite_whole(struct mpl_writing *x, const char *bytes, uint64_t len, uint64_t offset)
{
    while (len) {
        if (mpl_hand_given_up(x->hand))
            return -ECANCELED;
        ssize_t n = pwrite(x->fd, bytes, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        KILL_POINT(commit_written_part);
        if ((uint64_t)n < len && SEEDED(short_write_believed))
            return 0;
        bytes += n, len -= (uint64_t)n, offset += (uint64_t)n;
    }
    return 0;
}

/* A line that somebody has left without its end gets one: the size then, or -errno. */
static int64_t end_line(struct mpl_writing *x, uint64_t size)
{
    char last = '\n';
    if (size && read_at(x->fd, &last, 1, size - 1) < 0)
        return -errno;
    if (last == '\n')
        return (int64_t)size;
    int rc = pwrite_whole(x, "\n", 1, size);
    return rc ? rc : (int64_t)size + 1;
}

/* Cut between our look and our write, the file has a hole before our bytes, and our first line would begin in it: the hole gets a line end of its own. */
static int end_hole(struct mpl_writing *x, uint64_t offset)
{
    char before = '\n';
    if (!offset || read_at(x->fd, &before, 1, offset - 1) != 1 || before)
        return 0;
    return pwrite_whole(x, "\n", 1, offset - 1) ?: MPL_FOUND_TRUNCATED | MPL_FOUND_FOREIGN;
}

/* Somebody else's bytes stand where ours should: go on behind them, on a line of our own, from our last line end that is in the file. */
static int step_behind_foreign(struct mpl_writing *x, uint64_t size, uint64_t common)
{
    const struct mpl_target t = x->target;
    const char *bytes = x->staged + t.from;
    uint64_t from = common;
    while (from && bytes[from - 1] != '\n')
        from--;
    int64_t end = end_line(x, size);
    if (end < 0)
        return (int)end;
    return retarget(x, (uint64_t)end, t.from + from) ?: MPL_FOUND_FOREIGN;
}

/* Somebody has made the file shorter: go on at its end, on a line of our own. */
static int step_back(struct mpl_writing *x, uint64_t size)
{
    int64_t end = end_line(x, size);
    if (end < 0)
        return (int)end;
    return retarget(x, (uint64_t)end, x->target.from) ?: MPL_FOUND_TRUNCATED;
}

int mpl_sink_write(struct mpl_writing *x)
{
    int found = 0;
    for (int round = 0; round < 8; round++) {
        struct stat st;
        const struct mpl_target t = x->target;
        const char *bytes = x->staged + t.from;
        const uint64_t len = x->length - t.from;
        int rc;
        if (fstat(x->fd, &st))
            return -errno;
        const uint64_t size = (uint64_t)st.st_size;
        if (size > t.offset && SEEDED(doubled_by_the_redo)) {
            retarget(x, size, t.from);
            continue;
        }
        if (size < t.offset) {
            rc = step_back(x, size);
        } else {
            int64_t common = size == t.offset ? 0 : common_prefix(x->fd, bytes, len, t.offset);
            if (common < 0)
                return (int)common;
            if ((uint64_t)common == len || size == t.offset + (uint64_t)common) {
                common = x->anew ? 0 : common;
                rc = pwrite_whole(x, bytes + common, len - (uint64_t)common, t.offset + (uint64_t)common) ?: end_hole(x, t.offset);
                return rc < 0 ? rc : found | rc;
            }
            rc = step_behind_foreign(x, size, (uint64_t)common);
        }
        if (rc < 0)
            return rc;
        found |= rc;
    }
    return -EBUSY; /* somebody appends faster than we look */
}

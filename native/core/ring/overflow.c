/* SPDX-License-Identifier: Apache-2.0 */
#include "overflow.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fault.h"
#include "lanes.h"

struct place { /* of a lane's overflow */
    const char *dir, *service;
    uint64_t segment_id;
    uint32_t lane;
};

static int chunk_path(char out[MPL_PATH], const struct place *at, uint64_t chunk)
{
    int n = snprintf(out, MPL_PATH, "%s/%s.%u.%012llx.%u.%llu.overflow", at->dir, at->service, MPL_ABI, (unsigned long long)at->segment_id, at->lane,
        (unsigned long long)chunk);
    return (unsigned)n >= MPL_PATH ? -ENAMETOOLONG : 0;
}

/* ---- the producer ---------------------------------------------------------------------------------------------------------- */
static int open_chunk(const struct mpl_producer *p, uint64_t chunk)
{
    const struct place at = {.dir = p->overflow_dir, .service = p->service, .segment_id = p->segment_id, .lane = p->lane_number};
    char path[MPL_PATH];
    int rc = chunk_path(path, &at, chunk);
    if (rc)
        return rc;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    return fd < 0 ? -errno : fd;
}

/* The service's chunks are bounded together; the last quarter is for WARNING and above. */
static int reserve_chunk(struct mpl_producer *p, unsigned level)
{
    const uint64_t bound = level < 30 ? p->overflow_bytes - p->overflow_bytes / 4 : p->overflow_bytes;
    if (mpl_add(&p->bell->overflow_bytes, MPL_CHUNK_BYTES) + MPL_CHUNK_BYTES <= bound && mpl_memory_fits(p))
        return 0;
    mpl_add(&p->bell->overflow_bytes, -MPL_CHUNK_BYTES);
    return -EDQUOT; /* a bound of ours; a full file system says ENOSPC itself */
}

/* What a killed append has left at the end of a chunk must not be taken for a frame. */
static int close_chunk(struct mpl_producer *p)
{
    const struct mpl_frame nothing = {0};
    int fd = open_chunk(p, mpl_chunk(p->ovf_end));
    if (fd < 0)
        return fd;
    ssize_t n = pwrite(fd, &nothing, sizeof nothing, (off_t)(p->ovf_end % MPL_CHUNK_BYTES));
    int rc = n == (ssize_t)sizeof nothing ? 0 : n < 0 ? -errno : -ENOSPC;
    close(fd);
    KILL_POINT(overflow_padded);
    return rc;
}

static int write_frame(struct mpl_producer *p, uint64_t place, const struct mpl_record *head, const void *payload)
{
    static const char zeros[8];
    const size_t pad = head->len - sizeof *head - head->payload_len;
    struct mpl_frame frame = {.crc = mpl_frame_sum(head, payload), .len = head->len};
    struct iovec parts[] = {{&frame, sizeof frame}, {(void *)(uintptr_t)head, sizeof *head}, {(void *)(uintptr_t)payload, head->payload_len},
        {(void *)(uintptr_t)zeros, pad}};
    int fd = open_chunk(p, mpl_chunk(place));
    if (fd < 0)
        return fd;
    ssize_t n = pwritev(fd, parts, 4, (off_t)(place % MPL_CHUNK_BYTES));
    int rc = n == (ssize_t)(sizeof frame + head->len) ? 0 : n < 0 ? -errno : -ENOSPC;
    close(fd);
    return rc;
}

int mpl_overflow_append(struct mpl_producer *p, uint64_t place, const struct mpl_record *head, const void *payload)
{
    const bool fresh = place % MPL_CHUNK_BYTES == 0;
    int rc = fresh ? reserve_chunk(p, head->level) : 0;
    if (rc)
        return rc;
    KILL_POINT(overflow_counted);
    if (place != p->ovf_end)
        rc = close_chunk(p);
    if (!rc)
        rc = write_frame(p, place, head, payload);
    if (rc && fresh)
        mpl_add(&p->bell->overflow_bytes, -MPL_CHUNK_BYTES);
    KILL_POINT(overflow_written);
    return rc;
}

/* ---- the writer -------------------------------------------------------------------------------------------------------------- */
static struct place place_of(const struct mpl_reader *r, const struct mpl_view *v)
{
    return (struct place){.dir = r->overflow_dir, .service = r->service, .segment_id = r->segments[v->segment].head.segment_id, .lane = v->number};
}

void mpl_overflow_close(struct mpl_view *v)
{
    if (v->ovf.fd >= 0)
        close(v->ovf.fd);
    v->ovf.fd = -1;
}

/* A file that somebody else has put there may be anything: it is opened without waiting, and must be a plain one. */
static bool open_for_reading(struct mpl_reader *r, struct mpl_view *v)
{
    const uint64_t chunk = mpl_chunk(v->ovf.cur);
    const struct place at = place_of(r, v);
    char path[MPL_PATH];
    struct stat st;
    if (v->ovf.fd >= 0 && v->ovf.chunk == chunk)
        return true;
    mpl_overflow_close(v);
    if (chunk_path(path, &at, chunk))
        return false;
    v->ovf.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    v->ovf.chunk = chunk;
    if (v->ovf.fd >= 0 && (fstat(v->ovf.fd, &st) || !S_ISREG(st.st_mode)))
        mpl_overflow_close(v);
    return v->ovf.fd >= 0;
}

int mpl_overflow_peek(struct mpl_reader *r, struct mpl_view *v, struct mpl_record *head)
{
    for (;;) { /* a chunk that is over is never the last one: the limit stands behind a frame */
        struct {
            struct mpl_frame frame;
            struct mpl_record record;
        } found;
        const uint64_t offset = v->ovf.cur % MPL_CHUNK_BYTES, rest = MPL_CHUNK_BYTES - offset, have = v->ovf.limit - v->ovf.cur;
        if (!open_for_reading(r, v))
            return MPL_E_CORRUPT;
        const ssize_t n = pread(v->ovf.fd, &found, sizeof found, (off_t)offset);
        const int rc = mpl_frame_judge(&found.frame, &found.record, n < 0 ? 0 : (size_t)n, rest < have ? rest : have);
        if (rc == 0 && rest < have) {
            v->ovf.cur += rest;
            continue;
        }
        if (rc <= 0)
            return MPL_E_CORRUPT;
        v->ovf.crc = found.frame.crc;
        *head = found.record;
        return 1;
    }
}

bool mpl_overflow_copy(struct mpl_view *v, const struct mpl_record *head, void *out)
{
    const off_t from = (off_t)(v->ovf.cur % MPL_CHUNK_BYTES + MPL_FRAME_HEAD);
    if (pread(v->ovf.fd, out, head->payload_len, from) != (ssize_t)head->payload_len)
        return false;
    return mpl_frame_sum(head, out) == v->ovf.crc;
}

static void uncount(struct mpl_reader *r)
{
    uint64_t now = mpl_load(&r->bell->overflow_bytes);
    while (now && !mpl_swap(&r->bell->overflow_bytes, now, now > MPL_CHUNK_BYTES ? now - MPL_CHUNK_BYTES : 0))
        now = mpl_load(&r->bell->overflow_bytes);
}

void mpl_overflow_sweep(struct mpl_reader *r, struct mpl_view *v, uint64_t head)
{
    const struct place at = place_of(r, v);
    char path[MPL_PATH];
    if (v->ovf.fd >= 0 && v->ovf.chunk < mpl_chunk(head))
        mpl_overflow_close(v);
    for (; v->ovf.swept < mpl_chunk(head); v->ovf.swept++) {
        if (chunk_path(path, &at, v->ovf.swept) == 0 && unlink(path) == 0)
            uncount(r);
        KILL_POINT(overflow_swept);
    }
}

/* Calls `each` with every chunk of the service. */
static void for_chunks(struct mpl_reader *r, void (*each)(struct mpl_reader *r, int dir, const char *name, const char *place, void *arg), void *arg)
{
    char stem[160];
    static const char suffix[] = ".overflow";
    const size_t n = (size_t)snprintf(stem, sizeof stem, "%s.%u.", r->service, MPL_ABI);
    DIR *dir = opendir(r->overflow_dir);
    for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        const size_t length = strlen(e->d_name);
        if (length >= n + sizeof suffix && strncmp(e->d_name, stem, n) == 0 && strcmp(e->d_name + length - sizeof suffix + 1, suffix) == 0)
            each(r, dirfd(dir), e->d_name, e->d_name + n, arg);
    }
    if (dir)
        closedir(dir);
}

static void remove_one(struct mpl_reader *r, int dir, const char *name, const char *place, void *arg)
{
    (void)r, (void)place, (void)arg;
    unlinkat(dir, name, 0);
}

void mpl_overflow_remove(struct mpl_reader *r) { for_chunks(r, remove_one, NULL); }

/* One that its lane has passed has been left by a writer that was killed before it removed it, or by a lane that was set aside. */
static void count_one(struct mpl_reader *r, int dir, const char *name, const char *place, void *arg)
{
    unsigned long long segment_id, chunk;
    unsigned lane;
    bool passed = false;
    if (sscanf(place, "%12llx.%u.%llu.", &segment_id, &lane, &chunk) == 3 && lane < MPL_MAX_LANES)
        for (uint32_t s = 0; s < MPL_MAX_SEGMENTS && !passed; s++)
            passed = r->views[s] && r->segments[s].head.segment_id == segment_id && r->views[s][lane].lane && chunk < mpl_chunk(r->views[s][lane].ovf.pos);
    if (passed)
        unlinkat(dir, name, 0);
    else
        *(uint64_t *)arg += MPL_CHUNK_BYTES;
}

void mpl_overflow_count(struct mpl_reader *r)
{
    uint64_t bytes = 0;
    for_chunks(r, count_one, &bytes);
    mpl_store(&r->bell->overflow_bytes, bytes);
}

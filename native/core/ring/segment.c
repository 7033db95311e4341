/* SPDX-License-Identifier: Apache-2.0
 *
 * Segments: made under a temporary name, initialised, linked into place; mapped and checked before a word of them is believed. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "fresh.h"
#include "lanes.h"

/* All that is believed about a segment's shape; whatever the header says beyond it is refused. */
int mpl_header_check(const struct mpl_header *h, uint64_t file_bytes)
{
    if (h->magic != MPL_MAGIC_SEGMENT || h->byte_order != MPL_BYTE_ORDER)
        return MPL_E_CORRUPT;
    if (h->abi != MPL_ABI)
        return MPL_E_ABI;
    if (h->header_bytes != sizeof *h || h->lanes == 0 || h->lanes > MPL_MAX_LANES || h->number >= MPL_MAX_SEGMENTS)
        return MPL_E_CORRUPT;
    if (h->control_off != MPL_PAGE || h->control_stride != MPL_PAGE || h->data_stride != MPL_LANE_LARGE)
        return MPL_E_CORRUPT;
    if (h->data_off != MPL_PAGE + (uint64_t)h->lanes * MPL_PAGE || h->data_off + h->lanes * h->data_stride > file_bytes)
        return MPL_E_CORRUPT;
    return 0;
}

/* On a machine with a tiny /dev/shm even control pages count: fewer lanes a segment there. */
static uint32_t lanes_for(int fd)
{
    struct statvfs fs;
    if (fstatvfs(fd, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize < (8u << 20))
        return 8;
    return MPL_MAX_LANES;
}

static void lane_init(struct mpl_lane *lane)
{
    mpl_store(&lane->rsv, MPL_ORIGIN);
    mpl_store(&lane->tail, MPL_ORIGIN);
    mpl_store(&lane->head, MPL_ORIGIN);
}

int mpl_segment_create(const char *dir, const char *service, uint32_t number)
{
    char path[MPL_PATH];
    struct mpl_fresh file;
    int rc = mpl_segment_path(path, dir, service, number);
    if (!rc)
        rc = mpl_fresh_open(&file, dir);
    if (rc)
        return rc;
    int fd = file.fd;
    struct mpl_header head = {.magic = MPL_MAGIC_SEGMENT, .abi = MPL_ABI, .byte_order = MPL_BYTE_ORDER, .header_bytes = sizeof head};
    head.lanes = lanes_for(fd);
    head.control_off = head.control_stride = MPL_PAGE;
    head.data_off = MPL_PAGE + (uint64_t)head.lanes * MPL_PAGE;
    head.data_stride = MPL_LANE_LARGE;
    head.segment_id = mpl_random() & 0xffffffffffffull;
    head.created_ns = mpl_now(CLOCK_REALTIME);
    head.number = number;
    mpl_boot_id(head.boot_id);
    mpl_store(&head.state, MPL_LIVE);
    /* fallocate(2) itself: glibc's emulation would touch pages that a full tmpfs cannot give, and that is SIGBUS. */
    if (fallocate(fd, 0, 0, (off_t)head.data_off) || ftruncate(fd, (off_t)(head.data_off + head.lanes * head.data_stride)))
        rc = -errno;
    char *base = rc ? MAP_FAILED : mmap(NULL, head.data_off, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (!rc && base == MAP_FAILED)
        rc = -errno;
    if (!rc) {
        for (uint32_t i = 0; i < head.lanes; i++)
            lane_init((struct mpl_lane *)(void *)(base + MPL_PAGE + (size_t)i * MPL_PAGE));
        memcpy(base, &head, sizeof head);
        munmap(base, head.data_off);
        rc = mpl_fresh_link(&file, path);
    }
    mpl_fresh_close(&file);
    return rc;
}

/* A file that the system does not want to tell of just now is not a broken one: a broken one goes with its service, unread. */
static int read_header(int fd, struct stat *st, struct mpl_header *head)
{
    if (fstat(fd, st))
        return -errno;
    if (!S_ISREG(st->st_mode) || st->st_size < (off_t)sizeof *head)
        return MPL_E_CORRUPT;
    const ssize_t n = pread(fd, head, sizeof *head, 0);
    if (n != (ssize_t)sizeof *head)
        return n < 0 ? -errno : -EIO;
    return mpl_header_check(head, (uint64_t)st->st_size);
}

int mpl_segment_open(struct mpl_segment *seg, const char *path, uint32_t number, bool writable)
{
    struct stat st;
    int rc = 0, fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    /* One that was not there a moment ago is not opened for reading alone: it may come in between, and a claimer could not map a lane of it. */
    if (fd < 0 && errno != ENOENT && !writable)
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    struct mpl_header head;
    rc = read_header(fd, &st, &head);
    if (!rc && head.number != number)
        rc = MPL_E_CORRUPT;
    if (rc)
        close(fd);
    else
        *seg = (struct mpl_segment){.fd = fd, .head = head, .dev = st.st_dev, .ino = st.st_ino};
    return rc;
}

int mpl_segment_map(struct mpl_segment *seg, const char *dir, const char *service, uint32_t number, int prot, bool whole)
{
    char path[MPL_PATH];
    int rc = mpl_segment_path(path, dir, service, number);
    if (!rc)
        rc = mpl_segment_open(seg, path, number, prot & PROT_WRITE);
    if (rc)
        return rc;
    seg->mapped = whole ? seg->head.data_off + seg->head.lanes * seg->head.data_stride : seg->head.data_off;
    seg->base = mmap(NULL, seg->mapped, prot, MAP_SHARED | MAP_NORESERVE, seg->fd, 0);
    if (seg->base != MAP_FAILED)
        return 0;
    rc = -errno;
    seg->base = NULL;
    mpl_segment_unmap(seg);
    return rc;
}

uint64_t mpl_segments_bytes(const char *dir, const char *service)
{
    uint64_t used = 0;
    for (uint32_t n = 0; n < MPL_MAX_SEGMENTS; n++) {
        char path[MPL_PATH];
        struct stat st;
        if (mpl_segment_path(path, dir, service, n) || stat(path, &st))
            break;
        used += (uint64_t)st.st_blocks * 512u;
    }
    return used;
}

/* The largest lane that leaves others their room: a quarter of it for 1 MiB lanes, up to a half for small ones. */
static uint32_t affordable(uint64_t used, uint64_t all)
{
    if (used + MPL_LANE_LARGE <= all / 4)
        return MPL_LANE_LARGE;
    if (used + MPL_LANE_MEDIUM <= all / 8 * 3)
        return MPL_LANE_MEDIUM;
    return used + MPL_LANE_SMALL <= all / 2 ? MPL_LANE_SMALL : 0;
}

/* By the file system, and by what the service may have: all of that is its own, so twice as much is asked about. */
static uint32_t largest(const struct mpl_producer *p, int fd)
{
    struct statvfs fs;
    const uint64_t used = mpl_segments_bytes(p->dir, p->service);
    uint32_t lane = MPL_LANE_SMALL;
    if (!fstatvfs(fd, &fs))
        lane = affordable(used, (uint64_t)fs.f_bavail * fs.f_frsize + used);
    const uint32_t own = p->memory_bytes ? affordable(mpl_load(&p->bell->lane_bytes), 2 * p->memory_bytes) : lane;
    return own < lane ? own : lane;
}

/* Each counts what it wants before it looks at the sum, so that no two get the last of it. */
bool mpl_memory_fits(const struct mpl_producer *p)
{
    if (!p->memory_bytes)
        return true;
    const bool beside = strcmp(p->overflow_dir, p->dir) == 0;
    mpl_fence_full(); /* ORD(memory:A) seq_cst: our part of the sum, then the other one; pairs with ORD(memory:A) of whoever adds to that one */
    return mpl_load(&p->bell->lane_bytes) + (beside ? mpl_load(&p->bell->overflow_bytes) : 0) <= p->memory_bytes;
}

static int reserve(struct mpl_producer *p, const struct mpl_segment *seg, uint32_t lane, uint32_t capacity)
{
    mpl_add(&p->bell->lane_bytes, capacity);
    int rc = mpl_memory_fits(p) ? 0 : -ENOSPC;
    if (!rc && fallocate(seg->fd, 0, (off_t)(seg->head.data_off + lane * seg->head.data_stride), capacity))
        rc = -errno;
    if (rc)
        mpl_add(&p->bell->lane_bytes, -(uint64_t)capacity);
    return rc;
}

int mpl_segment_reserve(struct mpl_producer *p, const struct mpl_segment *seg, uint32_t lane, struct mpl_lane *words)
{
    uint32_t capacity = largest(p, seg->fd);
    while (capacity >= MPL_LANE_SMALL) {
        int rc = reserve(p, seg, lane, capacity);
        if (!rc) {
            mpl_store(&words->capacity, capacity);
            return 0;
        }
        if (rc != -ENOSPC && rc != -EINTR)
            return rc;
        capacity = capacity > MPL_LANE_SMALL ? capacity / 4 : 0;
    }
    return -ENOSPC;
}

void mpl_segment_unmap(struct mpl_segment *seg)
{
    if (seg->base)
        munmap(seg->base, seg->mapped);
    if (seg->fd >= 0)
        close(seg->fd);
    seg->base = NULL;
    seg->fd = -1;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding a lane in a segment and making it this process's own (claim.c says what a claim is).
 *
 * Pairs kept here:
 *   claim:B / drain:F    the predecessor's ENDED before drop_last is zeroed; drop_last before the writer's look at that state
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "gap.h"
#include "lanes.h"
#include "session.h"

static void *pin_lane(const char *path, uint32_t lane, int *error)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        *error = -errno;
        return NULL;
    }
    void *page = mmap(NULL, MPL_PAGE, PROT_READ, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) {
        *error = -errno;
        page = NULL;
    } else if (madvise(page, MPL_PAGE, MADV_DONTFORK) || (*error = mpl_lock(fd, lane, 1)) != 0) {
        munmap(page, MPL_PAGE);
        page = NULL;
    }
    close(fd);
    return page;
}

static void open_session(struct mpl_producer *p, struct mpl_lane *lane)
{
    uint32_t epoch = mpl_load(&lane->epoch) + 1;
    epoch = epoch ? epoch : 1;
    struct mpl_slot *slot = &lane->slots[epoch % MPL_SLOTS];
    mpl_fence_release(); /* ORD(claim:B) release: the predecessor's ENDED, then drop_last; pairs with ORD(drain:F) */
    for (int i = 0; i < 2; i++) {
        mpl_store(&lane->marks[i].seq, 0);
        mpl_store(&lane->marks[i].tail, 0);
        mpl_store(&lane->marks[i].ovf_end, 0);
    }
    mpl_store(&lane->drop_last, 0);
    mpl_gap_forget(lane);
    for (unsigned i = 0; i < MPL_REASONS; i++)
        for (unsigned k = 0; k < MPL_LEVELS; k++)
            mpl_store(&lane->drops[i][k], 0);
    mpl_store(&slot->last, 0);
    mpl_store(&slot->end_pos, 0);
    mpl_store(&slot->end_ovf, 0);
    mpl_store(&slot->settled, 0);
    mpl_store(&slot->synced, 0);
    mpl_store(&slot->doubt, 0);
    for (unsigned i = 0; i < MPL_MAX_SINKS; i++) {
        mpl_store(&slot->told[i].delivered, 0);
        mpl_store(&slot->told[i].filtered, 0);
        mpl_store(&slot->told[i].untold, 0);
        mpl_store(&slot->told[i].lost_first, 0);
        mpl_store(&slot->told[i].lost_last, 0);
    }
    slot->start_ns = mpl_now(CLOCK_REALTIME);
    slot->pid = (uint32_t)getpid();
    slot->process_ino = mpl_process_ino();
    slot->clean = 0;
    memcpy(slot->name, p->name, MPL_NAME);
    mpl_store_release(&lane->epoch, epoch);
    mpl_store_release(&slot->epoch_state, mpl_session_word(epoch, p->final ? MPL_S_CLEAN : MPL_S_LIVE));
    p->epoch = epoch;
    p->slot = slot;
    mpl_add(&p->bell->arrivals, 1);
    p->doubt = 0;
}

/* Tries to make lane `number` of `seg` this process's own. 1 yes, 0 no, negative: the file system refuses. */
static int take(struct mpl_producer *p, const struct mpl_segment *seg, uint32_t number, const char *path)
{
    int error = 0;
    uint8_t boot[16];
    void *pin = pin_lane(path, number, &error);
    if (!pin)
        return error == -EAGAIN || error == -EACCES ? 0 : error;
    char *words = mmap(NULL, MPL_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, seg->fd, (off_t)(seg->head.control_off + number * MPL_PAGE));
    if (words == MAP_FAILED) {
        error = -errno;
        munmap(pin, MPL_PAGE);
        return error;
    }
    struct mpl_lane *lane = (struct mpl_lane *)(void *)words;
    char *data = MAP_FAILED;
    int rc = 0;
    if (mpl_load(&lane->quarantined) || !mpl_session_room(lane))
        rc = MPL_E_NOLANE;
    if (!rc && mpl_boot_id(boot) == 0 && memcmp(boot, seg->head.boot_id, 16) != 0)
        rc = MPL_E_NOLANE; /* of a former boot: for the writer to drain, not for us to add to */
    if (!rc && !mpl_load(&lane->capacity))
        rc = mpl_segment_reserve(p, seg, number, lane);
    if (rc == -ENOSPC && p->takes_bare)
        rc = 0;
    if (!rc && !mpl_lane_sane(lane))
        rc = MPL_E_NOLANE;
    if (!rc && p->when_full != MPL_OVERFLOW && mpl_load(&lane->ovf_head) != mpl_load(&lane->ovf_end))
        rc = MPL_E_NOLANE; /* what comes next stands behind that */
    uint32_t capacity = rc ? 0 : mpl_load(&lane->capacity);
    if (capacity) {
        data = mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_SHARED, seg->fd, (off_t)(seg->head.data_off + number * seg->head.data_stride));
        rc = data == MAP_FAILED ? -errno : 0;
    }
    if (rc) {
        munmap(words, MPL_PAGE);
        munmap(pin, MPL_PAGE);
        return rc == MPL_E_NOLANE ? 0 : rc;
    }
    mpl_session_end(lane);
    mpl_pad_unfinished(lane, data, capacity);
    mpl_store(&lane->ovf_rsv, mpl_load(&lane->ovf_end));
    open_session(p, lane);
    p->lane = lane;
    p->data = capacity ? data : NULL;
    p->pin = pin;
    p->data_bytes = capacity;
    p->pin_bytes = MPL_PAGE, p->generation = mpl_generation();
    p->tail = p->mapped = mpl_load(&lane->tail);
    p->lap_end = p->tail + capacity;
    p->head = mpl_load(&lane->head);
    p->ovf_end = mpl_load(&lane->ovf_end);
    p->overflowing = !capacity || mpl_load_acquire(&lane->ovf_head) != p->ovf_end;
    p->last_mono = mpl_load(&lane->last_mono);
    p->segment_id = seg->head.segment_id;
    p->segment = seg->head.number;
    p->lane_number = number;
    p->capacity = capacity;
    p->seq = p->published = 0;
    p->mark = p->taken = 0;
    p->claimed = true;
    p->detached = p->final;
    p->gave_up = false;
    return 1;
}

/* Of lanes that the writer has not told to be free: first those that are drained or fresh, then those with unread data of a dead owner, or in use. */
enum { DRAINED, FRESH, OTHER };

static int kind_of(const struct mpl_lane *lane)
{
    if (!mpl_load(&lane->capacity))
        return FRESH;
    bool drained = mpl_load(&lane->head) == mpl_load(&lane->rsv) && mpl_load(&lane->ovf_head) == mpl_load(&lane->ovf_end);
    uint32_t state = mpl_word_state(mpl_load(&lane->slots[mpl_load(&lane->epoch) % MPL_SLOTS].epoch_state));
    return drained && state != MPL_S_LIVE ? DRAINED : OTHER;
}

/* Lanes from the first one on, so that the few in use are soon found; within eight of them each process has an order of its own, so that a crowd that
 * starts at once does not try for the same one. */
static uint32_t nth_lane(uint32_t i, uint32_t own) { return (i & ~7u) | ((i ^ own) & 7u); }

/* A look at the lock is cheaper than trying for it. */
static int try_lane(struct mpl_producer *p, const struct mpl_segment *seg, uint32_t lane, const char *path)
{
    return mpl_locked(seg->fd, lane, 1) > 0 ? 0 : take(p, seg, lane, path);
}

/* A lane that the writer has told to be free: 1; 0, or why there is none. Each is told to one claimer. */
static int take_told(struct mpl_producer *p, const struct mpl_segment *seg, const char *path)
{
    mpl_a64 *told = &p->bell->free_lanes[seg->head.number];
    int found = 0;
    for (uint64_t bits = mpl_load(told); bits && found <= 0; bits = mpl_load(told)) {
        const uint64_t bit = bits & -bits;
        const uint32_t lane = (uint32_t)__builtin_ctzll(bit);
        if (mpl_and(told, ~bit) & bit && lane < seg->head.lanes)
            found = take(p, seg, lane, path);
    }
    return found;
}

/* The first of those `lanes` (bits, in that order) that can be had: 1; 0, or why there is none. */
static int take_one_of(struct mpl_producer *p, const struct mpl_segment *seg, const char *path, uint64_t lanes, uint32_t own)
{
    int found = 0;
    for (uint32_t i = 0; i < MPL_MAX_LANES && !found; i++) {
        uint32_t lane = nth_lane(i, own);
        if (lanes >> i & 1)
            found = try_lane(p, seg, lane, path);
    }
    return found; /* no room for a fresh lane: an old one may still be had */
}

/* Read, not mapped: a mapping that is made, faulted in and taken away again costs a forked worker more than reading some lanes' words, which are only a
 * hint before the lane's lock is held. */
static int look_for_lane(struct mpl_producer *p, const struct mpl_segment *seg, const char *path, uint32_t own)
{
    struct mpl_lane words;
    uint64_t later = 0;
    int found = 0, refused = 0;
    for (uint32_t i = 0; i < MPL_MAX_LANES && !found; i++) {
        const uint32_t lane = nth_lane(i, own);
        if (lane >= seg->head.lanes || pread(seg->fd, &words, sizeof words, (off_t)(seg->head.control_off + lane * MPL_PAGE)) != sizeof words)
            continue;
        const int kind = kind_of(&words);
        if (kind == OTHER)
            later |= 1ull << i;
        else if (!(kind == FRESH && refused) && (found = try_lane(p, seg, lane, path)) < 0)
            refused = found, found = 0;
    }
    if (!found)
        found = take_one_of(p, seg, path, later, own);
    return found ? found : refused;
}

int mpl_lane_find(struct mpl_producer *p, const struct mpl_segment *seg, const char *path, uint32_t own)
{
    const int found = take_told(p, seg, path);
    return found > 0 ? found : look_for_lane(p, seg, path, own);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Claiming a lane. The lock is the claim: whoever holds the OFD lock on byte `lane` of a segment owns that lane. The lock is pinned by a
 * one-page mapping that forks do not inherit, made through a descriptor of its own that is closed at once; so a daemon that closes everything keeps its
 * lane, a child does not get it, and the kernel drops it with the process, reaped or not, and at exec.
 *
 * Fork: a private MADV_WIPEONFORK page holds the process's generation and reads 0 in any child, however it was made. A producer keeps
 * the generation of its claim; where they differ the lane is the parent's and is forgotten without a write to it.
 *
 * Pairs kept here:
 *   claim:A, claim:C / retire:A   the lock on the lane before the look at the bell's state; RETIRED before the last look at locks and segments
 *   claim:B / drain:F    the predecessor's ENDED before drop_last is zeroed; drop_last before the writer's look at that state
 *   bell.segments        grows after link(), before any record stands in the new segment (the writer reads its clock first)
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crash.h"
#include "fault.h"
#include "gap.h"
#include "overflow.h"
#include "session.h"

static mpl_a64 *generation_page;       /* wiped in every child */
static mpl_a64 generation_last;        /* inherited by children, never below the page: the next one's number starts above it */
static struct mpl_producer *producers; /* for the at-fork handlers */
static mpl_a64 claim_holder;           /* 0: free; else the generation of the process that one of whose threads is claiming */

uint64_t mpl_generation(void)
{
    if (!generation_page)
        return 0;
    uint64_t now = mpl_load(generation_page);
    if (now)
        return now;
    mpl_swap(generation_page, 0, mpl_add(&generation_last, 1) + 1);
    return mpl_load(generation_page);
}

bool mpl_lane_is_mine(const struct mpl_producer *p)
{
    return p->lane && (mpl_load(generation_page) == p->generation || SEEDED(stale_generation_after_fork));
}

/* ---- at fork: no claim may be half way while another thread forks, or the child would inherit the descriptor with the lock ------------ */
static void claim_unlock(void) { mpl_store_release(&claim_holder, 0); }

/* A child made past the at-fork handlers inherits the word as it is: of another generation, it was held by a thread that does not exist here. */
static void claim_lock(void)
{
    uint64_t mine = mpl_generation();
    for (;;) {
        uint64_t holder = mpl_load(&claim_holder);
        if (holder != mine && mpl_swap(&claim_holder, holder, mine))
            return;
        struct timespec pause = {.tv_nsec = 50000};
        nanosleep(&pause, NULL);
    }
}

static void before_fork(void) { claim_lock(); }
static void after_fork_parent(void) { claim_unlock(); }

static void after_fork_child(void)
{
    claim_unlock();
    mpl_swap(generation_page, 0, mpl_add(&generation_last, 1) + 1); /* one fault; a load first would take two */
    if (geteuid() != 0)
        return;
    /* A root process may be about to drop its uid, and could then not open the segment: claim while it still can. */
    for (struct mpl_producer *p = producers; p; p = p->next)
        if (p->lane)
            mpl_attach(p);
}

__attribute__((constructor)) static void start_of_process(void)
{
    void *page = mmap(NULL, MPL_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || madvise(page, MPL_PAGE, MADV_WIPEONFORK))
        return; /* mpl_producer_init refuses to work without it */
    generation_page = page;
    mpl_generation();
    pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

/* Another thread that waits may be about to ring it: rather leak the page than pull it away. */
static void drop_bell(struct mpl_producer *p)
{
    if (!p->waiting)
        mpl_bell_close(p->bell);
    p->bell = NULL;
}

/* ---- looking for a lane -------------------------------------------------------------------------------------------------------------------- */
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
    if (mpl_locked(seg->fd, number, 1) > 0)
        return 0; /* cheaper than trying */
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
        rc = mpl_segment_reserve(seg, p->dir, p->service, number, lane);
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

/* Lanes that are free and drained come first, then fresh ones, then those with unread data of a dead owner, or in use. */
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

/* The first of those `lanes` (bits, in that order) that can be had: 1; 0, or why there is none. */
static int take_one_of(struct mpl_producer *p, const struct mpl_segment *seg, const char *path, uint64_t lanes, uint32_t own)
{
    int found = 0;
    for (uint32_t i = 0; i < MPL_MAX_LANES && !found; i++) {
        uint32_t lane = nth_lane(i, own);
        if (lanes >> i & 1)
            found = take(p, seg, lane, path);
    }
    return found; /* no room for a fresh lane: an old one may still be had */
}

/* Read, not mapped: a mapping that is made, faulted in and taken away again costs a forked worker more than reading some lanes' words, which are only a
 * hint before the lane's lock is held. */
static int search(struct mpl_producer *p, uint32_t number, uint32_t own)
{
    struct mpl_segment seg;
    struct mpl_lane words;
    char path[MPL_PATH];
    uint64_t later[2] = {0};
    int found = 0, refused = 0, rc = mpl_segment_path(path, p->dir, p->service, number);
    if (!rc)
        rc = mpl_segment_open(&seg, path, number, false);
    if (rc)
        return rc;
    if (mpl_load(&seg.head.state) == MPL_RETIRED)
        rc = MPL_E_RETIRED;
    for (uint32_t i = 0; !rc && i < MPL_MAX_LANES && !found; i++) {
        uint32_t lane = nth_lane(i, own);
        if (lane >= seg.head.lanes || pread(seg.fd, &words, sizeof words, (off_t)(seg.head.control_off + lane * MPL_PAGE)) != sizeof words)
            continue;
        int kind = kind_of(&words);
        if (kind != DRAINED)
            later[kind - FRESH] |= 1ull << i;
        else if (!refused && (found = take(p, &seg, lane, path)) < 0)
            refused = found, found = 0;
    }
    for (int kind = 0; !rc && !found && kind < 2; kind++)
        if ((found = take_one_of(p, &seg, path, later[kind], own)) < 0)
            refused = found, found = 0;
    /* The grant counts only if the file is still the one at that path: a writer that leaves unlinks what it has locked. */
    struct stat st;
    if (found && (fstat(seg.fd, &st) || st.st_nlink == 0)) {
        mpl_detach(p, p->final);
        found = 0;
        rc = MPL_E_RETIRED;
    }
    close(seg.fd);
    return found ? 1 : rc ? rc : refused;
}

/* Sets up a bell whose writer died while it took the service down. Under the writer's lock and only while the file stands at the path: a bell that is gone must
 * stay RETIRED for all who have it mapped. */
static void revive_bell(const char *path)
{
    struct stat mine, there;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return;
    if (!mpl_lock(fd, MPL_LOCK_WRITER, 1) && !fstat(fd, &mine) && !stat(path, &there) && mine.st_dev == there.st_dev && mine.st_ino == there.st_ino) {
        struct mpl_bell *bell = mmap(NULL, MPL_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (bell != MAP_FAILED) {
            mpl_store_release(&bell->state, MPL_LIVE);
            munmap(bell, MPL_PAGE);
        }
    }
    close(fd);
}

/* The newest bell at the path; a bell that is being taken down is waited for briefly, a bell whose writer died in that is set up again. */
static int live_bell(struct mpl_producer *p)
{
    char path[MPL_PATH];
    bool created;
    for (int attempt = 0; attempt < 200; attempt++) {
        struct mpl_bell *bell;
        int rc = mpl_bell_open(p->dir, p->service, NULL, 0, &bell, &created);
        if (rc)
            return rc;
        drop_bell(p);
        p->bell = bell;
        if (mpl_load_acquire(&bell->state) == MPL_LIVE)
            return 0;
        if (!mpl_path(path, p->dir, p->service, "bell"))
            revive_bell(path);
        struct timespec pause = {.tv_nsec = 1000000};
        nanosleep(&pause, NULL);
    }
    return MPL_E_RETIRED;
}

static int claim_among(struct mpl_producer *p, bool takes_bare)
{
    int refused = 0;
    p->takes_bare = takes_bare;
    uint32_t own = (uint32_t)getpid();
    for (uint32_t n = 0; n < MPL_MAX_SEGMENTS; n++) {
        int rc = search(p, n, own);
        if (rc == 1)
            return 0;
        if (rc == -ENOENT) {
            rc = refused ? refused : mpl_segment_create(p->dir, p->service, n);
            if (rc && rc != -EEXIST)
                return rc;
            if (!rc)
                mpl_add(&p->bell->segments, 1);
            n--; /* look again: made by us or by another */
        } else if (rc == MPL_E_RETIRED) {
            return rc;
        } else if (rc && rc != MPL_E_CORRUPT && rc != MPL_E_ABI) { /* a segment that nobody can read is passed over */
            refused = rc;
        }
    }
    return refused ? refused : MPL_E_NOLANE;
}

/* Where memory has no room for another lane's data, its control words alone will do for who overflows into somewhere else. */
static int claim_anywhere(struct mpl_producer *p)
{
    int rc = claim_among(p, false);
    return rc == -ENOSPC && p->when_full == MPL_OVERFLOW && strcmp(p->overflow_dir, p->dir) ? claim_among(p, true) : rc;
}

int mpl_claim_beside(struct mpl_producer *p)
{
    claim_lock();
    int rc = claim_among(p, false);
    claim_unlock();
    mpl_fence_full(); /* ORD(claim:C) seq_cst: as claim:A; pairs with ORD(retire:A) */
    if (!rc && mpl_load_acquire(&p->bell->state) != MPL_LIVE)
        rc = MPL_E_RETIRED;
    return rc;
}

/* What a child knows of its parent's lane: nothing it may touch. The mappings are dropped, the lock's one was never inherited. */
static void forget(struct mpl_producer *p, bool mine)
{
    p->doubtful = mine && (p->doubtful || (p->slot && mpl_synced(p) < p->published));
    bool in_use = mine && p->waiting; /* another thread waits on these words: rather leak the mapping than pull it away */
    if (p->lane && !in_use)
        munmap(p->lane, MPL_PAGE);
    if (p->data && !in_use)
        munmap(p->data, p->data_bytes);
    if (p->pin && mine)
        munmap(p->pin, p->pin_bytes);
    p->lane = NULL;
    p->data = NULL;
    p->pin = NULL;
    p->slot = NULL;
    p->capacity = 0;
    p->seq = p->published = 0;
    p->detached = p->gave_up = false;
    p->detour = 0;
    if (!mine)
        p->waiting = 0; /* the parent's threads are not here */
}

int mpl_attach(struct mpl_producer *p)
{
    uint64_t generation = mpl_generation();
    if (p->lane && p->generation == generation && mpl_load_acquire(&p->bell->state) == MPL_LIVE)
        return 0;
    if (p->generation != generation) {
        forget(p, false);
        p->final = false;
        p->accepted = p->dropped = p->taken_back = 0;
    }
    claim_lock();
    int rc = p->lane ? live_bell(p) : 0;
    for (int attempt = 0; !p->lane && attempt < 10; attempt++) {
        rc = p->bell && mpl_load_acquire(&p->bell->state) == MPL_LIVE ? 0 : live_bell(p);
        if (!rc)
            rc = claim_anywhere(p);
        if (rc && rc != MPL_E_RETIRED)
            break;
        if (!rc) {
            mpl_fence_full(); /* ORD(claim:A) seq_cst: the lane's lock, then the bell's state; pairs with ORD(retire:A) */
            if (mpl_load_acquire(&p->bell->state) == MPL_LIVE)
                break;
            /* The writer is leaving and may have missed us. The lane stays ours; only the bell must be a living one. */
            rc = live_bell(p);
            break;
        }
        drop_bell(p);
    }
    claim_unlock();
    p->trouble = rc;
    p->generation = generation;
    p->retry_ns = rc ? mpl_now(CLOCK_MONOTONIC) + 1000000000u : 0;
    return rc;
}

/* Role: P. Blocks: no. CLEAN is stored before the lock goes, so a reader never takes this for a death. */
void mpl_detach(struct mpl_producer *p, bool final)
{
    bool mine = mpl_lane_is_mine(p);
    p->final = final;
    if (!p->lane)
        return;
    if (mine)
        mpl_swap(&p->slot->epoch_state, mpl_session_word(p->epoch, MPL_S_LIVE), mpl_session_word(p->epoch, MPL_S_CLEAN));
    forget(p, mine);
    if (mine && p->bell) {
        mpl_add(&p->bell->departures, 1);
        mpl_bell_ring(p->bell);
    }
}

int mpl_producer_init(struct mpl_producer *p, const char *dir, const char *service, const char *name)
{
    memset(p, 0, sizeof *p);
    if (!generation_page)
        return MPL_E_ARG;
    if (strlen(dir) >= sizeof p->dir || strlen(service) >= sizeof p->service)
        return -ENAMETOOLONG;
    strcpy(p->dir, dir);
    strcpy(p->overflow_dir, dir);
    strcpy(p->service, service);
    p->overflow_bytes = MPL_OVERFLOW_BYTES;
    strncpy(p->name, name, MPL_NAME - 1);
    p->block_ns = 10000000000ull;
    p->max_event_bytes = 64u << 10;
    claim_lock();
    p->next = producers;
    producers = p;
    claim_unlock();
    return 0;
}

void mpl_rename(struct mpl_producer *p, const char *name)
{
    memset(p->name, 0, sizeof p->name);
    strncpy(p->name, name, MPL_NAME - 1);
    if (mpl_lane_is_mine(p))
        memcpy(p->slot->name, p->name, MPL_NAME);
}

void mpl_producer_free(struct mpl_producer *p)
{
    mpl_crash_forget(p);
    mpl_detach(p, false);
    claim_lock();
    for (struct mpl_producer **at = &producers; *at; at = &(*at)->next)
        if (*at == p) {
            *at = p->next;
            break;
        }
    claim_unlock();
    drop_bell(p);
    free(p->scratch);
    p->scratch = NULL;
    p->scratch_bytes = 0;
}

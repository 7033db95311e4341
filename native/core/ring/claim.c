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

#include "bare.h"
#include "crash.h"
#include "fault.h"
#include "lanes.h"
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

/* ---- a lane, in whichever segment has one ----------------------------------------------------------------------------------------------------- */
static int search(struct mpl_producer *p, uint32_t number, uint32_t own)
{
    struct mpl_segment seg;
    char path[MPL_PATH];
    int found = 0, refused = 0, rc = mpl_segment_path(path, p->dir, p->service, number);
    if (!rc)
        rc = mpl_segment_open(&seg, path, number, false);
    if (rc)
        return rc;
    if (mpl_load(&seg.head.state) == MPL_RETIRED)
        rc = MPL_E_RETIRED;
    if (!rc)
        found = mpl_lane_find(p, &seg, path, own);
    if (found < 0)
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
static void revive_bell(const struct mpl_producer *p, const char *path)
{
    struct stat mine, there;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return;
    if (!mpl_lock(fd, MPL_LOCK_WRITER, 1) && !fstat(fd, &mine) && !stat(path, &there) && mine.st_dev == there.st_dev && mine.st_ino == there.st_ino) {
        struct mpl_bell *bell = mmap(NULL, MPL_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (bell != MAP_FAILED) {
            mpl_store(&bell->lane_bytes, mpl_segments_bytes(p->dir, p->service)); /* of those that are still there */
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
    int rc = mpl_path(path, p->dir, p->service, "bell");
    for (int attempt = 0; !rc && attempt < 200; attempt++) {
        struct mpl_bell *bell;
        rc = mpl_bell_open(p->dir, p->service, NULL, 0, &bell, &created);
        if (rc)
            break;
        drop_bell(p);
        p->bell = bell;
        if (mpl_load_acquire(&bell->state) == MPL_LIVE)
            return 0;
        revive_bell(p, path);
        struct timespec pause = {.tv_nsec = 1000000};
        nanosleep(&pause, NULL);
    }
    return rc ? rc : MPL_E_RETIRED;
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
    p->doubtful = mine && (p->doubtful || mpl_synced(p) < p->published);
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
    if (mine) {
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

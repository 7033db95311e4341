/* SPDX-License-Identifier: Apache-2.0
 *
 * Before the n-th system call of a claim, for every n, a writer takes the service down, or is killed at one of its points in that, and perhaps another service
 * is born at the same place: whoever has its lane then logs into the service that is there, and whoever has none is told why. */
#include "bare.h"
#include "fails.h"
#include "service.h"

static const char *const deaths[] = {NULL, "retire_marked:1", "retire_segment:1", "retire_file:1"};

static const char *place;
static struct plan {
    const char *death; /* NULL: the writer lives */
    bool reborn;
} plan;
static int ask[2], answer[2]; /* of the process that meddles: one that is in the middle of a claim cannot fork */

static int take_down(void *fault)
{
    struct mpl_reader r;
    char path[MPL_PATH];
    CHECK_EQ(mpl_path(path, place, SERVICE, "bell"), 0);
    int lock = open(path, O_RDWR | O_CLOEXEC);
    if (lock < 0 || mpl_lock(lock, MPL_LOCK_WRITER, 1) || mpl_reader_open(&r, place, SERVICE, true, ARENA))
        return 0; /* nothing there, or the claimer itself has the writer's lock just now */
    CHECK(mpl_reader_scan(&r, NULL) >= 0);
    if (fault)
        setenv("MPLOG_FAULT", fault, 1);
    mpl_retire(&r, NULL);
    mpl_reader_close(&r);
    close(lock);
    return 0;
}

static int meddler(void *arg)
{
    (void)arg;
    while (read(ask[0], &plan, sizeof plan) == sizeof plan) {
        const int code = reap(spawn(take_down, (void *)(uintptr_t)plan.death));
        CHECK(code == 0 || code == 1000 + SIGKILL);
        if (plan.reborn)
            service_make(place);
        CHECK_EQ(write(answer[1], &plan, 1), 1);
    }
    return 0;
}

static void meddle(void)
{
    CHECK_EQ(write(ask[1], &plan, sizeof plan), sizeof plan);
    CHECK_EQ(read(answer[0], &(char){0}, 1), 1);
}

/* The event comes out of the service that stands at the place. */
static void logs(struct mpl_producer *p)
{
    static uint64_t n;
    static struct writer w;
    CHECK_EQ(send_event(p, 1, ++n, 64), MPL_ACCEPTED);
    mpl_detach(p, true);
    CHECK_EQ(writer_open(&w, place), 0);
    CHECK_EQ(unlink(w.file), 0);
    CHECK_EQ(writer_all(&w), 1);
    CHECK_EQ(writer_quarantines(&w), 0);
    writer_close(&w);
}

static long claims(bool retired_before, unsigned kinds)
{
    long n, struck = 1, refused = 0;
    for (n = 1; struck; n++) {
        struct mpl_producer p;
        service_make(place);
        while (retired_before && reap(spawn(take_down, (void *)"retire_marked:1")) == 0)
            sched_yield(); /* a writer that was killed before holds its lanes while somebody looks at it in /proc */
        CHECK_EQ(mpl_producer_init(&p, place, SERVICE, "some"), 0);
        fail_kinds = kinds;
        before_nth(n, meddle);
        int rc = mpl_attach(&p);
        struck = fail_never();
        CHECK(rc == 0 || (rc == -ENOENT && struck && !plan.reborn));
        if (rc) {
            refused++;
            service_make(place);
            CHECK_EQ(mpl_attach(&p), 0);
        }
        CHECK_EQ(mpl_load(&p.bell->state), MPL_LIVE);
        logs(&p);
        mpl_producer_free(&p);
    }
    CHECK(n > 10);
    return refused;
}

/* ---- by itself -------------------------------------------------------------------------------------------------------------- */
/* Somebody has removed the files and another service has been born: the lane is kept, the bell is the new one's. */
static void another_bell(void)
{
    struct mpl_producer p;
    char path[MPL_PATH];
    service_make(place);
    producer_make(&p, place, "some");
    struct mpl_lane *lane = p.lane;
    struct mpl_bell *old = p.bell;
    p.waiting = 1; /* a thread that may be about to ring it: its page stays */
    mpl_store(&old->state, MPL_RETIRED);
    CHECK_EQ(mpl_path(path, place, SERVICE, "bell"), 0);
    CHECK_EQ(unlink(path), 0);
    service_make(place);
    CHECK_EQ(mpl_attach(&p), 0);
    CHECK(p.lane == lane && p.bell != old);
    CHECK_EQ(mpl_load(&old->state), MPL_RETIRED);
    mpl_bell_close(old);
    p.waiting = 0;
    p.doubtful = true; /* of a session before: it is asked for later */
    mpl_detach(&p, false);
    CHECK(mpl_take_doubt(&p) && !mpl_take_doubt(&p));
    mpl_producer_free(&p);

    /* beside a lane that it has, while the writer leaves */
    producer_make(&p, place, "some");
    struct mpl_producer other = p;
    other.lane = NULL, other.data = NULL, other.pin = NULL, other.slot = NULL;
    mpl_store(&p.bell->state, MPL_RETIRED);
    CHECK_EQ(mpl_claim_beside(&other), MPL_E_RETIRED);
    CHECK(other.lane != NULL && other.lane != p.lane);
    mpl_store(&p.bell->state, MPL_LIVE);
    mpl_detach(&other, false);
    mpl_producer_free(&p);
}

/* A writer stands still in the middle of taking the service down: its lock is respected, and the claim given up at last. */
static void a_writer_that_stands_still(void)
{
    struct mpl_producer p;
    struct mpl_bell *bell;
    bool created;
    CHECK_EQ(mpl_bell_open(place, SERVICE, NULL, 0, &bell, &created), 0);
    const int lock = writer_lock(place);
    mpl_store(&bell->state, MPL_RETIRED);
    CHECK_EQ(mpl_producer_init(&p, place, SERVICE, "some"), 0);
    CHECK_EQ(mpl_attach(&p), MPL_E_RETIRED);
    CHECK_EQ(mpl_load(&bell->state), MPL_RETIRED);
    CHECK(!p.lane);
    close(lock);
    CHECK_EQ(mpl_attach(&p), 0);
    CHECK_EQ(mpl_load(&bell->state), MPL_LIVE);
    mpl_bell_close(bell);
    mpl_producer_free(&p);
}

/* A child gives nothing back that is its parent's. */
static int detaches(void *arg)
{
    struct mpl_producer *p = arg;
    CHECK(!seteuid(getuid()) && p->lane && !mpl_lane_is_mine(p));
    const uint32_t departures = mpl_load(&p->bell->departures);
    mpl_detach(p, true);
    CHECK(!p->lane);
    CHECK_EQ(mpl_load(&p->bell->departures), departures);
    return 0;
}

static void a_child(void)
{
    static struct mpl_producer p;
    producer_make(&p, place, "some");
    const uint64_t word = mpl_load(&p.slot->epoch_state);
    CHECK(seteuid(65534) == 0 || getuid() != 0); /* root's children claim a lane of their own at once */
    const pid_t child = spawn(detaches, &p);
    CHECK_EQ(seteuid(getuid()), 0);
    CHECK_EQ(reap(child), 0);
    CHECK_EQ(mpl_load(&p.slot->epoch_state), word);
    CHECK_EQ(send_event(&p, 1, 1, 64), MPL_ACCEPTED);
    mpl_producer_free(&p);
}

/* Files at all the places of segments, none of which is one; or of another version. */
static void no_segment_to_be_had(const char *dir)
{
    struct mpl_producer p;
    struct mpl_header head = {.magic = MPL_MAGIC_SEGMENT, .abi = MPL_ABI + 1, .byte_order = MPL_BYTE_ORDER};
    service_make(dir);
    for (uint32_t n = 0; n < MPL_MAX_SEGMENTS; n++) {
        char path[MPL_PATH];
        CHECK_EQ(mpl_segment_path(path, dir, SERVICE, n), 0);
        int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        CHECK(fd >= 0 && pwrite(fd, &head, n % 2 ? sizeof head : 1, 0) > 0 && !ftruncate(fd, MPL_PAGE * 70));
        close(fd);
    }
    CHECK_EQ(mpl_producer_init(&p, dir, SERVICE, "some"), 0);
    CHECK_EQ(mpl_attach(&p), MPL_E_NOLANE);
    CHECK_EQ(send_event(&p, 1, 1, 64), MPL_HOMELESS);
    mpl_producer_free(&p);
}

static int test(const char *dir)
{
    char other[MPL_PATH];
    place = dir;
    CHECK(!pipe2(ask, O_CLOEXEC) && !pipe2(answer, O_CLOEXEC));
    const pid_t pid = spawn(meddler, NULL);
    for (size_t i = 0; i < sizeof deaths / sizeof *deaths; i++)
        for (int k = 0; k < 4; k++) {
            plan = (struct plan){.death = deaths[i], .reborn = k & 1};
            const long refused = claims(k & 2, F_OPEN | F_FSTAT | F_STAT | F_PREAD | F_MMAP | F_FCNTL);
            printf("%s%s%s: %ld told that there is none\n", k & 2 ? "retired before, " : "", plan.death ? plan.death : "taken down", plan.reborn ? ", reborn" : "", refused);
        }
    close(ask[1]);
    kill(pid, SIGKILL);
    reap(pid);
    another_bell();
    a_writer_that_stands_still();
    a_child();
    snprintf(other, sizeof other, "%s/other", dir);
    CHECK_EQ(mkdir(other, 0700), 0);
    no_segment_to_be_had(other);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A lane that was set aside, whose words cannot be, whose lock another holds or that survives from a former boot is left alone: the claimer gets another one,
 * its events come out, and the numbers of sessions go on behind the greatest there is. */
#include "fails.h"
#include "service.h"

static const char *place;
static struct mpl_segment segment;

static struct mpl_lane *lane(unsigned n) { return mpl_segment_lane(&segment, n); }

/* Those that are looked at first. */
#define FIRST 8u
static void first_lanes(void (*change)(struct mpl_lane *lane))
{
    for (unsigned n = 0; n < FIRST; n++)
        change(lane(n));
}

static void set_aside(struct mpl_lane *l) { mpl_store(&l->quarantined, 1); }
static void put_back(struct mpl_lane *l) { mpl_store(&l->quarantined, 0); }
static void crooked(struct mpl_lane *l) { mpl_store(&l->tail, mpl_load(&l->tail) + 4); }
static void straight(struct mpl_lane *l) { mpl_store(&l->tail, mpl_load(&l->tail) - 4); }

static void claims(uint32_t of)
{
    struct mpl_producer p;
    producer_make(&p, place, "claims");
    CHECK_EQ(p.segment, of);
    CHECK(of || p.lane_number >= FIRST);
    CHECK_EQ(send_event(&p, 1, 1, 50), MPL_ACCEPTED);
    mpl_producer_free(&p);
}

/* The first lock is refused as the kernel may say it too: it is another's. */
static void a_lock_that_is_denied(void)
{
    struct mpl_producer p;
    CHECK_EQ(mpl_producer_init(&p, place, SERVICE, "denied"), 0);
    fail_kinds = F_FCNTL;
    for (long n = 1;; n++) {
        fail_nth(n, EACCES);
        CHECK_EQ(mpl_attach(&p), 0);
        mpl_detach(&p, false);
        if (!fail_never())
            break;
    }
    mpl_producer_free(&p);
}

static void of_a_former_boot(void)
{
    char path[MPL_PATH];
    uint8_t boot[16] = {1};
    CHECK_EQ(mpl_segment_path(path, place, SERVICE, 0), 0);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0 && pwrite(fd, boot, 16, offsetof(struct mpl_header, boot_id)) == 16);
    close(fd);
    claims(1);
}

/* Who cannot tell the boot goes by the rest. */
static int without_a_boot(void *arg)
{
    struct mpl_producer p;
    (void)arg;
    fail_kinds = F_READ; /* the boot's id alone is read so */
    fail_from(1, EIO);
    service_make(place);
    CHECK_EQ(mpl_producer_init(&p, place, SERVICE, "boot"), 0);
    CHECK_EQ(mpl_attach(&p), 0);
    CHECK(fail_never() > 0);
    CHECK_EQ(send_event(&p, 1, 1, 50), MPL_ACCEPTED);
    mpl_producer_free(&p);
    return 0;
}

static int test(const char *dir)
{
    static struct writer w;
    struct mpl_producer p;
    char apart[MPL_PATH];
    snprintf(apart, sizeof apart, "%s/apart", dir);
    CHECK_EQ(mkdir(apart, 0700), 0);
    place = apart;
    CHECK_EQ(reap(spawn(without_a_boot, NULL)), 0);
    place = dir;
    service_make(dir);
    producer_make(&p, dir, "first");
    mpl_producer_free(&p);
    CHECK_EQ(writer_open(&w, dir), 0);
    CHECK_EQ(writer_all(&w), 0);
    CHECK_EQ(mpl_segment_map(&segment, dir, SERVICE, 0, PROT_READ | PROT_WRITE, false), 0);
    const uint32_t last = segment.head.lanes - 1;
    mpl_store(&w.r.bell->free_lanes[0], 0);
    first_lanes(set_aside);
    claims(0);
    first_lanes(put_back);
    CHECK_EQ(writer_all(&w), 1);

    mpl_store(&w.r.bell->free_lanes[0], 0);
    first_lanes(crooked);
    claims(0);
    first_lanes(straight);
    CHECK_EQ(writer_all(&w), 1);

    mpl_store(&w.r.bell->free_lanes[0], 1ull << last);
    mpl_store(&lane(last)->epoch, UINT32_MAX); /* after four thousand million sessions; 0 means none */
    producer_make(&p, dir, "wraps");
    CHECK_EQ(p.lane_number, last);
    CHECK_EQ(p.epoch, 1);
    mpl_producer_free(&p);
    writer_all(&w);

    a_lock_that_is_denied();
    writer_all(&w);
    of_a_former_boot();
    CHECK_EQ(writer_all(&w), 1);
    CHECK_EQ(tally_file(w.file).events, 3);
    CHECK_EQ(tally_file(w.file).torn, 0);
    writer_close(&w);
    mpl_segment_unmap(&segment);
    return 0;
}

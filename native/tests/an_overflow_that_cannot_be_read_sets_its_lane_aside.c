/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever stands where a chunk should, and whatever a frame of it says: what cannot be read sets the lane aside, and the writer goes on with the others.
 * What is counted of the overflow is what is there. */
#include <sys/stat.h>

#include "fails.h"
#include "frame.h"
#include "overflow.h"
#include "service.h"

static char place[200];
static struct mpl_producer p, other;
static struct writer w;

static void chunk_path(char out[MPL_PATH])
{
    snprintf(out, MPL_PATH, "%s/%s.%u.%012llx.%u.0.overflow", place, SERVICE, MPL_ABI, (unsigned long long)p.segment_id, p.lane_number);
}

static int chunk_open(void)
{
    char path[MPL_PATH];
    chunk_path(path);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0);
    return fd;
}

/* A service with one lane whose overflow holds two events, and one lane beside it. */
static void make(const char *dir, unsigned n)
{
    snprintf(place, sizeof place, "%s/%u", dir, n);
    CHECK_EQ(mkdir(place, 0700), 0);
    service_make(place);
    lanes_of(place, MPL_LANE_SMALL, MPL_ORIGIN);
    producer_make(&p, place, "overflows");
    producer_make(&other, place, "beside");
    p.when_full = MPL_OVERFLOW;
    p.overflow_bytes = 8 * MPL_CHUNK_BYTES;
    CHECK_EQ(writer_open(&w, place), 0);
    uint64_t lane = 0;
    for (uint64_t i = 1; !p.overflowing; lane = i++)
        CHECK_EQ(send_event(&p, 1, i, 9000), MPL_ACCEPTED);
    CHECK_EQ(send_event(&p, 1, p.seq + 1, 9000), MPL_ACCEPTED);
    CHECK(lane > 2);
}

static void unmake(void)
{
    mpl_producer_free(&p);
    mpl_producer_free(&other);
    writer_close(&w);
}

/* ---- what may have become of the chunk ----------------------------------------------------------------------------------- */
static void gone(void)
{
    char path[MPL_PATH];
    chunk_path(path);
    CHECK_EQ(unlink(path), 0);
}

static void a_directory(void)
{
    char path[MPL_PATH];
    gone();
    chunk_path(path);
    CHECK_EQ(mkdir(path, 0700), 0);
}

static void cut(void)
{
    int fd = chunk_open();
    CHECK_EQ(ftruncate(fd, 20), 0);
    close(fd);
}

static void no_status(void)
{
    fail_kinds = F_FSTAT;
    fail_from(1, EIO);
}

static void no_reading(void)
{
    fail_kinds = F_PREAD;
    fail_from(1, EIO);
}

static void a_long_name(void) { memset(w.r.overflow_dir, 'x', sizeof w.r.overflow_dir - 1); }

static void (*change)(struct mpl_record *head);

/* The first frame says something else, and its sum is right. */
static void another_record(void)
{
    static struct {
        struct mpl_frame frame;
        struct mpl_record head;
        char payload[9000];
    } f;
    int fd = chunk_open();
    CHECK_EQ(pread(fd, &f, sizeof f, 0), (ssize_t)sizeof f);
    change(&f.head);
    f.frame.crc = mpl_frame_sum(&f.head, f.payload);
    CHECK_EQ(pwrite(fd, &f, sizeof f, 0), (ssize_t)sizeof f);
    close(fd);
}

static void another_session(struct mpl_record *head) { head->epoch++; }
static void an_old_number(struct mpl_record *head) { head->seq = 1; }
static void a_number_to_come(struct mpl_record *head) { head->seq += 5; }

static const struct {
    void (*happens)(void), (*change)(struct mpl_record *head);
} cases[] = {{gone, NULL}, {a_directory, NULL}, {cut, NULL}, {no_status, NULL}, {no_reading, NULL}, {a_long_name, NULL}, {another_record, another_session},
    {another_record, an_old_number}, {another_record, a_number_to_come}};

/* ---- what is counted ------------------------------------------------------------------------------------------------------- */
static void touch_file(const char *suffix)
{
    char path[MPL_PATH];
    snprintf(path, sizeof path, "%s/%s.%u.%s", place, SERVICE, MPL_ABI, suffix);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    close(fd);
}

static void counts(const char *dir)
{
    make(dir, 100);
    struct mpl_view *v = &w.r.views[p.segment][p.lane_number];
    touch_file("what.overflow");            /* no place */
    touch_file("000000000001.99.0.overflow"); /* no lane */
    mpl_overflow_count(&w.r);
    CHECK_EQ(mpl_load(&w.r.bell->overflow_bytes), 3 * MPL_CHUNK_BYTES);

    mpl_store(&w.r.bell->overflow_bytes, 5); /* somebody has written there */
    mpl_overflow_sweep(&w.r, v, MPL_CHUNK_BYTES);
    CHECK_EQ(mpl_load(&w.r.bell->overflow_bytes), 0);
    mpl_store(&w.r.bell->overflow_bytes, 2 * MPL_CHUNK_BYTES);
    mpl_overflow_sweep(&w.r, v, 2 * MPL_CHUNK_BYTES); /* there is none of that number */
    CHECK_EQ(mpl_load(&w.r.bell->overflow_bytes), 2 * MPL_CHUNK_BYTES);
    a_long_name();
    mpl_overflow_sweep(&w.r, v, 3 * MPL_CHUNK_BYTES);
    CHECK_EQ(mpl_load(&w.r.bell->overflow_bytes), 2 * MPL_CHUNK_BYTES);
    v->ovf.swept = 0;
    mpl_store(&w.r.bell->overflow_bytes, 0);
    snprintf(w.r.overflow_dir, sizeof w.r.overflow_dir, "%s", place);
    char path[MPL_PATH];
    chunk_path(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    close(fd);
    mpl_overflow_sweep(&w.r, v, MPL_CHUNK_BYTES); /* never below nothing */
    CHECK_EQ(mpl_load(&w.r.bell->overflow_bytes), 0);
    unmake();
}

static int test(const char *dir)
{
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        make(dir, i);
        CHECK_EQ(send_event(&other, 2, 1, 50), MPL_ACCEPTED);
        change = cases[i].change;
        cases[i].happens();
        uint64_t of_other = 0;
        for (int round = 0; round < 100 && !(of_other && writer_quarantines(&w)); round++) {
            const int items = mpl_drain(&w.r, ARENA);
            CHECK(items >= 0);
            for (int k = 0; k < items; k++) {
                uint64_t producer, n;
                CHECK(payload_read(w.r.arena + w.r.items[k].place, w.r.items[k].len, &producer, &n));
                of_other += producer == 2;
            }
            CHECK_EQ(mpl_accept(&w.r, (uint32_t)items), items);
            CHECK_EQ(mpl_commit(&w.j, &w.r, 0, w.fd, 0), 0);
        }
        fail_never();
        CHECK_EQ(of_other, 1);
        CHECK_EQ(writer_quarantines(&w), 1);
        CHECK(mpl_load(&p.lane->quarantined));
        unmake();
    }
    counts(dir);
    return 0;
}

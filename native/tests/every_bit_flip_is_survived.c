/* SPDX-License-Identifier: Apache-2.0
 *
 * Each bit of a segment's header, of a lane's control page, of its first records, of the bell and of the journal flipped, one at a time: scan, drain, ends
 * and redo come back, read nothing out of bounds, and a service that nobody uses any more still gets to its end.
 *
 * Of the bytes that the layout gives no meaning, one bit in 128. */
#include "service.h"

static const char *place;
static struct writer w;
static uint64_t refused, quarantined, unharmed, stuck;
static bool set_aside;

static char *map_file(const char *suffix, size_t *bytes)
{
    char path[MPL_PATH];
    struct stat st;
    CHECK_EQ(mpl_path(path, place, SERVICE, suffix), 0);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0 && fstat(fd, &st) == 0);
    *bytes = (size_t)st.st_size;
    char *base = mmap(NULL, *bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(base != MAP_FAILED);
    close(fd);
    return base;
}

/* Drains and ends whatever there is; true when the service could be taken down in a bounded number of passes. */
static bool wind_up(struct mpl_reader *r)
{
    struct mpl_end ends[16];
    for (int pass = 0; pass < 700; pass++) {
        int items = mpl_drain(r, ARENA);
        CHECK(items >= 0);
        for (uint32_t lane = 0; r->views[0] && lane < r->segments[0].head.lanes; lane++)
            set_aside |= r->views[0][lane].quarantined;
        for (uint32_t i = 0; i < mpl_accept(r, (uint32_t)items); i++)
            CHECK(r->items[i].place + r->items[i].len <= r->arena_bytes);
        CHECK(mpl_commit(&w.j, r, 0, w.fd, 0) >= 0);
        int count = mpl_ends(r, true, ends, 16);
        CHECK(count >= 0);
        for (int i = 0; i < count; i++)
            mpl_close_session(r, &ends[i]);
        CHECK(mpl_commit(&w.j, r, 0, w.fd, 0) >= 0);
        bool open = mpl_pending(r) != 0;
        for (uint32_t lane = 0; r->views[0] && lane < r->segments[0].head.lanes; lane++)
            for (int k = 0; k < (int)MPL_SLOTS; k++)
                open |= mpl_word_state(mpl_load(&r->views[0][lane].lane->slots[k].epoch_state)) != MPL_S_CLOSED;
        if (!open)
            return true;
        if (items == 0 && pass > 3)
            pause_ns(2000000); /* an event under way holds the others back for 50 ms, a stamp just ahead of the clock for 1 s */
    }
    return false;
}

/* One flip: a reader that opens after it, or one that was there before. */
static void flip_and_read(char *byte, char mask, bool opened_before)
{
    struct mpl_reader r;
    CHECK_EQ(mpl_reader_open(&r, place, SERVICE, true, ARENA), 0);
    if (opened_before) {
        CHECK_EQ(mpl_reader_scan(&r, NULL), 1);
        CHECK(mpl_drain(&r, 300) >= 0);
    }
    *byte ^= mask;
    set_aside = false;
    CHECK(mpl_reader_scan(&r, NULL) >= 0);
    if (!r.views[0]) {
        refused++;
    } else {
        bool done = wind_up(&r);
        quarantined += set_aside;
        unharmed += done;
        stuck += !done;
    }
    mpl_reader_close(&r);
}

static void flips_of(char *base, size_t from, size_t meaningful, size_t end, const char *name)
{
    static char saved[3 * MPL_PAGE + MPL_LANE_SMALL];
    size_t bytes;
    char *all = map_file("0.ring", &bytes), *data = all + MPL_PAGE + MPL_MAX_LANES * MPL_PAGE;
    uint64_t flips = 0, stuck_before = stuck;
    memcpy(saved, all, 3 * MPL_PAGE);
    memcpy(saved + 3 * MPL_PAGE, data, MPL_LANE_SMALL);
    refused = quarantined = unharmed = 0;
    for (size_t at = from; at < end; at += at < meaningful ? 1 : 16)
        for (int bit = 0; bit < (at < meaningful ? 8 : 1); bit++, flips++) {
            uint64_t before = stuck;
            flip_and_read(base + at, (char)(1 << bit), flips % 2);
            if (stuck != before)
                fprintf(stderr, "%s: byte %zu bit %d\n", name, at, bit);
            memcpy(all, saved, 3 * MPL_PAGE);
            memcpy(data, saved + 3 * MPL_PAGE, MPL_LANE_SMALL);
        }
    munmap(all, bytes);
    printf("%s: %llu flips, %llu refused, %llu with a lane set aside, %llu wound up, %llu stuck\n", name, (unsigned long long)flips,
        (unsigned long long)refused, (unsigned long long)quarantined, (unsigned long long)unharmed, (unsigned long long)(stuck - stuck_before));
    fflush(stdout);
}

static int produce(void *arg)
{
    struct mpl_producer p;
    producer_make(&p, place, "flipped");
    for (uint64_t n = 1; n <= 4; n++)
        CHECK_EQ(send_event(&p, 1, n, 30), MPL_ACCEPTED);
    if (arg)
        mpl_detach(&p, true);
    return 0;
}

static void bell_flips(void)
{
    size_t bytes, len;
    char *base = map_file("bell", &bytes), conf[256];
    uint64_t refusals = 0;
    for (size_t at = 0; at < bytes; at++)
        for (int bit = 0; bit < 8; bit++) {
            struct mpl_bell *bell;
            bool created;
            base[at] ^= (char)(1 << bit);
            len = sizeof conf;
            int conf_rc = mpl_bell_conf(place, SERVICE, conf, &len), rc = mpl_bell_open(place, SERVICE, NULL, 0, &bell, &created);
            refusals += rc || conf_rc;
            CHECK(conf_rc || (len == strlen(CONF) && memcmp(conf, CONF, len) == 0));
            if (!rc) {
                mpl_bell_ring(bell);
                mpl_bell_close(bell);
            }
            base[at] ^= (char)(1 << bit);
        }
    munmap(base, bytes);
    printf("bell: %llu refused\n", (unsigned long long)refusals);
    CHECK(refusals > 100);
}

static void journal_flips(void)
{
    struct mpl_journal_page *page = malloc(sizeof *page);
    uint64_t file_bytes = w.j.mapped, refusals = 0;
    CHECK(page != NULL);
    memcpy(page, w.j.page, sizeof *page);
    CHECK_EQ(mpl_journal_check(page, file_bytes), 0);
    for (size_t at = 0; at < sizeof *page; at++)
        for (int bit = 0; bit < 8; bit++) {
            ((char *)page)[at] ^= (char)(1 << bit);
            refusals += mpl_journal_check(page, file_bytes) != 0;
            ((char *)page)[at] ^= (char)(1 << bit);
        }
    free(page);
    for (size_t at = 0; at < offsetof(struct mpl_journal_page, sinks); at++) { /* what is refused is replaced, never in a writer's way */
        struct mpl_journal other = {0};
        size_t bytes;
        char *base = map_file("journal", &bytes);
        base[at] ^= 1;
        CHECK_EQ(mpl_journal_open(&other, place, SERVICE, STAGING), 0);
        mpl_journal_close(&other);
        base[at] ^= 1;
        munmap(base, bytes);
    }
    printf("journal: %llu refused\n", (unsigned long long)refusals);
    CHECK(refusals > 300);
}

static int test(const char *dir)
{
    size_t bytes;
    place = dir;
    service_make(dir);
    lanes_of(dir, MPL_LANE_SMALL, MPL_ORIGIN);
    int others = only_lane_zero(dir);
    CHECK_EQ(reap(spawn(produce, NULL)), 0);
    CHECK_EQ(reap(spawn(produce, dir ? &place : NULL)), 0);
    close(others);
    CHECK_EQ(writer_open(&w, dir), 0);
    mpl_journal_adopt(&w.j, 0, 0); /* nothing is remembered between the flips */
    char *base = map_file("0.ring", &bytes);
    size_t data = MPL_PAGE + MPL_MAX_LANES * MPL_PAGE;
    flips_of(base, 0, sizeof(struct mpl_header), MPL_PAGE, "header");
    flips_of(base + MPL_PAGE, 0, sizeof(struct mpl_lane), MPL_PAGE, "control page");
    flips_of(base + data + (MPL_ORIGIN & (MPL_LANE_SMALL - 1)), 0, 8 * 72, MPL_PAGE, "records");
    munmap(base, bytes);
    bell_flips();
    journal_flips();
    CHECK_EQ(stuck, 0);
    return 0;
}

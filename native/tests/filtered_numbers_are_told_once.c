/* SPDX-License-Identifier: Apache-2.0
 *
 * Events below the file's level leave no byte and are settled; the session's next line tells how many they were, its end line how many in all; so it is
 * after a writer was killed at any passage of any point of a commit, in batches of which some hold nothing else. */
#include "ring/compose.h"
#include "service.h"

#define EVENTS 24u

static const char *const points[] = {"commit_entry", "commit_point", "commit_head", "commit_heads", "commit_written_part",
    "commit_written", "commit_offset", "commit_settled", "commit_done"};

static const char *place;
static bool written(uint64_t n) { return n == 1 || n % 7 == 0; } /* 1, 7, 14, 21: so the last three are told by the end line alone */

static int line(struct mpl_second *last, const struct mpl_stamp *s, const uint8_t *payload, size_t len, char *out, size_t room)
{
    char text[64];
    int n = sprintf(text, "E %" PRIu64 " %" PRIu64 "\n", s->seq, s->filtered);
    (void)last, (void)payload, (void)len;
    if ((size_t)n > room)
        return MPL_FORMAT_NO_ROOM;
    memcpy(out, text, (size_t)n);
    return n;
}

static int64_t no_fallback(void *arg, const struct mpl_item *item, char *out, size_t room)
{
    (void)arg, (void)item, (void)out, (void)room;
    CHECK(!"a line needs more than the formatter");
    return -1;
}

/* A batch of two lines at most, and what is filtered around them. Returns how many items it took. */
static uint32_t batch(struct writer *w)
{
    struct mpl_second second = {0};
    struct mpl_compose c = {.r = &w->r, .format = line, .at = w->j.staging, .end = w->j.staging + STAGING, .room = 14, .fallback = no_fallback, .second = &second};
    CHECK(mpl_drain(&w->r, ARENA) >= 0);
    if (w->r.nitems > 3) /* what comes in pieces may be nothing but filtered */
        w->r.nitems = 3;
    CHECK_EQ(mpl_compose(&c), 0);
    CHECK_EQ(mpl_accept(&w->r, c.count), c.count);
    CHECK(!c.count || mpl_commit(&w->j, &w->r, 0, w->fd, c.size) >= 0);
    return c.count;
}

static int ends(struct writer *w)
{
    struct mpl_end found[8];
    size_t length = 0;
    mpl_rewind(&w->r);
    int count = mpl_ends(&w->r, true, found, 8);
    for (int i = 0; i < count; i++) {
        CHECK_EQ(found[i].settled, found[i].last);
        length += (size_t)sprintf(w->j.staging + length, "S %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", found[i].last, found[i].told[0].delivered, found[i].told[0].filtered,
            found[i].told[0].untold);
        CHECK_EQ(mpl_close_session(&w->r, &found[i]), 0);
    }
    CHECK(!count || mpl_commit(&w->j, &w->r, 0, w->fd, length) >= 0);
    return count;
}

static void work(struct writer *w)
{
    for (int idle = 0; idle < 2;) {
        CHECK(mpl_reader_scan(&w->r, &w->j) >= 0);
        if (batch(w) || ends(w))
            idle = 0;
        else if (mpl_pending(&w->r))
            pause_ns(5000000);
        else
            idle++;
    }
}

static int open_filtered(struct writer *w)
{
    int rc = writer_open(w, place);
    return rc ? rc : mpl_filter_set(&w->r, 0, 20, NULL, 0);
}

static int work_killed(void *arg)
{
    static struct writer w;
    setenv("MPLOG_FAULT", arg, 1);
    if (open_filtered(&w))
        return 2;
    work(&w);
    return 0;
}

static int produce(void *unused)
{
    struct mpl_producer p;
    char payload[64];
    (void)unused;
    producer_make(&p, place, "some");
    for (uint64_t n = 1; n <= EVENTS; n++) {
        payload_fill(payload, 1, n, sizeof payload);
        CHECK_EQ(mpl_publish(&p, written(n) ? 20 : 19, 0, 0, payload, sizeof payload), MPL_ACCEPTED);
    }
    mpl_detach(&p, true);
    return 0;
}

static void check_file(const char *path)
{
    char text[128];
    uint64_t last = 0, lines = 0, told = 0, n, filtered, delivered, untold;
    FILE *f = fopen(path, "r");
    CHECK(f != NULL);
    while (fgets(text, sizeof text, f) && sscanf(text, "E %" SCNu64 " %" SCNu64, &n, &filtered) == 2) {
        CHECK(written(n));
        CHECK_EQ(n, last + filtered + 1);
        last = n;
        lines++;
        told += filtered;
    }
    CHECK_EQ(sscanf(text, "S %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, &n, &delivered, &filtered, &untold), 4);
    CHECK_EQ(n, EVENTS);
    CHECK_EQ(delivered, lines);
    CHECK_EQ(filtered, told + untold);
    CHECK_EQ(untold, EVENTS - last);
    CHECK_EQ(delivered + filtered, n);
    CHECK(!fgets(text, sizeof text, f));
    fclose(f);
}

static int one_round(const char *point, int n)
{
    static struct writer w;
    char fault[64];
    snprintf(fault, sizeof fault, "%s:%d", point, n);
    service_make(place);
    CHECK_EQ(reap(spawn(produce, NULL)), 0);
    int code = reap(spawn(work_killed, fault));
    CHECK(code == 0 || code == 1000 + SIGKILL);
    CHECK_EQ(open_filtered(&w), 0);
    work(&w);
    check_file(w.file);
    CHECK_EQ(mpl_retire(&w.r, &w.j), 1);
    writer_close(&w);
    CHECK_EQ(unlink(w.file), 0);
    return code != 0;
}

static int test(const char *dir)
{
    place = dir;
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        int n = 1;
        while (one_round(points[i], n))
            n++;
        CHECK(n > 2);
    }
    return 0;
}

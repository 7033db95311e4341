/* SPDX-License-Identifier: Apache-2.0
 *
 * A batch that a thread writes, and the next one, drained and made meanwhile: the writer killed at the n-th passage of every point from the lending to the
 * end, before and after the next batch is made; a write that fails; one that no thread has begun. Each event and each end line stands in the file once. */
#include <pthread.h> /* threads: for ThreadSanitizer, too */
#include <sys/resource.h>

#include "ahead.h"
#include "hand.h"
#include "service.h"

#define EVENTS 40u
#define HALF (STAGING / 2u)
#define BATCH 6u

static const char *const points[] = {"commit_point", "commit_heads", "commit_lent", "next_made", "commit_join", "commit_written_part", "commit_written",
    "commit_offset", "commit_settled", "commit_done"};

static const char *place;

static void made_kill_point(void)
{
    const char *armed = getenv("MPLOG_FAULT");
    if (armed && strncmp(armed, "next_made", 9) == 0)
        kill(getpid(), SIGKILL);
}

struct made {
    size_t at, length;
    uint32_t count;
};

/* Drains and formats into a half; nothing is accepted yet. */
static struct made make(struct writer *w, size_t at)
{
    struct made m = {.at = at};
    int items = mpl_drain(&w->r, ARENA);
    CHECK(items >= 0);
    for (; m.count < (uint32_t)items && m.count < BATCH; m.count++)
        m.length += line_of(w, &w->r.items[m.count], w->j.staging + at + m.length);
    return m;
}

/* All that is there, each batch lent, the next one made meanwhile. Returns how many were lent. */
static int write_ahead(struct writer *w)
{
    int lent = 0;
    struct made m = make(w, 0);
    while (m.count) {
        struct mpl_part part = {.fd = w->fd, .place = m.at, .length = m.length};
        CHECK_EQ(mpl_accept(&w->r, m.count), m.count);
        const int rc = mpl_commit_begin(&w->j, &w->r, &part, 1);
        CHECK(rc >= 0);
        lent += rc;
        m = make(w, HALF - m.at);
        made_kill_point();
        CHECK(mpl_commit_finish(&w->j, &w->r, &w->fd, 1) >= 0);
        CHECK_EQ(mpl_load(&w->j.page->state), MPL_IDLE);
    }
    return lent;
}

static int write_killed(void *arg)
{
    static struct writer w;
    setenv("MPLOG_FAULT", arg, 1);
    if (writer_open(&w, place))
        return 2;
    w.j.second = mpl_hand_new(""); /* also where there is one processor */
    write_ahead(&w);
    writer_all(&w);
    return 0;
}

static int produce(void *arg)
{
    struct mpl_producer p;
    uint64_t producer = (uint64_t)(intptr_t)arg;
    producer_make(&p, place, "some");
    for (uint64_t n = 1; n <= EVENTS; n++)
        CHECK_EQ(send_event(&p, producer, n, 50 + n), MPL_ACCEPTED);
    mpl_detach(&p, true);
    return 0;
}

struct seen {
    uint64_t lines, ends, next[3];
};

static void check_line(const struct line *l, void *arg)
{
    struct seen *s = arg;
    if (l->kind == 'S') {
        s->ends++;
        CHECK_EQ(l->last, EVENTS);
        CHECK_EQ(l->delivered, EVENTS);
        CHECK_EQ(l->dropped, 0);
        return;
    }
    s->lines++;
    CHECK(!l->torn && l->producer < 3);
    CHECK_EQ(l->n, ++s->next[l->producer]);
    CHECK_EQ(l->seq, l->n);
}

static void set_up(void)
{
    service_make(place);
    CHECK_EQ(reap(spawn(produce, (void *)1)), 0);
    CHECK_EQ(reap(spawn(produce, (void *)2)), 0);
}

/* What is left is written by this writer; then all of it is looked at. */
static void look(struct writer *w)
{
    struct seen s = {0};
    struct stat st;
    writer_all(w);
    CHECK_EQ(writer_quarantines(w), 0);
    each_line(w->file, check_line, &s);
    CHECK_EQ(s.lines, 2 * EVENTS);
    CHECK_EQ(s.ends, 2);
    CHECK_EQ(stat(w->file, &st), 0);
    CHECK_EQ(mpl_journal_file(&w->j, 0)->offset, st.st_size);
    CHECK_EQ(mpl_retire(&w->r, &w->j), 1);
    writer_close(w);
    CHECK_EQ(unlink(w->file), 0);
}

static int killed_at(const char *point, int n, int kills)
{
    static struct writer w;
    char fault[64];
    int killed = 0;
    snprintf(fault, sizeof fault, "%s:%d", point, n);
    set_up();
    for (int i = 0; i < kills; i++) {
        const int code = reap(spawn(write_killed, fault));
        CHECK(code == 0 || code == 1000 + SIGKILL);
        killed += code != 0;
    }
    CHECK_EQ(writer_open(&w, place), 0);
    look(&w);
    return killed;
}

/* The thread's write fails: that is met when it is joined, and the batch is written again; what was made meanwhile still follows it. */
static void failed(void)
{
    static struct writer w;
    const struct rlimit none = {.rlim_cur = 100, .rlim_max = RLIM_INFINITY}, all = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    set_up();
    CHECK_EQ(writer_open(&w, place), 0);
    w.j.second = mpl_hand_new("");
    struct made m = make(&w, 0);
    struct mpl_part part = {.fd = w.fd, .place = m.at, .length = m.length};
    CHECK_EQ(mpl_accept(&w.r, m.count), m.count);
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &none), 0);
    CHECK_EQ(mpl_commit_begin(&w.j, &w.r, &part, 1), 1);
    m = make(&w, HALF);
    while (mpl_hand_busy(w.j.second)) /* else it might be taken back */
        pause_ns(100000);
    CHECK_EQ(mpl_commit_finish(&w.j, &w.r, &w.fd, 1), -EFBIG);
    CHECK_EQ(mpl_load(&w.j.page->state), MPL_COMMIT);
    CHECK_EQ(mpl_redo(&w.j, &w.r, w.fd), -EFBIG);
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &all), 0);
    CHECK_EQ(mpl_redo(&w.j, &w.r, w.fd), 0);
    CHECK_EQ(mpl_load(&w.j.page->state), MPL_IDLE);
    part.place = m.at, part.length = m.length;
    CHECK_EQ(mpl_accept(&w.r, m.count), m.count);
    CHECK(mpl_commit_parts(&w.j, &w.r, &part, 1) >= 0);
    look(&w);
}

/* Nothing is lent that is to be brought onto the disk, nor where there is no processor for it. */
static void kept(void)
{
    static struct writer w;
    set_up();
    CHECK_EQ(writer_open(&w, place), 0);
    for (int round = 0; round < 2; round++) {
        struct made m = make(&w, 0);
        struct mpl_part part = {.fd = w.fd, .length = m.length};
        w.j.sync = round == 0;
        w.j.alone = round == 1;
        CHECK_EQ(mpl_accept(&w.r, m.count), m.count);
        CHECK_EQ(mpl_commit_begin(&w.j, &w.r, &part, 1), 0);
        CHECK_EQ(mpl_commit_finish(&w.j, &w.r, &w.fd, 1), 0);
    }
    w.j.sync = w.j.alone = false;
    w.j.second = mpl_hand_new("");
    CHECK(write_ahead(&w) > 0);
    look(&w);
}

static int test(const char *dir)
{
    int fired = 0;
    place = dir;
    failed();
    kept();
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        int killed = 1, n;
        for (n = 1; killed && n < 5; n++)
            for (int kills = 1; kills <= 2; kills++)
                fired += killed = killed_at(points[i], n, kills);
        printf("%s: %d passages\n", points[i], n - 1);
        CHECK(fired > 0 && n > 2);
    }
    printf("%d writers killed\n", fired);
    return 0;
}

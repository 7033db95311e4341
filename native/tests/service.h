/* SPDX-License-Identifier: Apache-2.0
 *
 * A small service for the tests: producers whose payloads can be checked, and a writer that makes one line of each event.
 *
 *   E <segment> <lane> <epoch> <seq> <expected> <level> <producer> <n> <len> ok|torn
 *   S <segment> <lane> <epoch> <last> <delivered> <dropped> <clean> <pid>
 */
#ifndef SERVICE_H
#define SERVICE_H

#include <inttypes.h>

#include "check.h"
#include "session.h"

#define ARENA (2u << 20)
#define STAGING (256u << 10)
#define CONF "{}"

/* ---- payloads ------------------------------------------------------------------------------------------------------- */
static inline uint8_t payload_byte(uint64_t producer, uint64_t n, size_t i)
{
    return (uint8_t)(producer * 31 + n * 7 + i * 13 + (i >> 8));
}

/* len >= 16: the producer's number, the event's, then bytes that follow from both. */
static inline void payload_fill(char *out, uint64_t producer, uint64_t n, size_t len)
{
    memcpy(out, &producer, 8);
    memcpy(out + 8, &n, 8);
    for (size_t i = 16; i < len; i++)
        out[i] = (char)payload_byte(producer, n, i);
}

static inline bool payload_read(const char *in, size_t len, uint64_t *producer, uint64_t *n)
{
    if (len < 16)
        return false;
    memcpy(producer, in, 8);
    memcpy(n, in + 8, 8);
    for (size_t i = 16; i < len; i++)
        if ((uint8_t)in[i] != payload_byte(*producer, *n, i))
            return false;
    return true;
}

/* ---- producers ------------------------------------------------------------------------------------------------------ */
static inline void service_make(const char *dir)
{
    struct mpl_bell *bell;
    bool created;
    CHECK_EQ(mpl_bell_open(dir, SERVICE, CONF, strlen(CONF), &bell, &created), 0);
    mpl_bell_close(bell);
}

static inline void producer_make(struct mpl_producer *p, const char *dir, const char *name)
{
    CHECK_EQ(mpl_producer_init(p, dir, SERVICE, name), 0);
    CHECK_EQ(mpl_attach(p), 0);
}

static inline enum mpl_outcome send_event(struct mpl_producer *p, uint64_t producer, uint64_t n, size_t len)
{
    char payload[65536];
    payload_fill(payload, producer, n, len);
    return mpl_publish(p, 20, 0, 0, payload, len);
}

static inline int wait_once(const struct mpl_producer *p, uint64_t target, uint64_t timeout_ns)
{
    struct mpl_watch w = mpl_watch(p, target);
    return mpl_wait(&w, timeout_ns);
}

/* ---- the writer ----------------------------------------------------------------------------------------------------- */
struct writer {
    struct mpl_reader r;
    struct mpl_journal j;
    int fd, lock;
    bool redone;
    uint64_t batches, quarantined;
    char file[MPL_PATH];
};

/* Takes the writer's lock on the bell file as a writer does: whoever stands at the path afterwards is ours. */
static inline int writer_lock(const char *dir)
{
    char path[MPL_PATH];
    CHECK_EQ(mpl_path(path, dir, SERVICE, "bell"), 0);
    for (;;) {
        struct stat mine, there;
        int fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd < 0)
            return -errno;
        while (mpl_lock(fd, MPL_LOCK_WRITER, 1))
            pause_ns(200000);
        if (!fstat(fd, &mine) && !stat(path, &there) && mine.st_ino == there.st_ino)
            return fd;
        close(fd);
    }
}

/* Lock, journal, segments, then what a predecessor left in COMMIT. */
static inline int writer_open(struct writer *w, const char *dir)
{
    memset(w, 0, sizeof *w);
    w->lock = writer_lock(dir);
    if (w->lock < 0)
        return w->lock;
    int rc = mpl_reader_open(&w->r, dir, SERVICE, true, ARENA);
    if (rc)
        return rc;
    CHECK_EQ(mpl_journal_open(&w->j, dir, SERVICE, STAGING), 0);
    snprintf(w->file, sizeof w->file, "%s/out", dir);
    w->fd = open(w->file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(w->fd >= 0);
    struct stat st;
    CHECK_EQ(fstat(w->fd, &st), 0);
    if (w->j.fresh) {
        struct mpl_file file = {.dev = st.st_dev, .ino = st.st_ino, .offset = (uint64_t)st.st_size};
        mpl_journal_set_file(&w->j, 0, &file);
    }
    CHECK(mpl_reader_scan(&w->r, &w->j) >= 0);
    w->redone = mpl_load(&w->j.page->state) == MPL_COMMIT;
    if (mpl_load(&w->j.page->syncing) & 1)
        mpl_sync_anew(&w->j, 0);
    CHECK(mpl_redo(&w->j, &w->r, w->fd) >= 0);
    CHECK_EQ(mpl_load(&w->j.page->state), MPL_IDLE);
    return 0;
}

static inline void writer_close(struct writer *w)
{
    mpl_journal_close(&w->j);
    mpl_reader_close(&w->r);
    close(w->fd);
    close(w->lock);
}

static inline size_t line_of(struct writer *w, const struct mpl_item *item, char *out)
{
    struct mpl_view *v = mpl_view_at(&w->r, item->view);
    uint64_t producer = 0, n = 0;
    bool ok = payload_read(w->r.arena + item->place, item->len, &producer, &n);
    return (size_t)sprintf(out, "E %012" PRIx64 " %u %u %" PRIu64 " %" PRIu64 " %u %" PRIu64 " %" PRIu64 " %u %s\n",
        w->r.segments[v->segment].head.segment_id, v->number, v->tally[item->slot].epoch, item->seq, item->expected, item->level, producer, n,
        item->len, ok ? "ok" : "torn");
}

static inline size_t line_of_end(const struct mpl_end *e, uint64_t dropped, char *out)
{
    return (size_t)sprintf(out, "S %012" PRIx64 " %u %u %" PRIu64 " %" PRIu64 " %" PRIu64 " %u %u\n", e->segment_id, e->view % MPL_MAX_LANES,
        e->epoch, e->last, e->told[0].delivered, dropped, e->clean, e->pid);
}

/* One batch of events. Returns how many, or a negative code. */
static inline int writer_batch(struct writer *w)
{
    int items = mpl_drain(&w->r, ARENA);
    if (items <= 0)
        return items;
    size_t length = 0;
    uint32_t taken = 0;
    /* what is accepted must be what was formatted: ask first, format after */
    uint32_t fit = STAGING / 200u < (uint32_t)items ? STAGING / 200u : (uint32_t)items;
    taken = mpl_accept(&w->r, fit);
    for (uint32_t i = 0; i < taken; i++)
        length += line_of(w, &w->r.items[i], w->j.staging + length);
    int rc = mpl_commit(&w->j, &w->r, 0, w->fd, length);
    w->batches++;
    return rc < 0 ? rc : (int)taken;
}

/* End lines of the sessions that are over and drained. Returns how many. */
static inline int writer_ends(struct writer *w)
{
    struct mpl_end ends[64];
    size_t length = 0;
    mpl_rewind(&w->r);
    int count = mpl_ends(&w->r, true, ends, 64), told = 0;
    for (int i = 0; i < count; i++) {
        uint64_t dropped = ends[i].last - ends[i].told[0].delivered - ends[i].told[0].filtered;
        if (mpl_close_session(&w->r, &ends[i]))
            break;
        length += line_of_end(&ends[i], dropped, w->j.staging + length);
        told++;
    }
    if (!told)
        return 0;
    int rc = mpl_commit(&w->j, &w->r, 0, w->fd, length);
    return rc < 0 ? rc : told;
}

/* All that is there now, ends included. Returns the number of events. An event in flight holds others back for 50 ms: wait it out. */
static inline int writer_all(struct writer *w)
{
    int events = 0, idle = 0;
    while (idle < 2) {
        CHECK(mpl_reader_scan(&w->r, &w->j) >= 0);
        int got = writer_batch(w);
        CHECK(got >= 0);
        events += got;
        int ends = got ? 0 : writer_ends(w);
        CHECK(ends >= 0);
        if (got || ends)
            idle = 0;
        else if (mpl_pending(&w->r))
            pause_ns(5000000);
        else
            idle++;
    }
    return events;
}

static inline uint64_t writer_quarantines(struct writer *w)
{
    uint64_t count = 0;
    for (uint32_t s = 0; s < MPL_MAX_SEGMENTS; s++)
        for (uint32_t i = 0; w->r.views[s] && i < w->r.segments[s].head.lanes; i++)
            count += w->r.views[s][i].quarantined;
    return count;
}

/* ---- what stands in the file ---------------------------------------------------------------------------------------- */
struct line {
    char kind;
    uint64_t segment, seq, expected, producer, n, last, delivered, dropped;
    uint32_t lane, epoch, level, len, clean, pid;
    bool torn;
};

static inline bool line_read(const char *text, struct line *l)
{
    char verdict[8] = "";
    memset(l, 0, sizeof *l);
    l->kind = text[0];
    if (text[0] == 'E') {
        int n = sscanf(text, "E %" SCNx64 " %u %u %" SCNu64 " %" SCNu64 " %u %" SCNu64 " %" SCNu64 " %u %7s", &l->segment, &l->lane, &l->epoch,
            &l->seq, &l->expected, &l->level, &l->producer, &l->n, &l->len, verdict);
        l->torn = strcmp(verdict, "ok") != 0;
        return n == 10;
    }
    return text[0] == 'S' && sscanf(text, "S %" SCNx64 " %u %u %" SCNu64 " %" SCNu64 " %" SCNu64 " %u %u", &l->segment, &l->lane, &l->epoch,
        &l->last, &l->delivered, &l->dropped, &l->clean, &l->pid) == 8;
}

/* Calls each(line, arg) for every line of the file; a line that cannot be read or has no end fails the test. */
static inline void each_line(const char *path, void (*each)(const struct line *, void *), void *arg)
{
    char text[512];
    struct line l;
    FILE *f = fopen(path, "r");
    CHECK(f != NULL);
    while (fgets(text, sizeof text, f)) {
        if (!strchr(text, '\n') || !line_read(text, &l)) {
            fprintf(stderr, "not a line of ours: %s\n", text);
            CHECK(!"every line is whole");
        }
        each(&l, arg);
    }
    fclose(f);
}

struct tally {
    uint64_t events, ends, torn, last_n, out_of_order, dropped, last;
};

static inline void tally_line(const struct line *l, void *arg)
{
    struct tally *t = arg;
    if (l->kind == 'S') {
        t->ends++;
        t->dropped += l->dropped;
        t->last = l->last;
        return;
    }
    t->events++;
    t->torn += l->torn;
    t->out_of_order += l->n <= t->last_n;
    t->last_n = l->n;
}

static inline struct tally tally_file(const char *path)
{
    struct tally t = {0};
    each_line(path, tally_line, &t);
    return t;
}

/* Every lane of segment 0 gets `capacity` bytes before anybody claims it. */
static inline void lanes_of(const char *dir, uint32_t capacity, uint64_t position)
{
    struct mpl_segment seg;
    int rc = mpl_segment_create(dir, SERVICE, 0);
    CHECK(rc == 0 || rc == -EEXIST);
    CHECK_EQ(mpl_segment_map(&seg, dir, SERVICE, 0, PROT_READ | PROT_WRITE, false), 0);
    for (uint32_t i = 0; i < seg.head.lanes; i++) {
        struct mpl_lane *lane = mpl_segment_lane(&seg, i);
        CHECK_EQ(fallocate(seg.fd, 0, (off_t)(seg.head.data_off + i * seg.head.data_stride), capacity), 0);
        mpl_store(&lane->capacity, capacity);
        mpl_store(&lane->rsv, position);
        mpl_store(&lane->tail, position);
        mpl_store(&lane->head, position);
    }
    mpl_segment_unmap(&seg);
}

/* Makes lane 0 of segment 0 the only one to be had: this process holds the locks of all others. */
static inline int only_lane_zero(const char *dir)
{
    char path[MPL_PATH];
    CHECK_EQ(mpl_segment_path(path, dir, SERVICE, 0), 0);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0);
    CHECK_EQ(mpl_lock(fd, 1, MPL_MAX_LANES - 1), 0);
    return fd;
}

#endif

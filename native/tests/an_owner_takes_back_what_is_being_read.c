/* SPDX-License-Identifier: Apache-2.0
 *
 * an_owner_takes_back_what_is_being_read [seconds [seed]]
 *
 * when_full=drop_oldest in processes that are killed at random, and so is the writer: what comes out is whole and in order, each number is delivered once or
 * told as dropped, no lane is set aside, and where a gap is told by levels these are the very ones that were lost. */
#include "service.h"

#define PRODUCERS 4
#define MAX_INCARNATIONS (1u << 16)

struct oracle {
    mpl_a64 next, stop, gaps, exact, wrong, lost;
    mpl_a64 acked[MAX_INCARNATIONS];
};
static struct oracle *o;
static const char *place;
static uint64_t seed;

static unsigned level_of(uint64_t n) { return 10 * (1 + (unsigned)((n * n + n / 3) % 5)); }

static int produce(void *arg)
{
    static struct mpl_producer p;
    uint64_t id = (uint64_t)(uintptr_t)arg, random = seed * 2654435761u + id * 97 + 1;
    uint64_t want = 1 + next_random(&random) % 60000;
    char payload[16000];
    CHECK_EQ(mpl_producer_init(&p, place, SERVICE, "takes"), 0);
    p.when_full = MPL_DROP_OLDEST;
    for (uint64_t n = 1; n <= want && !mpl_load(&o->stop); n++) {
        size_t len = 16 + next_random(&random) % (random % 64 ? 200 : sizeof payload - 16);
        payload_fill(payload, id, n, len);
        CHECK_EQ(mpl_publish(&p, level_of(n), 0, 0, payload, len), MPL_ACCEPTED);
        CHECK_EQ(p.seq, n);
        mpl_store_release(&o->acked[id], n);
        if (random % 4096 == 0)
            pause_ns(random >> 44);
    }
    if (id % 3)
        mpl_detach(&p, true);
    return 0;
}

/* Before the batch is committed: what its gaps tell. */
static void look_at_gaps(struct writer *w, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct mpl_item *item = &w->r.items[i];
        if (item->seq == item->expected)
            continue;
        uint64_t want[MPL_LEVELS] = {0};
        struct mpl_gap_told told = mpl_gap_of(&w->r, item);
        for (uint64_t n = item->expected; n < item->seq; n++)
            want[mpl_level_class(level_of(n))]++;
        mpl_add(&o->gaps, 1);
        mpl_add(&o->lost, item->seq - item->expected);
        mpl_add(&o->exact, told.exact);
        mpl_add(&o->wrong, told.exact && memcmp(want, told.gap.count[MPL_REASON_oldest], sizeof want));
    }
}

static int batch(struct writer *w, uint64_t *random)
{
    int items = mpl_drain(&w->r, next_random(random) % 3 ? 20000 : ARENA);
    if (items <= 0)
        return items;
    size_t length = 0;
    uint32_t fit = STAGING / 200u < (uint32_t)items ? STAGING / 200u : (uint32_t)items;
    uint32_t taken = mpl_accept(&w->r, next_random(random) % 4 ? fit : 1 + fit / 2);
    look_at_gaps(w, taken);
    for (uint32_t i = 0; i < taken; i++)
        length += line_of(w, &w->r.items[i], w->j.staging + length);
    if (next_random(random) % 8 == 0)
        pause_ns(next_random(random) % 1000000);
    int rc = mpl_commit(&w->j, &w->r, 0, w->fd, length);
    return rc < 0 ? rc : (int)taken;
}

static int write_until_stopped(void *arg)
{
    static struct writer w;
    uint64_t random = seed + (uint64_t)getpid() * 77777 + 5;
    (void)arg;
    CHECK_EQ(writer_open(&w, place), 0);
    for (uint64_t pass = 0;; pass++) {
        bool stop = mpl_load_acquire(&o->stop) == 2;
        if (mpl_load_acquire(&w.r.bell->segments) != w.r.seen_segments || pass % 256 == 0)
            CHECK(mpl_reader_scan(&w.r, &w.j) >= 0);
        int got = batch(&w, &random);
        CHECK(got >= 0);
        if (pass % 16 == 0 || !got)
            writer_ends(&w);
        CHECK_EQ(writer_quarantines(&w), 0);
        if (!got && stop)
            break;
    }
    writer_all(&w);
    CHECK_EQ(writer_quarantines(&w), 0);
    CHECK_EQ(mpl_retire(&w.r, &w.j), 1);
    return 0;
}

struct result {
    uint64_t delivered, torn, disorder, told, ends, wrong_ends, beyond;
    uint32_t *last;
};

static void look(const struct line *l, void *arg)
{
    struct result *x = arg;
    if (l->kind == 'S') {
        x->ends++;
        x->wrong_ends += l->last != l->delivered + l->dropped;
        return;
    }
    x->delivered++;
    if (l->torn || l->producer >= MAX_INCARNATIONS) {
        x->torn++;
        return;
    }
    x->disorder += l->n != l->seq || l->n <= x->last[l->producer] || l->expected != x->last[l->producer] + 1ull;
    x->told += l->seq - l->expected;
    x->last[l->producer] = (uint32_t)l->n;
    x->beyond += l->n > mpl_load(&o->acked[l->producer]) + 1;
}

static int report(const char *dir, uint64_t kills_p, uint64_t kills_w)
{
    struct result x = {.last = calloc(MAX_INCARNATIONS, sizeof *x.last)};
    char file[MPL_PATH];
    snprintf(file, sizeof file, "%s/out", dir);
    each_line(file, look, &x);
    printf("seed %llu: delivered %llu, told as dropped %llu, torn %llu, out of order or twice %llu, phantoms %llu, wrong ends %llu of %llu; %llu gaps drained, "
           "%llu with levels, %llu of them wrong; kills %llu + %llu of the writer\n",
        (unsigned long long)seed, (unsigned long long)x.delivered, (unsigned long long)x.told, (unsigned long long)x.torn, (unsigned long long)x.disorder,
        (unsigned long long)x.beyond, (unsigned long long)x.wrong_ends, (unsigned long long)x.ends, (unsigned long long)mpl_load(&o->gaps),
        (unsigned long long)mpl_load(&o->exact), (unsigned long long)mpl_load(&o->wrong), (unsigned long long)kills_p, (unsigned long long)kills_w);
    CHECK_EQ(x.torn + x.disorder + x.wrong_ends + x.beyond + mpl_load(&o->wrong), 0);
    CHECK(x.delivered > 0 && x.told > 0 && x.ends > 0 && kills_p > 0 && kills_w > 0);
    CHECK(mpl_load(&o->exact) > mpl_load(&o->gaps) / 2);
    free(x.last);
    return 0;
}

static pid_t start(void)
{
    uint64_t id = mpl_add(&o->next, 1);
    CHECK(id < MAX_INCARNATIONS);
    return spawn(produce, (void *)(uintptr_t)id);
}

static int test(const char *dir)
{
    uint64_t seconds = check_argc > 1 ? strtoull(check_argv[1], NULL, 10) : 4, kills_p = 0, kills_w = 0;
    seed = check_argc > 2 ? strtoull(check_argv[2], NULL, 10) : mpl_random() % 1000000;
    uint64_t random = seed * 0x9e3779b97f4a7c15ull + 1;
    pid_t pids[PRODUCERS], writer;
    printf("seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    o = shared_memory(sizeof *o);
    place = dir;
    service_make(dir);
    lanes_of(dir, MPL_LANE_SMALL, MPL_ORIGIN);
    writer = spawn(write_until_stopped, NULL);
    for (int i = 0; i < PRODUCERS; i++)
        pids[i] = start();
    for (uint64_t end = mpl_now(CLOCK_MONOTONIC) + seconds * 1000000000u; mpl_now(CLOCK_MONOTONIC) < end;) {
        pause_ns(next_random(&random) % 6000000);
        if (next_random(&random) % 4 == 0)
            kills_w += kill(writer, SIGKILL) == 0;
        if (next_random(&random) % 3 == 0)
            kills_p += kill(pids[next_random(&random) % PRODUCERS], SIGKILL) == 0;
        int status;
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
            CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
            if (pid == writer)
                writer = spawn(write_until_stopped, NULL);
            for (int i = 0; i < PRODUCERS; i++)
                if (pids[i] == pid)
                    pids[i] = start();
        }
    }
    mpl_store(&o->stop, 1);
    for (int i = 0; i < PRODUCERS; i++) {
        int code = reap(pids[i]);
        CHECK(code == 0 || code == 1000 + SIGKILL);
    }
    kill(writer, SIGKILL);
    CHECK_EQ(reap(writer), 1000 + SIGKILL);
    mpl_store_release(&o->stop, 2);
    CHECK_EQ(reap(spawn(write_until_stopped, NULL)), 0);
    return report(dir, kills_p, kills_w);
}

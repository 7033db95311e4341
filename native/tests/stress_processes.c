/* SPDX-License-Identifier: Apache-2.0
 *
 * stress_processes [seconds [seed [producers]]]
 *
 * Producers and the writer in processes of their own, killed at random, each started again at once. What was acknowledged stands in memory that only
 * this program's processes share: the oracle outside. At the end every acknowledged event is in the file once, whole and in order; of each
 * killed producer at most the one event that was under way may be there without its acknowledgement. */
#include "service.h"

#define MAX_INCARNATIONS (1u << 18)

struct oracle {
    mpl_a64 next, stop, waits;
    mpl_a64 acked[MAX_INCARNATIONS];
    mpl_a64 settled[MAX_INCARNATIONS];
};
static struct oracle *o;
static const char *place;
static uint64_t seed;

static int produce(void *arg)
{
    static struct mpl_producer p;
    uint64_t id = (uint64_t)(uintptr_t)arg, random = seed * 2654435761u + id * 97 + 1, n = 0;
    uint64_t want = 1 + next_random(&random) % 20000;
    char payload[2048];
    CHECK_EQ(mpl_producer_init(&p, place, SERVICE, "stress"), 0);
    while (n < want && !mpl_load(&o->stop)) {
        size_t len = 16 + next_random(&random) % (random % 64 ? 200 : 2000);
        payload_fill(payload, id, n + 1, len);
        enum mpl_outcome outcome = mpl_publish(&p, 20, 0, 0, payload, len);
        if (outcome == MPL_WAIT) {
            mpl_add(&o->waits, 1);
            wait_once(&p, 0, 100000000u);
            continue;
        }
        CHECK(outcome == MPL_ACCEPTED);
        mpl_store_release(&o->acked[id], ++n);
        if (random % 4096 == 0) {
            while (mpl_settled(&p) < p.seq && !mpl_load(&o->stop))
                wait_once(&p, p.seq, 100000000u);
            if (mpl_settled(&p) >= p.seq)
                mpl_store_release(&o->settled[id], n);
        }
        if (random % 2048 == 0)
            pause_ns(random >> 44);
    }
    if (id % 3)
        mpl_detach(&p, true);
    return 0;
}

static int write_until_stopped(void *arg)
{
    static struct writer w;
    (void)arg;
    CHECK_EQ(writer_open(&w, place), 0);
    for (uint64_t pass = 0;; pass++) {
        bool stop = mpl_load_acquire(&o->stop) == 2;
        uint32_t departures = mpl_load_acquire(&w.r.bell->departures);
        if (mpl_load_acquire(&w.r.bell->segments) != w.r.seen_segments || pass % 256 == 0)
            CHECK(mpl_reader_scan(&w.r, &w.j) >= 0);
        int got = writer_batch(&w);
        CHECK(got >= 0);
        if (pass % 16 == 0 || !got)
            writer_ends(&w);
        CHECK_EQ(writer_quarantines(&w), 0);
        if (got)
            continue;
        if (stop)
            break;
        mpl_sleep(&w.r, 1000000, departures);
    }
    writer_all(&w);
    CHECK_EQ(writer_quarantines(&w), 0);
    CHECK_EQ(mpl_retire(&w.r, &w.j), 1);
    return 0;
}

/* ---- the check ------------------------------------------------------------------------------------------------------ */
struct result {
    uint64_t accepted, delivered, missing, doubled, torn, out_of_order, gaps, ends, clean, phantoms, wrong_ends;
    uint32_t *last;
};

static void look(const struct line *l, void *arg)
{
    struct result *x = arg;
    if (l->kind == 'S') {
        x->ends++;
        x->clean += l->clean;
        x->wrong_ends += l->last != l->delivered + l->dropped || l->dropped;
        return;
    }
    x->delivered++;
    x->gaps += l->seq != l->expected || l->seq != l->n;
    if (l->torn || l->producer >= MAX_INCARNATIONS) {
        x->torn++;
        return;
    }
    uint32_t *last = &x->last[l->producer];
    if (l->n == *last)
        x->doubled++;
    else if (l->n < *last)
        x->out_of_order++;
    else {
        x->missing += l->n - *last - 1;
        *last = (uint32_t)l->n;
    }
}

static int report(const char *dir, uint64_t kills_p, uint64_t kills_w, uint64_t producers)
{
    struct result x = {.last = calloc(MAX_INCARNATIONS, sizeof *x.last)};
    char file[MPL_PATH];
    snprintf(file, sizeof file, "%s/out", dir);
    each_line(file, look, &x);
    for (uint64_t i = 0; i < mpl_load(&o->next); i++) {
        uint64_t acked = mpl_load(&o->acked[i]);
        x.accepted += acked;
        x.missing += acked > x.last[i] ? acked - x.last[i] : 0;
        x.phantoms += x.last[i] > acked + 1;
    }
    printf("seed %llu: %llu producers at a time, %llu in all; accepted %llu, delivered %llu, missing %llu, doubled %llu, torn %llu, "
           "out of order %llu, gaps %llu, phantoms %llu, wrong ends %llu; ends %llu (clean %llu), waits %llu, kills %llu + %llu of the writer\n",
        (unsigned long long)seed, (unsigned long long)producers, (unsigned long long)mpl_load(&o->next), (unsigned long long)x.accepted,
        (unsigned long long)x.delivered, (unsigned long long)x.missing, (unsigned long long)x.doubled, (unsigned long long)x.torn,
        (unsigned long long)x.out_of_order, (unsigned long long)x.gaps, (unsigned long long)x.phantoms, (unsigned long long)x.wrong_ends,
        (unsigned long long)x.ends, (unsigned long long)x.clean, (unsigned long long)mpl_load(&o->waits), (unsigned long long)kills_p,
        (unsigned long long)kills_w);
    CHECK_EQ(x.missing + x.doubled + x.torn + x.out_of_order + x.gaps + x.phantoms + x.wrong_ends, 0);
    CHECK(x.accepted > 0 && x.delivered >= x.accepted && kills_p > 0 && kills_w > 0);
    free(x.last);
    return 0;
}

static pid_t start(uint64_t *random)
{
    uint64_t id = mpl_add(&o->next, 1);
    CHECK(id < MAX_INCARNATIONS);
    (void)next_random(random);
    return spawn(produce, (void *)(uintptr_t)id);
}

static int test(const char *dir)
{
    uint64_t seconds = check_argc > 1 ? strtoull(check_argv[1], NULL, 10) : 5, kills_p = 0, kills_w = 0;
    seed = check_argc > 2 ? strtoull(check_argv[2], NULL, 10) : mpl_random() % 1000000;
    uint64_t random = seed * 0x9e3779b97f4a7c15ull + 1, count = check_argc > 3 ? strtoull(check_argv[3], NULL, 10) : 5;
    pid_t pids[64], writer;
    printf("seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    CHECK(count && count <= 64);
    o = shared_memory(sizeof *o);
    place = dir;
    service_make(dir);
    lanes_of(dir, MPL_LANE_SMALL, MPL_ORIGIN);
    writer = spawn(write_until_stopped, NULL);
    for (uint64_t i = 0; i < count; i++)
        pids[i] = start(&random);
    for (uint64_t end = mpl_now(CLOCK_MONOTONIC) + seconds * 1000000000u; mpl_now(CLOCK_MONOTONIC) < end;) {
        pause_ns(next_random(&random) % 3000000);
        if (next_random(&random) % 4 == 0)
            kills_w += kill(writer, SIGKILL) == 0;
        if (next_random(&random) % 3 == 0)
            kills_p += kill(pids[next_random(&random) % count], SIGKILL) == 0;
        int status;
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
            CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
            if (pid == writer)
                writer = spawn(write_until_stopped, NULL);
            for (uint64_t i = 0; i < count; i++)
                if (pids[i] == pid)
                    pids[i] = start(&random);
        }
    }
    mpl_store(&o->stop, 1);
    for (uint64_t i = 0; i < count; i++) {
        int code = reap(pids[i]);
        CHECK(code == 0 || code == 1000 + SIGKILL);
    }
    kill(writer, SIGKILL);
    CHECK_EQ(reap(writer), 1000 + SIGKILL);
    mpl_store_release(&o->stop, 2);
    CHECK_EQ(reap(spawn(write_until_stopped, NULL)), 0);
    return report(dir, kills_p, kills_w, count);
}

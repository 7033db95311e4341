/* SPDX-License-Identifier: Apache-2.0
 *
 * A producer killed at a point of publish, overflow or dropping, after it a writer killed at a point of drain, commit or retirement, after it the
 * writer that recovers, too; heirs log in between, in the same lane. Then a writer is left alone, and for every triple of points: of what was accepted nothing is missing, doubled or
 * torn, each producer's order is kept, each session's end says last = delivered + dropped, and a fresh event gets through.
 *
 * A sample of the triples, another one in each run; MPL_TRIPLES=1 (make faults) takes them all, from number MPL_FROM on. A point that a run does not come to
 * has killed nobody: such runs are counted by themselves. */
#include "service.h"

struct point {
    const char *name;
    int n; /* the passage at which it kills */
};
static const struct point producing[] = {{"publish_start", 1}, {"publish_marked", 1}, {"publish_reserved", 1}, {"publish_payload", 1},
    {"publish_written", 1}, {"publish_done", 1}, {"publish_start", 4}, {"publish_marked", 4}, {"publish_reserved", 4}, {"publish_payload", 4},
    {"publish_written", 4}, {"publish_done", 4}, {"overflow_start", 1}, {"overflow_marked", 1}, {"overflow_reserved", 1}, {"overflow_counted", 1},
    {"overflow_written", 1}, {"overflow_done", 1}, {"overflow_start", 30}, {"overflow_marked", 30}, {"overflow_reserved", 30}, {"overflow_counted", 2},
    {"overflow_written", 30}, {"overflow_done", 30}, {"overflow_padded", 1}, {"drop_counted", 1}, {"drop_counted", 30}, {"oldest_announced", 1},
    {"oldest_told", 1}, {"oldest_taken", 1}, {"oldest_announced", 30}, {"oldest_told", 30}, {"oldest_taken", 30}};
static const struct point writing[] = {{"drain_copied", 1}, {"commit_entry", 1}, {"commit_point", 1}, {"commit_head", 1}, {"commit_heads", 1}, {"commit_written_part", 1},
    {"commit_written", 1}, {"commit_offset", 1}, {"commit_settled", 1}, {"commit_done", 1}, {"drain_copied", 7}, {"commit_entry", 2}, {"commit_point", 2},
    {"commit_head", 2}, {"commit_heads", 2}, {"commit_written_part", 2}, {"commit_written", 2}, {"commit_offset", 2}, {"commit_settled", 2}, {"commit_done", 2},
    {"overflow_swept", 1}, {"retire_marked", 1}, {"retire_segment", 1}, {"retire_file", 1}};
static const struct point recovering[] = {{"drain_copied", 1}, {"commit_entry", 1}, {"commit_point", 1}, {"commit_head", 1}, {"commit_heads", 1}, {"commit_written_part", 1},
    {"commit_written", 1}, {"commit_offset", 1}, {"commit_settled", 1}, {"commit_done", 1}, {"overflow_swept", 1}, {"retire_marked", 1}, {"retire_segment", 1},
    {"retire_file", 1}};
#define COUNT(array) (sizeof(array) / sizeof *(array))
#define TRIPLES (COUNT(producing) * COUNT(writing) * COUNT(recovering))

enum { STEADY = 1, VICTIM, HEIR, LATE, FRESH, PRODUCERS };
#define SESSIONS 64u

static const char *place;
static mpl_a64 *acked; /* by producer, the last number that a call has returned for; in memory that outlives it */
static bool drops, takes; /* whether the victim's policy is to drop; to take back, and then its predecessor's is, too */
static uint64_t kills[3], cannot, whole;

/* ---- who is killed ------------------------------------------------------------------------------------------------------------ */
struct part {
    const struct point *at; /* NULL: nobody is killed */
    enum mpl_when_full policy;
    uint64_t id, events;
    size_t len;
    bool detach;
};

static void arm(const struct point *at)
{
    char fault[64];
    if (!at)
        return;
    snprintf(fault, sizeof fault, "%s:%d", at->name, at->n);
    setenv("MPLOG_FAULT", fault, 1);
}

static int produce(void *arg)
{
    const struct part *part = arg;
    struct mpl_producer p;
    CHECK_EQ(mpl_producer_init(&p, place, SERVICE, "some"), 0);
    p.when_full = part->policy;
    CHECK_EQ(mpl_attach(&p), 0);
    CHECK_EQ(p.lane_number, 0);
    arm(part->at);
    for (uint64_t n = 1; n <= part->events; n++) {
        enum mpl_outcome outcome = send_event(&p, part->id, n, part->len);
        CHECK(outcome == MPL_ACCEPTED || (outcome == MPL_DROPPED && p.when_full == MPL_DROP_NEWEST));
        mpl_store_release(&acked[part->id], n);
    }
    if (part->detach)
        mpl_detach(&p, true);
    return 0;
}

static int write_all(void *arg)
{
    static struct writer w;
    const struct part *part = arg;
    arm(part->at);
    int rc = writer_open(&w, place);
    if (rc == -ENOENT) /* the one before has taken the service down */
        return 0;
    CHECK_EQ(rc, 0);
    writer_all(&w);
    CHECK_EQ(writer_quarantines(&w), 0);
    CHECK_EQ(mpl_retire(&w.r, &w.j), 1);
    return 0;
}

/* A service whose only lane is lane 0, until the descriptor is closed: heirs adopt. */
static int set_up(void)
{
    service_make(place);
    int rc = mpl_segment_create(place, SERVICE, 0);
    CHECK(rc == 0 || rc == -EEXIST);
    if (rc == 0)
        lanes_of(place, MPL_LANE_SMALL, MPL_ORIGIN);
    return only_lane_zero(place);
}

static bool run(int (*body)(void *), struct part part)
{
    int others = body == produce ? set_up() : -1;
    int code = reap(spawn(body, &part));
    CHECK(code == 0 || code == 1000 + SIGKILL);
    CHECK(part.at || code == 0);
    if (others >= 0)
        close(others);
    return code != 0;
}

/* ---- what is left ------------------------------------------------------------------------------------------------------------- */
struct seen {
    uint64_t last[PRODUCERS];
    unsigned sessions;
    struct {
        uint64_t segment, events, last, producer;
        uint32_t epoch;
        bool ended;
    } session[SESSIONS];
};

static unsigned session_of(struct seen *s, const struct line *l)
{
    for (unsigned i = 0; i < s->sessions; i++)
        if (s->session[i].segment == l->segment && s->session[i].epoch == l->epoch)
            return i;
    CHECK(s->sessions < SESSIONS);
    s->session[s->sessions].segment = l->segment;
    s->session[s->sessions].epoch = l->epoch;
    return s->sessions++;
}

static void look(const struct line *l, void *arg)
{
    struct seen *s = arg;
    unsigned i = session_of(s, l);
    CHECK(!s->session[i].ended); /* the end line is the last one, and comes once */
    const uint64_t producer = l->kind == 'S' ? s->session[i].producer : l->producer;
    const bool dropping = drops && (producer == VICTIM || (takes && producer == STEADY));
    if (l->kind == 'S') {
        s->session[i].ended = true;
        CHECK_EQ(l->delivered, s->session[i].events);
        CHECK_EQ(l->last, l->delivered + l->dropped);
        CHECK(!l->dropped || dropping || (drops && !l->delivered)); /* one of which nothing was delivered is not known by its events */
        CHECK(!dropping || l->last - mpl_load(&acked[producer]) <= 1);
        return;
    }
    CHECK(!l->torn && l->producer && l->producer < PRODUCERS);
    CHECK(dropping ? l->n > s->last[l->producer] : l->n == s->last[l->producer] + 1);
    s->last[l->producer] = l->n;
    CHECK(dropping ? l->seq == l->n : l->seq == s->session[i].events + 1);
    s->session[i].producer = l->producer;
    s->session[i].events++;
}

static void check_file(void)
{
    struct seen s = {0};
    char file[MPL_PATH];
    snprintf(file, sizeof file, "%s/out", place);
    each_line(file, look, &s);
    for (int id = STEADY; id < PRODUCERS; id++) {
        uint64_t sure = mpl_load(&acked[id]);
        CHECK(s.last[id] == sure || (id == VICTIM && s.last[id] == sure + 1) || ((id == VICTIM ? drops : takes && id == STEADY) && s.last[id] < sure));
    }
    CHECK_EQ(s.last[FRESH], 1);
    for (unsigned i = 0; i < s.sessions; i++)
        CHECK(s.session[i].ended);
    CHECK_EQ(unlink(file), 0);
}

static void one_triple(uint64_t k)
{
    const struct point *first = &producing[k / COUNT(recovering) / COUNT(writing)], *second = &writing[k / COUNT(recovering) % COUNT(writing)],
                       *third = &recovering[k % COUNT(recovering)];
    const bool fills = strncmp(first->name, "publish", 7) != 0;
    const enum mpl_when_full policy = strncmp(first->name, "oldest", 6) == 0 ? MPL_DROP_OLDEST : strncmp(first->name, "drop", 4) == 0 ? MPL_DROP_NEWEST : MPL_OVERFLOW;
    drops = policy != MPL_OVERFLOW, takes = policy == MPL_DROP_OLDEST;
    for (int id = 0; id < PRODUCERS; id++)
        mpl_store(&acked[id], 0);
    fprintf(stderr, "%s:%d, %s:%d, %s:%d\n", first->name, first->n, second->name, second->n, third->name, third->n);
    run(produce, (struct part){.policy = takes ? policy : MPL_OVERFLOW, .id = STEADY, .events = 5, .len = 60, .detach = k % 2});
    bool killed[3];
    killed[0] = run(produce, (struct part){.at = first, .policy = policy, .id = VICTIM, .events = fills ? 100 : 8, .len = fills ? 12000 : 200});
    if (k % 3 == 0) /* the heir comes before the writer, or after it */
        run(produce, (struct part){.policy = MPL_OVERFLOW, .id = HEIR, .events = 4, .len = 100, .detach = k % 4 < 2});
    killed[1] = run(write_all, (struct part){.at = second});
    run(produce, (struct part){.policy = MPL_OVERFLOW, .id = k % 3 ? HEIR : LATE, .events = 4, .len = 100, .detach = k % 4 < 2});
    killed[2] = run(write_all, (struct part){.at = third});
    if (k % 3)
        run(produce, (struct part){.policy = MPL_OVERFLOW, .id = LATE, .events = 3, .len = 300, .detach = true});
    run(write_all, (struct part){0});
    run(produce, (struct part){.policy = MPL_OVERFLOW, .id = FRESH, .events = 1, .len = 50, .detach = true});
    run(write_all, (struct part){0});
    check_file();
    for (int i = 0; i < 3; i++)
        kills[i] += killed[i];
    whole += killed[0] && killed[1] && killed[2];
    cannot += !(killed[0] && killed[1] && killed[2]);
}

/* Whoever interrupts a long run goes on with MPL_FROM. */
static void tell(uint64_t next)
{
    printf("up to %llu of %llu: all three killed in %llu, a point not come to in %llu\n", (unsigned long long)next, (unsigned long long)TRIPLES,
        (unsigned long long)whole, (unsigned long long)cannot);
    fflush(stdout);
}

static int test(const char *dir)
{
    const uint64_t step = getenv("MPL_TRIPLES") ? strtoull(getenv("MPL_TRIPLES"), NULL, 10) : 97;
    place = dir;
    acked = shared_memory(4096);
    const char *from = getenv("MPL_FROM");
    uint64_t k = from ? strtoull(from, NULL, 10) : step > 1 ? (uint64_t)getpid() % step : 0, first = k;
    for (uint64_t done = 0; k < TRIPLES; k += step) {
        one_triple(k);
        if (++done % 256 == 0)
            tell(k + 1);
    }
    printf("triples %llu, %llu + i * %llu: all three killed in %llu; in %llu a point was not come to; kills %llu, %llu, %llu\n", (unsigned long long)TRIPLES,
        (unsigned long long)first, (unsigned long long)step, (unsigned long long)whole, (unsigned long long)cannot, (unsigned long long)kills[0],
        (unsigned long long)kills[1], (unsigned long long)kills[2]);
    CHECK(whole > cannot);
    return 0;
}

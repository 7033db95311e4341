/* SPDX-License-Identifier: Apache-2.0
 *
 * A session's end tells its exact last number and whether it was clean, whoever saves it: the next owner of the lane or the writer. Numbers begin
 * at 1 in each. With all eight slots in use the lane is not given out. */
#include "service.h"

static const char *place;

struct job {
    uint64_t events;
    int clean;
};

static int produce(void *arg)
{
    const struct job *job = arg;
    struct mpl_producer p;
    producer_make(&p, place, "session");
    for (uint64_t n = 1; n <= job->events; n++)
        CHECK_EQ(send_event(&p, 1, n, 60), MPL_ACCEPTED);
    CHECK_EQ(p.seq, job->events);
    if (job->clean)
        mpl_detach(&p, true);
    kill(getpid(), SIGKILL);
    return 0;
}

struct seen {
    uint64_t ends, events, bad, last_seq;
    bool clean[64];
    uint64_t last[64];
};

static void look(const struct line *l, void *arg)
{
    struct seen *s = arg;
    if (l->kind == 'S') {
        CHECK(l->epoch < 64);
        s->ends++;
        s->clean[l->epoch] = l->clean != 0;
        s->last[l->epoch] = l->last;
        s->bad += l->delivered != l->last || l->dropped;
        return;
    }
    s->events++;
    s->bad += l->torn || l->expected != l->seq;
}

static int test(const char *dir)
{
    static struct writer w;
    static const struct job jobs[] = {{5, 1}, {0, 0}, {7, 0}, {0, 1}, {1, 0}, {300, 1}, {2, 0}, {3, 1}};
    struct mpl_producer extra;
    struct seen s = {0};
    uint64_t events = 0;
    place = dir;
    service_make(dir);
    lanes_of(dir, MPL_LANE_SMALL, MPL_ORIGIN);
    int others = only_lane_zero(dir);
    for (size_t i = 0; i < 8; i++) {
        CHECK_EQ(reap(spawn(produce, (void *)&jobs[i])), 1000 + SIGKILL);
        events += jobs[i].events;
    }
    /* all eight slots hold sessions that nobody has closed: another lane, here of another segment */
    CHECK_EQ(mpl_producer_init(&extra, dir, SERVICE, "extra"), 0);
    CHECK_EQ(mpl_attach(&extra), 0);
    CHECK_EQ(extra.segment, 1);
    mpl_producer_free(&extra);
    CHECK_EQ(writer_open(&w, dir), 0);
    CHECK_EQ(writer_all(&w), events);
    each_line(w.file, look, &s);
    CHECK_EQ(s.bad, 0);
    CHECK_EQ(s.events, events);
    CHECK_EQ(s.ends, 9);
    for (uint32_t i = 1; i <= 8; i++) {
        bool extra_too = i == 1; /* epoch 1 of the other lane: clean, and 0 events */
        if (!extra_too)
            CHECK_EQ(s.last[i], jobs[i - 1].events);
        CHECK_EQ(s.clean[i], jobs[i - 1].clean);
    }
    CHECK_EQ(reap(spawn(produce, (void *)&jobs[0])), 1000 + SIGKILL); /* and now there are slots again */
    writer_all(&w);
    s = (struct seen){0};
    each_line(w.file, look, &s);
    CHECK_EQ(s.last[9], 5);
    close(others);
    CHECK_EQ(mpl_retire(&w.r, &w.j), 1);
    writer_close(&w);
    return 0;
}

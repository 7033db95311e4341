/* SPDX-License-Identifier: Apache-2.0
 *
 * A writer killed at the n-th passage of every named point of a commit, for every n, and the next one again at the same point: the one after
 * them finishes, and the file holds every event and every end line once. */
#include "service.h"

#define EVENTS 12u

static const char *const points[] = {"commit_entry", "commit_point", "commit_head", "commit_heads", "commit_written_part",
    "commit_written", "commit_offset", "commit_settled", "commit_done", "sync_begun", "sync_done"};

static const char *place;

static int write_all_killed(void *arg)
{
    static struct writer w;
    setenv("MPLOG_FAULT", arg, 1);
    if (writer_open(&w, place))
        return 2;
    w.j.sync = true;
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
    if (producer == 1)
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
    CHECK_EQ(l->expected, l->n);
}

/* How many writers were killed; 0 when the point was never passed that often. */
static int one_round(const char *point, int n, int kills)
{
    static struct writer w;
    struct seen s = {0};
    char fault[64];
    int killed = 0;
    snprintf(fault, sizeof fault, "%s:%d", point, n);
    service_make(place);
    CHECK_EQ(reap(spawn(produce, (void *)1)), 0);
    CHECK_EQ(reap(spawn(produce, (void *)2)), 0);
    for (int i = 0; i < kills; i++) {
        int code = reap(spawn(write_all_killed, fault));
        CHECK(code == 0 || code == 1000 + SIGKILL);
        killed += code != 0;
    }
    CHECK_EQ(writer_open(&w, place), 0);
    writer_all(&w);
    CHECK_EQ(writer_quarantines(&w), 0);
    each_line(w.file, check_line, &s);
    CHECK_EQ(s.lines, 2 * EVENTS);
    CHECK_EQ(s.ends, 2);
    struct stat st;
    CHECK_EQ(stat(w.file, &st), 0);
    CHECK_EQ(mpl_journal_file(&w.j, 0)->offset, st.st_size);
    CHECK_EQ(mpl_retire(&w.r, &w.j), 1);
    writer_close(&w);
    CHECK_EQ(unlink(w.file), 0);
    return killed;
}

static int test(const char *dir)
{
    int fired = 0;
    place = dir;
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        int killed = 1, n;
        for (n = 1; killed; n++)
            for (int kills = 1; kills <= 3; kills++)
                fired += killed = one_round(points[i], n, kills);
        printf("%s: %d passages\n", points[i], n - 2);
        CHECK(n > 2);
    }
    printf("%d writers killed\n", fired);
    return 0;
}

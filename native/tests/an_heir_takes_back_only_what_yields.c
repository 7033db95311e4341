/* SPDX-License-Identifier: Apache-2.0
 *
 * A lane whose owner has died with events unread, and an heir that drops the oldest: where the predecessor had that policy, too, its events make room and are
 * told as dropped at its end; under any other policy they were promised to stay, so the heir's new ones are dropped until the writer has read the others. */
#include "service.h"

#define LEN 1000u
#define HEIR 2u

struct seen {
    uint64_t events[HEIR + 1], last[HEIR + 1], ends, dropped;
};

struct part {
    enum mpl_when_full policy;
    uint64_t id, count;
    uint64_t *accepted;
};

static const char *place;

static int produce(void *arg)
{
    const struct part *part = arg;
    struct mpl_producer p;
    CHECK_EQ(mpl_producer_init(&p, place, SERVICE, "some"), 0);
    p.when_full = part->policy;
    CHECK_EQ(mpl_attach(&p), 0);
    CHECK_EQ(p.lane_number, 0);
    for (uint64_t n = 1; n <= part->count; n++)
        *part->accepted += send_event(&p, part->id, n, LEN) == MPL_ACCEPTED;
    return 0; /* as if killed: no goodbye */
}

static void look(const struct line *l, void *arg)
{
    struct seen *s = arg;
    if (l->kind == 'S') {
        s->ends++;
        s->dropped += l->dropped;
        return;
    }
    CHECK(!l->torn && l->producer <= HEIR && l->n > s->last[l->producer]);
    s->last[l->producer] = l->n;
    s->events[l->producer]++;
}

static struct seen drained(void)
{
    static struct writer w;
    struct seen s = {0};
    CHECK_EQ(writer_open(&w, place), 0);
    writer_all(&w);
    CHECK_EQ(writer_quarantines(&w), 0);
    each_line(w.file, look, &s);
    CHECK_EQ(ftruncate(w.fd, 0), 0);
    mpl_journal_set_file(&w.j, 0, &(struct mpl_file){0});
    writer_close(&w);
    return s;
}

static void heir_after(enum mpl_when_full policy, uint64_t *accepted)
{
    const uint64_t fills = policy == MPL_DROP_NEWEST ? 100 : 50, sent = 500; /* of 64 KiB, less the eighth that is kept free */
    accepted[0] = accepted[1] = 0;
    CHECK_EQ(reap(spawn(produce, &(struct part){.policy = policy, .id = 1, .count = fills, .accepted = &accepted[0]})), 0);
    CHECK_EQ(reap(spawn(produce, &(struct part){.policy = MPL_DROP_OLDEST, .id = HEIR, .count = sent, .accepted = &accepted[1]})), 0);
    const struct seen s = drained();
    CHECK_EQ(s.ends, 2);
    if (policy == MPL_DROP_OLDEST) {
        CHECK_EQ(accepted[1], sent);
        CHECK_EQ(s.events[1], 0);
        CHECK(s.events[HEIR] > 0 && s.last[HEIR] == sent);
    } else {
        CHECK_EQ(s.events[1], accepted[0]);
        CHECK_EQ(s.events[HEIR], accepted[1]);
        CHECK(accepted[1] < sent);
    }
    CHECK_EQ(s.events[1] + s.events[HEIR] + s.dropped, fills + sent);
    accepted[1] = 0; /* and now there is room */
    CHECK_EQ(reap(spawn(produce, &(struct part){.policy = MPL_DROP_OLDEST, .id = HEIR, .count = 3, .accepted = &accepted[1]})), 0);
    CHECK_EQ(accepted[1], 3);
    CHECK_EQ(drained().events[HEIR], 3);
}

static int test(const char *dir)
{
    uint64_t *accepted = shared_memory(4096);
    place = dir;
    service_make(dir);
    lanes_of(dir, MPL_LANE_SMALL, MPL_ORIGIN);
    only_lane_zero(dir);
    for (enum mpl_when_full policy = MPL_BLOCK; policy <= MPL_DROP_OLDEST; policy++)
        heir_after(policy, accepted);
    return 0;
}

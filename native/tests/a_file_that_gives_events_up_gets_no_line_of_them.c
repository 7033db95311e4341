/* SPDX-License-Identifier: Apache-2.0
 *
 * While a file gives its events up all of them are taken and none leaves a line; afterwards the first event is preceded by what tells of them, also where the
 * file's own filter leaves that event out, or it was never formatted. */
#include "compose.h"
#include "service.h"

#define EVENTS 4u
#define SINK 1u

static struct writer w;
static uint64_t formatted, told;

static int format(struct mpl_second *second, const struct mpl_stamp *stamp, const uint8_t *payload, size_t len, char *out, size_t room)
{
    (void)second, (void)stamp, (void)payload, (void)len, (void)room;
    formatted++;
    return sprintf(out, "x\n");
}

static int64_t tell_lost(void *arg, const struct mpl_item *item, char *out, size_t room)
{
    (void)arg, (void)room;
    CHECK(item->lost >> SINK & 1);
    told++;
    return sprintf(out, "lost\n");
}

static void composed(uint64_t want_formatted, uint64_t want_told)
{
    static struct mpl_second second;
    struct mpl_compose c = {.r = &w.r, .sink = SINK, .format = format, .at = w.j.staging, .end = w.j.staging + STAGING, .room = STAGING, .fallback = tell_lost,
        .second = &second};
    formatted = told = 0;
    CHECK_EQ(mpl_compose(&c), 0);
    CHECK_EQ(c.count, EVENTS); /* all are taken */
    CHECK_EQ(formatted, want_formatted);
    CHECK_EQ(told, want_told);
    CHECK_EQ(c.size, 2 * formatted + 5 * told);
}

static int test(const char *dir)
{
    struct mpl_producer p;
    service_make(dir);
    producer_make(&p, dir, "some");
    for (uint64_t n = 1; n <= EVENTS; n++)
        CHECK_EQ(send_event(&p, 1, n, 50), MPL_ACCEPTED);
    CHECK_EQ(writer_open(&w, dir), 0);
    CHECK_EQ(mpl_drain(&w.r, ARENA), EVENTS);
    composed(EVENTS, 0);
    w.r.losing = 1u << SINK;
    composed(0, 0);
    w.r.losing = 0;
    w.r.items[0].lost = 1u << SINK;
    composed(EVENTS - 1, 1);
    w.r.items[0].filtered = w.r.items[1].filtered = 1u << SINK;
    composed(EVENTS - 2, 1);
    mpl_producer_free(&p);
    writer_close(&w);
    return 0;
}

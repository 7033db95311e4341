/* SPDX-License-Identifier: Apache-2.0
 *
 * What is published comes out once, in order, with the same bytes, level, kind and numbers. */
#include "service.h"

#define EVENTS 2000u

static size_t length_of(uint64_t n)
{
    return 16 + (size_t)(n * 37 % 1500);
}

static void check_item(struct writer *w, const struct mpl_item *item, uint64_t n)
{
    uint64_t producer, number;
    CHECK_EQ(item->len, length_of(n));
    CHECK(payload_read(w->r.arena + item->place, item->len, &producer, &number));
    CHECK_EQ(producer, 7);
    CHECK_EQ(number, n);
    CHECK_EQ(item->seq, n);
    CHECK_EQ(item->expected, n);
    CHECK_EQ(item->level, n % 60);
    CHECK_EQ(item->kind, n % 2);
    CHECK_EQ(item->flags & MPL_FLAG_CUT, n % 3 == 0 ? MPL_FLAG_CUT : 0);
    CHECK(item->mono_ns && item->wall_ns);
}

static int test(const char *dir)
{
    static struct writer w;
    struct mpl_producer p;
    char payload[2048];
    service_make(dir);
    producer_make(&p, dir, "one");
    CHECK_EQ(writer_open(&w, dir), 0);
    uint64_t sent = 0, seen = 0;
    while (seen < EVENTS) {
        while (sent < EVENTS && sent - seen < 400) {
            sent++;
            payload_fill(payload, 7, sent, length_of(sent));
            CHECK_EQ(mpl_publish(&p, (unsigned)(sent % 60), sent % 2, sent % 3 == 0 ? MPL_FLAG_CUT : 0, payload, length_of(sent)), MPL_ACCEPTED);
        }
        int items = mpl_drain(&w.r, ARENA);
        CHECK(items > 0);
        for (int i = 0; i < items; i++)
            check_item(&w, &w.r.items[i], ++seen);
        CHECK_EQ(mpl_accept(&w.r, (uint32_t)items), items);
        CHECK_EQ(mpl_commit(&w.j, &w.r, 0, w.fd, 0), 0);
        CHECK_EQ(mpl_settled(&p), seen);
    }
    CHECK_EQ(mpl_drain(&w.r, ARENA), 0);
    CHECK_EQ(mpl_pending(&w.r), 0);
    mpl_producer_free(&p);
    CHECK_EQ(writer_all(&w), 0);
    CHECK_EQ(tally_file(w.file).ends, 1);
    writer_close(&w);
    return 0;
}

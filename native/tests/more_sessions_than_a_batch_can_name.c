/* SPDX-License-Identifier: Apache-2.0
 *
 * A crowd of sessions, each with an event at the same time, comes out in several batches: once, whole, none refused. */
#include "service.h"

#define CROWD 600u

static int test(const char *dir)
{
    static struct mpl_producer crowd[CROWD];
    static struct writer w;
    static bool seen[CROWD];
    uint32_t batches = 0, events = 0;
    service_make(dir);
    for (uint32_t i = 0; i < CROWD; i++) {
        producer_make(&crowd[i], dir, "crowd");
        CHECK_EQ(send_event(&crowd[i], i, 1, 64), MPL_ACCEPTED);
    }
    CHECK_EQ(writer_open(&w, dir), 0);
    while (events < CROWD) {
        int items = mpl_drain(&w.r, ARENA);
        CHECK(items > 0 && (uint32_t)items <= MPL_MAX_TOUCHES - MPL_TOUCHES_FOR_ENDS);
        for (int i = 0; i < items; i++) {
            uint64_t producer, n;
            CHECK(payload_read(w.r.arena + w.r.items[i].place, w.r.items[i].len, &producer, &n));
            CHECK(producer < CROWD && !seen[producer]);
            seen[producer] = true;
        }
        CHECK_EQ(mpl_accept(&w.r, (uint32_t)items), items);
        CHECK_EQ(mpl_commit(&w.j, &w.r, 0, w.fd, 0), 0);
        events += (uint32_t)items;
        batches++;
    }
    CHECK(batches > 1);
    for (uint32_t i = 0; i < CROWD; i++)
        mpl_producer_free(&crowd[i]);
    CHECK_EQ(writer_all(&w), 0);
    CHECK_EQ(tally_file(w.file).ends, CROWD);
    writer_close(&w);
    return 0;
}

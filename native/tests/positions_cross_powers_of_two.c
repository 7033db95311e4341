/* SPDX-License-Identifier: Apache-2.0
 *
 * Positions go across 2^32 (as every fresh lane does), 2^63 and close to 2^64 without an event lost. */
#include "service.h"

static void cross(const char *dir, uint64_t start, uint64_t line)
{
    struct mpl_producer p;
    struct writer w;
    char file[MPL_PATH];
    service_make(dir);
    lanes_of(dir, MPL_LANE_SMALL, start);
    producer_make(&p, dir, "far");
    CHECK_EQ(p.tail, start);
    CHECK_EQ(writer_open(&w, dir), 0);
    for (uint64_t n = 1; n <= 3000; n++) {
        CHECK_EQ(send_event(&p, 1, n, 16 + n % 200), MPL_ACCEPTED);
        if (n % 100 == 0)
            CHECK_EQ(writer_all(&w), 100);
    }
    CHECK(p.tail > line && start < line);
    mpl_producer_free(&p);
    writer_all(&w);
    struct tally t = tally_file(w.file);
    CHECK_EQ(t.events, 3000);
    CHECK_EQ(t.torn + t.out_of_order + t.dropped, 0);
    CHECK_EQ(t.last, 3000);
    snprintf(file, sizeof file, "%s", w.file);
    CHECK_EQ(mpl_retire(&w.r, &w.j), 1);
    writer_close(&w);
    CHECK_EQ(unlink(file), 0);
}

static int test(const char *dir)
{
    CHECK(MPL_ORIGIN < 1ull << 32 && (1ull << 32) - MPL_ORIGIN < MPL_LANE_SMALL);
    cross(dir, MPL_ORIGIN, 1ull << 32);
    cross(dir, (1ull << 63) - 8192, 1ull << 63);
    return 0;
}

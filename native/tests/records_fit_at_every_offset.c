/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of every small size, and some large ones, at every offset near the data's end: they wrap by a pad and come out whole. */
#include "service.h"

#define CAPACITY MPL_LANE_SMALL
#define LARGEST (CAPACITY / 4 - 40)

static struct writer w;
static struct mpl_producer p;
static uint64_t number;

static void drain_all(uint64_t from)
{
    uint64_t producer, n;
    while (mpl_pending(&w.r)) {
        int items = mpl_drain(&w.r, ARENA);
        CHECK(items >= 0);
        for (int i = 0; i < items; i++) {
            const struct mpl_item *item = &w.r.items[i];
            CHECK(payload_read(w.r.arena + item->place, item->len, &producer, &n));
            CHECK_EQ(n, ++from);
            CHECK_EQ(item->seq, n);
        }
        CHECK_EQ(mpl_accept(&w.r, (uint32_t)items), items);
        CHECK_EQ(mpl_commit(&w.j, &w.r, 0, w.fd, 0), 0);
    }
    CHECK_EQ(from, number);
}

static void put(size_t len)
{
    number++;
    CHECK_EQ(send_event(&p, 1, number, len), MPL_ACCEPTED);
}

/* Fillers until exactly `rest` bytes are left before the data's end. */
static void go_to(uint64_t rest)
{
    uint64_t target = CAPACITY - rest;
    for (;;) {
        uint64_t at = p.tail & (CAPACITY - 1), gap = (target - at) & (CAPACITY - 1);
        if (gap == 0)
            return;
        uint64_t len = gap < 64 ? 0 : gap <= CAPACITY / 8 ? gap - 40 : gap < CAPACITY / 4 ? gap / 16 * 8 - 40 : CAPACITY / 8;
        put(len < 16 ? 16 : len);
        drain_all(number - 1);
    }
}

static int test(const char *dir)
{
    uint64_t pads = 0, cases = 0;
    service_make(dir);
    lanes_of(dir, CAPACITY, MPL_ORIGIN);
    producer_make(&p, dir, "wraps");
    CHECK_EQ(p.capacity, CAPACITY);
    CHECK_EQ(writer_open(&w, dir), 0);
    for (uint64_t rest = 8; rest <= 320; rest += 8)
        for (size_t len = 16; len <= 320; len += len < 280 ? 8 - len % 3 : 1) {
            go_to(rest);
            uint64_t before = number, tail = p.tail;
            put(len);
            pads += p.tail - tail != mpl_align8(40 + len);
            put(17);
            drain_all(before);
            cases++;
        }
    for (uint64_t rest = 8; rest < CAPACITY / 4 + 64; rest += 1016) {
        go_to(rest);
        uint64_t before = number;
        put(LARGEST);
        put(LARGEST);
        drain_all(before);
    }
    printf("%llu cases, %llu pads, tail %#llx\n", (unsigned long long)cases, (unsigned long long)pads, (unsigned long long)p.tail);
    CHECK(pads > 500 && cases - pads > 100);
    CHECK_EQ(send_event(&p, 1, 0, LARGEST + 1), MPL_TOO_BIG);
    CHECK_EQ(writer_quarantines(&w), 0);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A lane of any bytes: {u8 which, u8 passes, u16 control bytes, control page, data at the head}. The writer drains, commits, ends and goes on; whatever
 * it gives out lies in its arena, and it does not hang. The last lane is used at its full size: behind it the mapping ends. */
#include "fuzz.h"

#define LAST (MPL_MAX_LANES - 1u)

static char *base;
static struct mpl_reader r;
static struct mpl_journal j;
static int file;

static void start(void)
{
    size_t bytes = MPL_PAGE + MPL_MAX_LANES * (size_t)MPL_PAGE + MPL_MAX_LANES * (size_t)MPL_LANE_LARGE;
    fuzz_service();
    base = fuzz_map("0.ring", bytes);
    file = open(fuzz_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    REQUIRE(file >= 0);
    REQUIRE(mpl_journal_open(&j, fuzz_dir, SERVICE, STAGING) == 0);
}

static void work(void)
{
    struct mpl_end ends[8];
    int items = mpl_drain(&r, 1u << 20);
    REQUIRE(items >= 0);
    uint32_t taken = mpl_accept(&r, (uint32_t)items);
    REQUIRE(taken <= (uint32_t)items);
    for (uint32_t i = 0; i < taken; i++)
        REQUIRE((size_t)r.items[i].place + r.items[i].len <= r.arena_bytes && r.items[i].slot < MPL_SLOTS);
    REQUIRE(mpl_commit(&j, &r, 0, file, 0) >= 0);
    int count = mpl_ends(&r, true, ends, 8);
    for (int i = 0; i < count; i++)
        mpl_close_session(&r, &ends[i]);
    REQUIRE(mpl_commit(&j, &r, 0, file, 0) >= 0);
    mpl_pending(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (!base)
        start();
    if (size < 4)
        return 0;
    uint32_t number = bytes[0] & 1 ? LAST : 0;
    size_t words = fuzz_min((size_t)(bytes[2] | bytes[3] << 8), fuzz_min(size - 4, sizeof(struct mpl_lane)));
    struct mpl_lane *lane = (struct mpl_lane *)(void *)(base + MPL_PAGE + (size_t)number * MPL_PAGE);
    char *data = base + MPL_PAGE + MPL_MAX_LANES * (size_t)MPL_PAGE + number * (size_t)MPL_LANE_LARGE;
    memset(lane, 0, sizeof *lane);
    memcpy(lane, bytes + 4, words);
    uint64_t offset = mpl_load(&lane->head) & (MPL_LANE_LARGE - 1);
    size_t rest = size - 4 - words, first = fuzz_min(rest, MPL_LANE_LARGE - offset);
    memcpy(data + offset, bytes + 4 + words, first);
    memcpy(data, bytes + 4 + words + first, rest - first);
    mpl_journal_adopt(&j, 0, 0);
    REQUIRE(mpl_reader_open(&r, fuzz_dir, SERVICE, true, 1u << 20) == 0);
    REQUIRE(mpl_reader_scan(&r, &j) == 1);
    for (int pass = 0; pass < 1 + (bytes[1] & 3); pass++)
        work();
    mpl_reader_close(&r);
    memset(lane, 0, sizeof *lane);
    memset(data + offset, 0, first);
    memset(data, 0, rest - first);
    return 0;
}

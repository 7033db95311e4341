/* SPDX-License-Identifier: Apache-2.0
 *
 * A lane of any bytes: {u8 which, u8 passes, u16 control bytes, control page, data at the head}. The writer drains, commits, brings onto
 * the disk, ends and goes on; whatever it gives out lies in its arena, and it does not hang. The last lane is used at its full size: behind it the mapping ends. */
#include "fuzz.h"

#define LAST (MPL_MAX_LANES - 1u)

static char *base;
static struct fuzz_writer w;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (!base)
        base = fuzz_writer(&w, MPL_PAGE + MPL_MAX_LANES * (size_t)MPL_PAGE + MPL_MAX_LANES * (size_t)MPL_LANE_LARGE);
    if (size < 4)
        return 0;
    uint32_t number = bytes[0] & 1 ? LAST : 0;
    struct mpl_lane *lane = (struct mpl_lane *)(void *)(base + MPL_PAGE + (size_t)number * MPL_PAGE);
    char *data = base + MPL_PAGE + MPL_MAX_LANES * (size_t)MPL_PAGE + number * (size_t)MPL_LANE_LARGE;
    const size_t used = fuzz_control(lane, bytes, size), rest = size - used;
    uint64_t offset = mpl_load(&lane->head) & (MPL_LANE_LARGE - 1);
    const size_t first = fuzz_min(rest, MPL_LANE_LARGE - offset);
    memcpy(data + offset, bytes + used, first);
    memcpy(data, bytes + used + first, rest - first);
    fuzz_passes(&w, 1 + (bytes[1] & 3));
    memset(lane, 0, sizeof *lane);
    memset(data + offset, 0, first);
    memset(data, 0, rest - first);
    return 0;
}

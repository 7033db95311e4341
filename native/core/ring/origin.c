/* SPDX-License-Identifier: Apache-2.0 */
#include "origin.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "format/utf8.h"

#define WALL_TOLERANCE_NS 1000000000 /* more than a preemption between two readings: the wall clock was stepped, and what the producer read is shown */
#define STANDSTILL_NS 1000000
#define OFFSET_NOISE_NS 20000

size_t mpl_name_text(char *out, const char *name, size_t n)
{
    const uint8_t *s = (const uint8_t *)name;
    size_t left = strnlen(name, n), length = 0;
    while (left) {
        unsigned code;
        size_t step = *s < 0x80 ? 1 : mpl_sequence(s, left, &code);
        memcpy(out + length, step ? (const char *)s : "\xef\xbf\xbd", step ? step : 3);
        length += step ? step : 3;
        step = step ? step : 1;
        s += step;
        left -= step;
    }
    return length;
}

void mpl_know(struct mpl_reader *r, const struct mpl_view *v, uint32_t slot)
{
    struct mpl_known *k = mpl_known_at(r, v->segment * MPL_MAX_LANES + v->number, slot);
    uint32_t epoch = v->tally[slot].epoch;
    char name[MPL_NAME];
    if (k->epoch == epoch)
        return;
    memcpy(name, v->lane->slots[slot].name, sizeof name);
    int length = snprintf(k->session, sizeof k->session, "%012llx-%u-%u", (unsigned long long)r->segments[v->segment].head.segment_id, v->number, epoch);
    k->origin = (struct mpl_origin){.session = k->session, .name = k->name, .session_len = (size_t)length, .name_len = mpl_name_text(k->name, name, sizeof name),
        .pid = v->lane->slots[slot].pid};
    mpl_json_origin(&k->origin, k->json, sizeof k->json);
    k->epoch = epoch;
}

/* The wall clock as an offset to the monotonic one, read as one; kept while it differs by less than the reading can be wrong. */
void mpl_wall_look(struct mpl_reader *r)
{
    int64_t best = 0;
    uint64_t narrowest = UINT64_MAX;
    for (int i = 0; i < 3; i++) {
        uint64_t a = mpl_now(CLOCK_MONOTONIC), wall = mpl_now(CLOCK_REALTIME), b = mpl_now(CLOCK_MONOTONIC);
        if (b - a < narrowest) {
            narrowest = b - a;
            best = (int64_t)(wall - (a + (b - a) / 2));
        }
    }
    int64_t change = best - r->wall_offset_ns;
    if (change > OFFSET_NOISE_NS || change < -OFFSET_NOISE_NS)
        r->wall_offset_ns = best;
}

/* One offset for all lanes keeps the times shown in the order of the merge; the producers' own readings differ by what preempted them. */
uint64_t mpl_wall_shown(struct mpl_reader *r, const struct mpl_item *item)
{
    uint64_t derived = item->mono_ns + (uint64_t)r->wall_offset_ns;
    int64_t off = (int64_t)(item->wall_ns - derived);
    if (item->flags & MPL_FLAG_RECOVERED || off > WALL_TOLERANCE_NS || off < -WALL_TOLERANCE_NS)
        return item->wall_ns;
    /* Where a new reading has moved the offset back a little, time stands still for as long: never back over what was shown. */
    if (!(item->flags & MPL_FLAG_LATE) && derived < r->shown_ns && r->shown_ns - derived < STANDSTILL_NS)
        return r->shown_ns;
    if (!(item->flags & MPL_FLAG_LATE))
        r->shown_ns = derived;
    return derived;
}

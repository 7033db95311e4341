/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose sessions are not told yet, as their slots say. For the writer to keep an eye on them, never to decide by: the lock on the lane decides. */
#include "session.h"

struct owners {
    struct mpl_reader *r;
    struct mpl_owner *out;
    int max;
};

static int owners_body(void *arg)
{
    const struct owners *o = arg;
    struct mpl_reader *r = o->r;
    int count = 0;
    for (uint32_t s = 0; s < MPL_MAX_SEGMENTS; s++)
        for (uint32_t i = 0; r->views[s] && i < r->segments[s].head.lanes; i++)
            for (uint32_t k = 0; k < MPL_SLOTS && count < o->max; k++) {
                const struct mpl_slot *slot = &r->views[s][i].lane->slots[k];
                const uint64_t word = mpl_load_acquire(&slot->epoch_state);
                const uint32_t state = mpl_word_state(word);
                if (state == MPL_S_CLOSED || state > MPL_S_ENDED)
                    continue;
                o->out[count++] = (struct mpl_owner){.segment_id = r->segments[s].head.segment_id, .process_ino = slot->process_ino, .lane = i,
                    .epoch = mpl_word_epoch(word), .pid = slot->pid, .ended = state == MPL_S_ENDED};
            }
    return count;
}

int mpl_owners(struct mpl_reader *r, struct mpl_owner *out, int max)
{
    struct owners o = {.r = r, .out = out, .max = max};
    const int count = mpl_survive(r, owners_body, &o);
    return count < 0 ? 0 : count;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * How a session ends when its owner is gone: the last number is what the marks and drop_last prove, never a guess. */
#include "session.h"

#include "fault.h"

bool mpl_lane_sane(const struct mpl_lane *lane)
{
    uint64_t head = mpl_load(&lane->head), tail = mpl_load(&lane->tail), rsv = mpl_load(&lane->rsv);
    uint32_t capacity = mpl_load(&lane->capacity);
    uint64_t ovf_head = mpl_load(&lane->ovf_head), ovf_end = mpl_load(&lane->ovf_end);
    if ((capacity && !mpl_capacity_ok(capacity)) || ((head | tail | rsv | ovf_head | ovf_end) & 7) || ovf_end - ovf_head > MPL_OVERFLOW_MOST)
        return false;
    return tail - head <= capacity && rsv - head <= capacity && rsv - tail <= capacity;
}

/* The greater of the agreeing mark and drop_last (I3). A mark that agrees with (tail, ovf_end) was finished before tail moved there. */
static uint64_t last_number(const struct mpl_lane *lane)
{
    uint64_t last = mpl_load(&lane->drop_last), tail = mpl_load(&lane->tail), ovf = mpl_load(&lane->ovf_end);
    for (int i = 0; i < 2; i++) {
        const struct mpl_mark *m = &lane->marks[i];
        if (mpl_load(&m->tail) == tail && mpl_load(&m->ovf_end) == ovf && mpl_load(&m->seq) > last)
            last = mpl_load(&m->seq);
    }
    return last;
}

void mpl_session_end(struct mpl_lane *lane)
{
    uint32_t epoch = mpl_load(&lane->epoch);
    struct mpl_slot *slot = &lane->slots[epoch % MPL_SLOTS];
    uint64_t word = mpl_load_acquire(&slot->epoch_state);
    uint32_t state = mpl_word_state(word);
    if (!epoch || mpl_word_epoch(word) != epoch || (state != MPL_S_LIVE && state != MPL_S_CLEAN))
        return;
    mpl_store(&slot->last, last_number(lane));
    mpl_store(&slot->end_pos, mpl_load(&lane->tail));
    mpl_store(&slot->end_ovf, mpl_load(&lane->ovf_end));
    slot->clean = state == MPL_S_CLEAN;
    mpl_swap(&slot->epoch_state, word, mpl_session_word(epoch, MPL_S_ENDED));
}

/* Whether no session has a number after the one that the lane says it is at: the next claimer would give that number again. `known` is one, or 0. */
static bool epoch_kept(const struct mpl_lane *lane, uint32_t known)
{
    const uint32_t at = mpl_load(&lane->epoch);
    if (known && (int32_t)(at - known) < 0)
        return false;
    for (uint32_t i = 0; i < MPL_SLOTS; i++) {
        const uint32_t epoch = mpl_word_epoch(mpl_load_acquire(&lane->slots[i].epoch_state));
        if (epoch && (int32_t)(at - epoch) < 0)
            return false;
    }
    return true;
}

bool mpl_session_room(const struct mpl_lane *lane)
{
    uint32_t epoch = mpl_load(&lane->epoch) + 1;
    epoch = epoch ? epoch : 1;
    return epoch_kept(lane, 0) && mpl_word_state(mpl_load_acquire(&lane->slots[epoch % MPL_SLOTS].epoch_state)) == MPL_S_CLOSED;
}

void mpl_pad_unfinished(struct mpl_lane *lane, char *data, uint32_t capacity)
{
    uint64_t tail = mpl_load(&lane->tail), rsv = mpl_load(&lane->rsv);
    while (tail != rsv && !SEEDED(adopted_without_a_pad)) {
        uint64_t offset = tail & (capacity - 1), rest = capacity - offset, len = rsv - tail < rest ? rsv - tail : rest;
        struct mpl_record *pad = (struct mpl_record *)(void *)(data + offset);
        pad->len = (uint32_t)len;
        pad->epoch = 0;
        tail += len;
    }
    mpl_store_release(&lane->tail, rsv);
}

/* A word that no owner and no writer stores: it would keep its session, and with it the service, open for ever. */
static bool word_broken(const struct mpl_lane *lane, uint32_t slot, uint64_t word)
{
    uint32_t epoch = mpl_word_epoch(word), state = mpl_word_state(word);
    if (state == MPL_S_CLOSED)
        return false;
    if (state > MPL_S_ENDED || !epoch || epoch % MPL_SLOTS != slot)
        return true;
    return state != MPL_S_ENDED && epoch != mpl_load(&lane->epoch);
}

bool mpl_sessions_broken(const struct mpl_lane *lane, uint32_t known)
{
    if (!epoch_kept(lane, known))
        return true;
    for (uint32_t i = 0; i < MPL_SLOTS; i++)
        if (word_broken(lane, i, mpl_load_acquire(&lane->slots[i].epoch_state)))
            return true;
    return false;
}

/* Its number goes on behind all that were given, as far as that can be known: as many may be unread as there are slots. */
static void mend_epoch(struct mpl_lane *lane, uint32_t known)
{
    uint32_t most = known;
    for (uint32_t i = 0; i < MPL_SLOTS; i++) {
        const uint64_t word = mpl_load_acquire(&lane->slots[i].epoch_state);
        const uint32_t epoch = mpl_word_epoch(word);
        if (epoch > most && (!known || epoch - known <= MPL_SLOTS))
            most = epoch;
        else if (epoch > most && mpl_word_state(word) == MPL_S_CLOSED)
            mpl_store(&lane->slots[i].epoch_state, mpl_session_word(0, MPL_S_CLOSED));
    }
    mpl_store(&lane->epoch, most + MPL_SLOTS);
}

void mpl_sessions_mend(struct mpl_lane *lane, uint32_t known)
{
    for (uint32_t i = 0; i < MPL_SLOTS; i++) {
        struct mpl_slot *slot = &lane->slots[i];
        uint64_t word = mpl_load_acquire(&slot->epoch_state);
        uint32_t epoch = mpl_word_epoch(word);
        if (!word_broken(lane, i, word))
            continue;
        /* One that may have been a session is told with what is known of it; anything else was none. */
        bool session = mpl_word_state(word) <= MPL_S_ENDED && epoch && epoch % MPL_SLOTS == i;
        mpl_store(&slot->last, mpl_load(&slot->settled));
        mpl_store(&slot->end_pos, mpl_load(&lane->tail));
        mpl_store(&slot->end_ovf, mpl_load(&lane->ovf_end));
        slot->clean = 0;
        mpl_swap(&slot->epoch_state, word, session ? mpl_session_word(epoch, MPL_S_ENDED) : mpl_session_word(0, MPL_S_CLOSED));
    }
    if (!epoch_kept(lane, known))
        mend_epoch(lane, known);
}

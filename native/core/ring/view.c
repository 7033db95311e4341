/* SPDX-License-Identifier: Apache-2.0
 *
 * The writer's private view of a lane: reading the next record with nothing believed. A view's pos, cur and tally are the writer's own; words of the
 * lane are only compared with them.
 *
 * Pairs kept here:
 *   drain:A / overflow:A  ovf_end before the bytes below it, and before tail: what stands in the lane up to that tail is older than all of the overflow
 *   drain:B / publish:C   tail before the bytes below it
 *   drain:F / claim:B     drop_last before the look at the session's state; a claimer's ENDED before it zeroes drop_last
 *   drain:C / publish:B   the writer's clock and tail, then rsv: rsv == tail means that whatever comes later has a later stamp;
 *   drain:C / overflow:C  the same of ovf_end and ovf_rsv
 *   void:A / oldest:A     a copy before the second look at head; head before its owner writes over what it has taken back
 *   void:B / oldest:B     head before the looks at drop_last and taken; these before head
 */
#include <string.h>

#include "gap.h"
#include "overflow.h"
#include "session.h"
#include "view.h"

/* What the slot says of an epoch, if it is one that may still have records. */
static bool epoch_known(const struct mpl_view *v, uint32_t epoch)
{
    uint64_t word = mpl_load_acquire(&v->lane->slots[epoch % MPL_SLOTS].epoch_state);
    return mpl_word_epoch(word) == epoch && mpl_word_state(word) != MPL_S_CLOSED;
}

/* A gap in the numbers is right only where the owner said that it dropped. */
static bool gap_explained(const struct mpl_view *v, uint32_t epoch, uint64_t before)
{
    const struct mpl_slot *slot = &v->lane->slots[epoch % MPL_SLOTS];
    uint64_t dropped = mpl_load_acquire(&v->lane->drop_last); /* ORD(drain:F) acquire; pairs with ORD(claim:B) */
    if (mpl_word_state(mpl_load_acquire(&slot->epoch_state)) == MPL_S_ENDED)
        return before <= mpl_load(&slot->last);
    return before <= dropped;
}

void mpl_view_start_session(struct mpl_view *v, uint32_t epoch)
{
    uint32_t slot = epoch % MPL_SLOTS;
    if (v->tally[slot].epoch == epoch)
        return;
    v->tally[slot] = (struct mpl_tally){.epoch = epoch};
    v->cursor_seq[slot] = 0;
    v->cursor_lost[slot] = 0;
    for (uint32_t i = 0; i < MPL_MAX_SINKS; i++)
        v->cursor_untold[i][slot] = 0;
}

static int check_record(struct mpl_view *v, const struct mpl_record *head)
{
    if (head->len < sizeof *head || head->payload_len > head->len - sizeof *head || head->len != mpl_align8(sizeof *head + head->payload_len))
        return MPL_E_CORRUPT;
    if (head->flags & MPL_FLAG_GAP && head->payload_len < sizeof(struct mpl_gap))
        return MPL_E_CORRUPT;
    if (!epoch_known(v, head->epoch))
        return MPL_E_CORRUPT;
    if (v->tally[head->epoch % MPL_SLOTS].epoch != head->epoch)
        mpl_view_start_session(v, head->epoch);
    uint64_t last = v->cursor_seq[head->epoch % MPL_SLOTS];
    if (head->seq <= last || (head->seq != last + 1 && !gap_explained(v, head->epoch, head->seq - 1)))
        return MPL_E_CORRUPT;
    return 0;
}

/* The lane's own records come first: all of them are older (I5). */
static int peek_overflow(struct mpl_reader *r, struct mpl_view *v)
{
    struct mpl_record head;
    int rc = mpl_overflow_peek(r, v, &head);
    if (rc > 0 && check_record(v, &head))
        rc = MPL_E_CORRUPT;
    if (rc > 0)
        v->next = head;
    v->ovf.next = rc > 0;
    return rc;
}

/* Whether the owner has taken back what stands at cur, which may be overwritten then: nothing that was copied of it counts, and cur goes where head is. */
bool mpl_view_void(struct mpl_reader *r, struct mpl_view *v)
{
    mpl_fence_acquire(); /* ORD(void:A) acquire: the copy, then head; pairs with ORD(oldest:A) */
    const uint64_t head = mpl_load_acquire(&v->lane->head); /* ORD(void:B) acquire; pairs with ORD(oldest:B) */
    if ((int64_t)(head - v->cur) <= 0)
        return false;
    v->cur = head;
    mpl_gap_look(r, v, head);
    return true;
}

int mpl_view_peek(struct mpl_reader *r, struct mpl_view *v)
{
    v->next.len = 0;
    v->ovf.next = false;
    while ((int64_t)(v->limit - v->cur) > 0) {
        uint64_t offset = v->cur & (v->capacity - 1), rest = v->capacity - offset, have = v->limit - v->cur;
        struct mpl_record head;
        if (rest < sizeof head)
            memcpy(&head, v->data + offset, 8);
        else
            memcpy(&head, v->data + offset, sizeof head);
        if (mpl_view_void(r, v))
            continue;
        if (head.len < 8 || head.len % 8 || head.len > rest || head.len > have)
            return MPL_E_CORRUPT;
        if (head.epoch == 0) {
            v->cur += head.len;
            continue;
        }
        if (check_record(v, &head))
            return MPL_E_CORRUPT;
        v->next = head;
        return 1;
    }
    return v->ovf.cur < v->ovf.limit ? peek_overflow(r, v) : 0;
}

/* How far the overflow is to be read. False: its words cannot be. */
static bool load_overflow(struct mpl_view *v, uint64_t end)
{
    const uint64_t head = mpl_load_acquire(&v->lane->ovf_head);
    if (((end | v->ovf.pos) & 7) || end < v->ovf.pos || end - v->ovf.pos > MPL_OVERFLOW_MOST || head > v->ovf.pos)
        return false;
    v->ovf.limit = end;
    return true;
}

/* A pass begins where the sessions were left by the last commit. */
static void take_cursors(const struct mpl_reader *r, struct mpl_view *v)
{
    for (uint32_t i = 0; i < MPL_SLOTS; i++) {
        const struct mpl_tally *t = &v->tally[i];
        v->cursor_seq[i] = t->settled;
        v->cursor_lost[i] = 0;
        for (uint32_t s = 0; s < r->nsinks; s++) {
            v->cursor_untold[s][i] = t->told[s].untold;
            v->cursor_lost[i] |= (uint8_t)((t->told[s].lost_first != 0) << s);
        }
    }
}

/* Takes the lane's words as they are now; clock_ns was read before. Returns the stamp up to which this lane is complete, or an error. */
int mpl_view_load(struct mpl_reader *r, struct mpl_view *v, uint64_t clock_ns, uint64_t *complete_ns)
{
    *complete_ns = clock_ns;
    v->next.len = 0;
    v->limit = v->cur = v->pos;
    v->ovf.limit = v->ovf.cur = v->ovf.pos;
    v->ovf.next = false;
    uint32_t epoch = mpl_load_acquire(&v->lane->epoch), capacity = mpl_load_acquire(&v->lane->capacity);
    if (!capacity && !epoch && mpl_load_acquire(&v->lane->tail) == v->pos)
        return 0; /* never claimed */
    uint64_t ovf_end = mpl_load_acquire(&v->lane->ovf_end); /* ORD(drain:A) acquire; pairs with ORD(overflow:A) */
    uint64_t tail = mpl_load_acquire(&v->lane->tail); /* ORD(drain:B) acquire; pairs with ORD(publish:C) */
    uint64_t rsv = mpl_load_acquire(&v->lane->rsv);   /* ORD(drain:C) acquire; pairs with ORD(publish:B), ORD(overflow:C) */
    uint64_t ovf_rsv = mpl_load_acquire(&v->lane->ovf_rsv);
    uint64_t head = mpl_load_acquire(&v->lane->head); /* ORD(void:C) acquire; pairs with ORD(oldest:B) */
    if (!capacity && tail != v->pos) /* a claim stores it before tail is moved; a lane without any has its overflow alone */
        capacity = mpl_load_acquire(&v->lane->capacity);
    if (!v->capacity && mpl_capacity_ok(capacity))
        v->capacity = capacity;
    if (v->capacity != capacity || ((tail | head) & 7) || (int64_t)(tail - v->pos) < 0 || !load_overflow(v, ovf_end))
        return MPL_E_CORRUPT;
    if ((int64_t)(head - tail) > 0 && (int64_t)(head - mpl_load_acquire(&v->lane->tail)) > 0)
        return MPL_E_CORRUPT; /* the tail is moved first */
    if ((int64_t)(head - v->pos) > 0)
        v->cur = v->pos = head; /* its owner has taken the records before it back */
    if ((int64_t)(tail - v->pos) > (int64_t)capacity)
        return MPL_E_CORRUPT;
    take_cursors(r, v);
    v->limit = tail;
    mpl_gap_start(v, false);
    if (mpl_load(&v->lane->taken[0].pos) | mpl_load(&v->lane->taken[1].pos))
        mpl_gap_look(r, v, head);
    if (rsv != tail || ovf_rsv != ovf_end) { /* an event is under way: it cannot be older than the lane's last stamp */
        uint64_t last = mpl_load_acquire(&v->lane->last_mono);
        if (v->inflight != rsv + ovf_rsv) { /* both only grow, but for an event that the overflow refused */
            v->inflight = rsv + ovf_rsv;
            v->inflight_ns = clock_ns;
        }
        if (clock_ns - v->inflight_ns < MPL_INFLIGHT_NS && last < *complete_ns)
            *complete_ns = last;
    }
    int rc = mpl_view_peek(r, v);
    if (rc == 0 && v->cur != v->pos) { /* nothing but pads: they hold no event, so no batch need name them */
        v->pos = v->cur;
        mpl_raise(&v->lane->head, v->pos);
    }
    return rc;
}

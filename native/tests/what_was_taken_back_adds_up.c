/* SPDX-License-Identifier: Apache-2.0
 *
 * What an owner has taken back is told once: looks one after the other add up, with the first look's beginning and the last one's end, to what the next record
 * of the same session carries of its own, and to what a session's end tells; another session's is none of it, nor is what a lane never said. */
#include "check.h"
#include "gap.h"

#define EPOCH 5u
#define ARENA_BYTES 4096u

static struct mpl_lane lane;
static struct mpl_view view;
static struct mpl_reader r;

static void took(uint64_t head, uint64_t infos, uint64_t first, uint64_t last)
{
    struct mpl_taken *t = &lane.taken[0];
    mpl_store(&t->pos, head);
    mpl_store(&t->first_mono, first);
    mpl_store(&t->last_mono, last);
    mpl_store(&t->count[mpl_level_class(20)], infos);
}

static void begin(uint32_t epoch)
{
    memset(&lane, 0, sizeof lane);
    memset(&view, 0, sizeof view);
    mpl_store(&lane.epoch, epoch);
    view.lane = &lane;
    mpl_gap_start(&view, true);
}

static void nothing_said(void)
{
    begin(EPOCH);
    mpl_gap_look(&r, &view, 0);
    CHECK(!view.has_lost); /* a place that stands for none is no place of a lane's head either */
    took(800, 3, 10, 20);
    mpl_gap_look(&r, &view, 801);
    CHECK(!view.has_lost);
}

static void look_twice(void)
{
    begin(EPOCH);
    took(800, 3, 10, 20);
    mpl_gap_look(&r, &view, 800);
    took(900, 7, 12, 30);
    mpl_gap_look(&r, &view, 900);
    CHECK(view.has_lost);
    CHECK_EQ(view.lost.count[MPL_REASON_oldest][mpl_level_class(20)], 7);
    CHECK_EQ(view.lost.first_mono, 10);
    CHECK_EQ(view.lost.last_mono, 30);
}

/* The record's own gap, of two errors; 0: it carries none. */
static struct mpl_gap_told attached(uint32_t epoch, uint64_t numbers, uint64_t first, uint64_t last)
{
    struct mpl_item item = {.seq = 100 + numbers, .expected = 100, .len = 16};
    struct mpl_gap own = {.first_mono = first, .last_mono = last};
    own.count[MPL_REASON_lane_full][mpl_level_class(40)] = 2;
    if (last) {
        memcpy(r.arena + item.len, &own, sizeof own);
        item.len += (uint32_t)sizeof own;
    }
    mpl_gap_attach(&r, &view, &item, epoch, last != 0);
    CHECK_EQ(item.len, 16);
    return mpl_gap_of(&r, &item);
}

static void beside_its_own(uint64_t first, uint64_t last, uint64_t want_first, uint64_t want_last)
{
    look_twice();
    const struct mpl_gap_told told = attached(EPOCH, last ? 9 : 7, first, last);
    CHECK(told.exact);
    CHECK_EQ(told.gap.count[MPL_REASON_oldest][mpl_level_class(20)], 7);
    CHECK_EQ(told.gap.first_mono, want_first);
    CHECK_EQ(told.gap.last_mono, want_last);
    CHECK_EQ(told.taken_epoch, EPOCH);
    CHECK(!view.has_lost); /* told once */
}

static void without_a_beginning(void)
{
    begin(EPOCH);
    took(800, 7, 0, 20);
    mpl_gap_look(&r, &view, 800);
    CHECK_EQ(attached(EPOCH, 9, 15, 30).gap.first_mono, 15);
}

static void of_another_session(void)
{
    look_twice();
    const struct mpl_gap_told told = attached(EPOCH - 1, 2, 15, 25);
    CHECK(told.exact);
    CHECK_EQ(told.gap.count[MPL_REASON_oldest][mpl_level_class(20)], 0);
    CHECK(view.has_lost); /* it is still to be told */
}

static void at_the_end(void)
{
    struct mpl_end end = {.epoch = EPOCH, .last = 107, .settled = 100};
    look_twice();
    mpl_gap_end(&view, &end);
    CHECK(end.exact);
    CHECK_EQ(end.gap.count[MPL_REASON_oldest][mpl_level_class(20)], 7);
    CHECK_EQ(end.gap.first_mono, 10);
    mpl_store(&lane.epoch, EPOCH + 1);
    mpl_gap_start(&view, true);
    took(1000, 9, 40, 50);
    mpl_gap_look(&r, &view, 1000);
    mpl_store(&lane.epoch, EPOCH);
    mpl_gap_end(&view, &end); /* what was lost is of another one */
    CHECK(!end.exact);
    CHECK_EQ(end.gap.count[MPL_REASON_oldest][mpl_level_class(20)], 0);
}

static int test(const char *dir)
{
    (void)dir;
    r.arena = malloc(ARENA_BYTES);
    CHECK(r.arena != NULL);
    nothing_said();
    beside_its_own(0, 0, 10, 30);
    beside_its_own(15, 25, 10, 30);
    beside_its_own(5, 40, 5, 40);
    without_a_beginning();
    of_another_session();
    at_the_end();
    free(r.arena);
    return 0;
}

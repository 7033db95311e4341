/* SPDX-License-Identifier: Apache-2.0 */
#include "poison.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "fault.h"

#define STACK_BYTES (64u << 10)

struct mpl_at { /* a record, by where it ends */
    uint64_t segment_id, end_pos, end_ovf;
    uint32_t lane;
};

const struct mpl_item *volatile mpl_at_item;
const struct mpl_reader *volatile mpl_at_reader;

static struct mpl_journal_page *noted_in;
static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
#define SIGNALS (sizeof signals / sizeof *signals)
static struct sigaction before[SIGNALS];

static bool same(const struct mpl_poison *p, const struct mpl_at *at)
{
    return p->segment_id == at->segment_id && p->lane == at->lane && p->end_pos == at->end_pos && p->end_ovf == at->end_ovf;
}

/* The record's own place, else an empty one, else that of one with the fewest tries. Nothing but loads and stores: it runs in the handler. */
static struct mpl_poison *place_of(struct mpl_journal_page *g, const struct mpl_at *at)
{
    struct mpl_poison *least = &g->poison[0];
    for (unsigned i = 0; i < MPL_MAX_POISON; i++) {
        if (g->poison[i].tries && same(&g->poison[i], at))
            return &g->poison[i];
        if (g->poison[i].tries < least->tries)
            least = &g->poison[i];
    }
    *least = (struct mpl_poison){.segment_id = at->segment_id, .end_pos = at->end_pos, .end_ovf = at->end_ovf, .lane = at->lane};
    return least;
}

static struct mpl_at at_of(const struct mpl_reader *r, const struct mpl_item *item)
{
    return (struct mpl_at){.segment_id = r->segments[item->view / MPL_MAX_LANES].head.segment_id, .end_pos = item->end_pos, .end_ovf = item->end_ovf,
        .lane = item->view % MPL_MAX_LANES};
}

static void on_fault(int number)
{
    const struct mpl_item *item = mpl_at_item;
    if (item && noted_in) {
        mpl_at_item = NULL;
        const struct mpl_at at = at_of(mpl_at_reader, item);
        place_of(noted_in, &at)->tries++;
    }
    for (unsigned i = 0; i < SIGNALS; i++)
        if (signals[i] == number)
            sigaction(number, &before[i], NULL);
    LAST_WORDS();
    raise(number); /* dies of it, or goes to who was there before */
}

int mpl_poison_watch(struct mpl_journal *j)
{
    stack_t stack = {.ss_size = STACK_BYTES, .ss_sp = malloc(STACK_BYTES)};
    struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK | SA_NODEFER};
    if (!stack.ss_sp || sigaltstack(&stack, NULL))
        return stack.ss_sp ? -errno : -ENOMEM;
    noted_in = j->page;
    for (unsigned i = 0; i < SIGNALS; i++)
        if (sigaction(signals[i], &action, &before[i]))
            return -errno;
    return 0;
}

void mpl_poison_unwatch(const struct mpl_journal *j)
{
    if (noted_in == j->page)
        noted_in = NULL;
}

void mpl_poison_load(struct mpl_reader *r, const struct mpl_journal *j)
{
    r->npoison = 0;
    for (unsigned i = 0; i < MPL_MAX_POISON; i++)
        if (j->page->poison[i].tries >= MPL_POISON_TRIES)
            r->poison[r->npoison++] = j->page->poison[i];
}

bool mpl_poison_known(const struct mpl_reader *r, const struct mpl_item *item)
{
    const struct mpl_at at = at_of(r, item);
    for (unsigned i = 0; i < r->npoison; i++)
        if (same(&r->poison[i], &at))
            return true;
    return false;
}

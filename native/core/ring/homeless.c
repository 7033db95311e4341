/* SPDX-License-Identifier: Apache-2.0
 *
 * Events of processes that could get no lane: counted in the bell, which any number of processes share, and told in the log by the writer. How many were told
 * stands in the journal's entry as an absolute number, so that each is told once. Role: P the first, W the others. */
#include <time.h>

#include "homeless.h"

void mpl_homeless_add(struct mpl_bell *bell, unsigned level)
{
    if (!mpl_load(&bell->homeless_since))
        mpl_swap(&bell->homeless_since, 0, mpl_now(CLOCK_REALTIME));
    mpl_add(&bell->homeless[mpl_level_class(level)], 1);
}

bool mpl_homeless_untold(const struct mpl_bell *bell)
{
    bool any = false;
    for (unsigned k = 0; k < MPL_LEVELS; k++)
        any |= mpl_load(&bell->homeless[k]) > mpl_load(&bell->homeless_told[k]);
    return any;
}

uint64_t mpl_homeless_look(struct mpl_reader *r, uint64_t untold[MPL_LEVELS])
{
    for (unsigned k = 0; k < MPL_LEVELS; k++) {
        const uint64_t all = mpl_load(&r->bell->homeless[k]), told = mpl_load(&r->bell->homeless_told[k]);
        r->homeless[k] = all > told ? all : told;
        untold[k] = r->homeless[k] - told;
    }
    return mpl_load(&r->bell->homeless_since);
}

void mpl_homeless_enter(const struct mpl_reader *r, struct mpl_journal_page *g)
{
    for (unsigned k = 0; k < MPL_LEVELS; k++)
        g->homeless[k] = r->tells_homeless ? r->homeless[k] : mpl_load(&r->bell->homeless_told[k]);
}

void mpl_homeless_apply(const struct mpl_reader *r, const struct mpl_journal_page *g)
{
    bool more = false;
    for (unsigned k = 0; k < MPL_LEVELS; k++)
        more |= mpl_raise(&r->bell->homeless_told[k], g->homeless[k]) < g->homeless[k];
    if (more)
        mpl_store(&r->bell->homeless_since, 0);
}

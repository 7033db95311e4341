/* SPDX-License-Identifier: Apache-2.0
 *
 * What a sync has brought to the disk, or has failed to, is told in the slot of its session: not in one that belongs to another session meanwhile, or is
 * closed. */
#include "service.h"

static struct writer w;
static struct mpl_producer p;

static void slot_is(uint32_t epoch, unsigned state, bool is_told)
{
    mpl_store(&p.slot->epoch_state, mpl_session_word(epoch, state));
    mpl_store(&p.slot->synced, 0);
    mpl_store(&p.slot->doubt, 0);
    CHECK_EQ(mpl_tell_doubt(&w.r), 0);
    CHECK_EQ(mpl_load(&p.slot->doubt), is_told ? 1 : 0);
    CHECK_EQ(mpl_tell_synced(&w.r), 0);
    CHECK_EQ(mpl_synced(&p), is_told ? 1 : 0);
}

static int test(const char *dir)
{
    service_make(dir);
    producer_make(&p, dir, "waits");
    CHECK_EQ(send_event(&p, 1, 1, 50), MPL_ACCEPTED);
    CHECK_EQ(writer_open(&w, dir), 0);
    CHECK_EQ(writer_batch(&w), 1);
    slot_is(p.epoch, MPL_S_LIVE, true);
    slot_is(p.epoch + MPL_SLOTS, MPL_S_LIVE, false);
    slot_is(p.epoch, MPL_S_CLOSED, false);
    slot_is(p.epoch, MPL_S_ENDED, true);
    mpl_producer_free(&p);
    writer_close(&w);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A writer killed between the commit point and the first byte, and then a byte of the staged batch changed: the next writer believes none of it, and
 * makes the batch again from the lanes. */
#include "service.h"

#define EVENTS 6u

static const char *place;

static int produce(void *arg)
{
    struct mpl_producer p;
    (void)arg;
    producer_make(&p, place, "some");
    for (uint64_t n = 1; n <= EVENTS; n++)
        CHECK_EQ(send_event(&p, 1, n, 50), MPL_ACCEPTED);
    mpl_detach(&p, true);
    return 0;
}

static int write_killed(void *arg)
{
    static struct writer w;
    (void)arg;
    setenv("MPLOG_FAULT", "commit_point:1", 1);
    CHECK_EQ(writer_open(&w, place), 0);
    writer_all(&w);
    return 0;
}

static void change_a_staged_byte(void)
{
    struct mpl_journal j;
    CHECK_EQ(mpl_journal_open(&j, place, SERVICE, STAGING), 0);
    CHECK(!j.fresh);
    CHECK_EQ(mpl_load(&j.page->state), MPL_COMMIT);
    j.staging[j.page->writes[0].place + 2] ^= 1;
    mpl_journal_close(&j);
}

static int test(const char *dir)
{
    static struct writer w;
    place = dir;
    service_make(dir);
    CHECK_EQ(reap(spawn(produce, NULL)), 0);
    CHECK_EQ(reap(spawn(write_killed, NULL)), 1000 + SIGKILL);
    change_a_staged_byte();
    CHECK_EQ(writer_open(&w, dir), 0);
    CHECK(w.j.fresh && !w.redone);
    writer_all(&w);
    struct tally t = tally_file(w.file);
    CHECK_EQ(t.events, EVENTS);
    CHECK_EQ(t.ends, 1);
    CHECK_EQ(t.torn + t.out_of_order + t.dropped, 0);
    CHECK_EQ(mpl_retire(&w.r, &w.j), 1);
    writer_close(&w);
    return 0;
}

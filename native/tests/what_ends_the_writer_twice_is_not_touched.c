/* SPDX-License-Identifier: Apache-2.0
 *
 * A record at which the writer has died of a fault twice is known to the next one, and goes to the fallback; a SIGKILL there counts as nothing, nor does
 * a fault of the writer's at no record. Told apart by where records end: the same bytes elsewhere are formatted as ever. */
#include "compose.h"
#include "poison.h"
#include "service.h"

static const int deadly[] = {SIGSEGV, SIGFPE, SIGBUS, SIGABRT};
static const char *place;
static int number; /* the signal that the formatter sends itself at the hostile event; 0: it formats it */
static uint64_t formatted, fallen_back;

static int hostile_line(struct mpl_second *second, const struct mpl_stamp *stamp, const uint8_t *payload, size_t len, char *out, size_t room)
{
    (void)second, (void)payload, (void)len, (void)room;
    if (stamp->seq == 3 && number)
        raise(number);
    formatted++;
    return sprintf(out, "%llu\n", (unsigned long long)stamp->seq);
}

static int64_t fall_back(void *arg, const struct mpl_item *item, char *out, size_t room)
{
    (void)arg, (void)room;
    CHECK(item->flags & MPL_ITEM_POISON);
    CHECK_EQ(item->seq, 3);
    fallen_back++;
    return sprintf(out, "x\n");
}

/* A writer's life up to its commit; returns how many records it knew. */
static int live(void *arg)
{
    static struct writer w;
    static struct mpl_second second;
    CHECK_EQ(writer_open(&w, place), 0);
    for (unsigned i = 0; i < sizeof deadly / sizeof *deadly; i++)
        signal(deadly[i], SIG_DFL); /* a sanitizer's own handler would end the process its own way */
    mpl_poison_load(&w.r, &w.j);
    CHECK_EQ(mpl_poison_watch(&w.j), 0);
    CHECK_EQ(mpl_drain(&w.r, ARENA), 5);
    if (arg)
        abort(); /* between records */
    struct mpl_compose c = {.r = &w.r, .format = hostile_line, .at = w.j.staging, .end = w.j.staging + STAGING, .room = STAGING, .fallback = fall_back,
        .second = &second};
    CHECK_EQ(mpl_compose(&c), 0);
    CHECK_EQ(c.count, 5);
    CHECK_EQ(formatted, 5 - fallen_back);
    const int known = (int)w.r.npoison;
    writer_close(&w);
    return known;
}

static int life(int dies_of, void *arg)
{
    number = dies_of;
    return reap(spawn(live, arg));
}

static int test(const char *dir)
{
    struct mpl_producer p;
    place = dir;
    service_make(dir);
    producer_make(&p, dir, "hostile");
    for (uint64_t n = 1; n <= 5; n++)
        CHECK_EQ(send_event(&p, 1, n, 100), MPL_ACCEPTED);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(life(SIGKILL, NULL), 1000 + SIGKILL);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(life(0, &place), 1000 + SIGABRT);
    CHECK_EQ(life(0, NULL), 0);
    CHECK_EQ(life(SIGSEGV, NULL), 1000 + SIGSEGV);
    CHECK_EQ(life(0, NULL), 0); /* once is not enough */
    CHECK_EQ(life(SIGFPE, NULL), 1000 + SIGFPE);
    CHECK_EQ(life(SIGBUS, NULL), 1); /* known: the formatter does not see it */
    mpl_producer_free(&p);
    return 0;
}

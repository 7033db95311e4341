/* SPDX-License-Identifier: Apache-2.0
 *
 * What a writer's faults are noted of is the record's place alone: segment, lane and both of its ends. Where more records have ended writers than there is
 * room for, the one with the fewest faults gives way; a writer that watches no journal notes nothing; and where it cannot watch, it is told. */
#include "fails.h"
#include "poison.h"
#include "service.h"

static struct mpl_reader r;
static struct mpl_journal j;

static struct mpl_item item_at(uint32_t segment, uint32_t lane, uint64_t end, uint64_t overflow)
{
    return (struct mpl_item){.view = segment * MPL_MAX_LANES + lane, .end_pos = end, .end_ovf = overflow};
}

static int faults(void *arg)
{
    for (int i = 0; i < 5; i++)
        signal((const int[]){SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL}[i], SIG_DFL); /* no sanitizer's */
    CHECK_EQ(mpl_poison_watch(&j), 0);
    mpl_poison_of(&r);
    mpl_poison_at(arg);
    raise(SIGSEGV);
    return 0;
}

static void ends_writers(struct mpl_item item, unsigned times)
{
    while (times--)
        CHECK_EQ(reap(spawn(faults, &item)), 1000 + SIGSEGV);
}

static bool known(struct mpl_item item)
{
    mpl_poison_load(&r, &j);
    return mpl_poison_known(&r, &item);
}

static int faults_after_the_end(void *arg)
{
    struct mpl_item item = item_at(0, 0, 4711, 0);
    CHECK_EQ(mpl_poison_watch(&j), 0);
    mpl_poison_unwatch(&(const struct mpl_journal){0}); /* another's */
    mpl_poison_unwatch(&j);
    mpl_poison_of(&r);
    mpl_poison_at(&item);
    raise(SIGABRT);
    return arg != NULL;
}

static void notes_nothing_afterwards(void)
{
    signal(SIGABRT, SIG_DFL);
    for (int i = 0; i < 2; i++)
        CHECK_EQ(reap(spawn(faults_after_the_end, NULL)), 1000 + SIGABRT);
    CHECK(!known(item_at(0, 0, 4711, 0)));
}

static int watch(void *arg)
{
    const struct fail_rule *rule = arg;
    fail_kinds = F_SIGNAL | F_ALLOCATE;
    fail_nth(rule->nth, rule->error);
    const int rc = mpl_poison_watch(&j);
    const long struck = fail_never();
    CHECK_EQ(rc, struck ? -rule->error : 0);
    return struck ? 1 : 0;
}

static void each_call_of_a_watch(void)
{
    struct fail_rule rule = {.nth = 1, .error = ENOMEM};
    for (; reap(spawn(watch, &rule)); rule.nth++) {
    }
    CHECK_EQ(rule.nth, 1 + 1 + 5 + 1); /* memory, the stack, five signals, and then all is well */
}

static int test(const char *dir)
{
    service_make(dir);
    CHECK_EQ(mpl_journal_open(&j, dir, SERVICE, STAGING), 0);
    r.segments[0].head.segment_id = 0xabc;
    r.segments[1].head.segment_id = 0xabd;
    const struct mpl_item one = item_at(0, 3, 1000, 64);
    ends_writers(one, 1);
    CHECK(!known(one));
    ends_writers(one, MPL_POISON_TRIES - 1);
    CHECK(known(one));
    const struct mpl_item others[] = {item_at(1, 3, 1000, 64), item_at(0, 4, 1000, 64), item_at(0, 3, 1008, 64), item_at(0, 3, 1000, 72)};
    for (int i = 0; i < 4; i++)
        CHECK(!known(others[i]));
    for (int i = 0; i < 4; i++) { /* each for itself */
        ends_writers(others[i], MPL_POISON_TRIES);
        CHECK(known(others[i]));
    }
    for (uint64_t n = 5; n < MPL_MAX_POISON - 1; n++)
        ends_writers(item_at(0, 0, n * 8, 0), MPL_POISON_TRIES);
    const struct mpl_item once = item_at(1, 0, 8, 0), next = item_at(1, 0, 16, 0);
    ends_writers(once, 1); /* the table is full with that */
    ends_writers(next, MPL_POISON_TRIES);
    CHECK(known(next) && !known(once));
    CHECK(known(one) && known(item_at(0, 0, 5 * 8, 0)));
    notes_nothing_afterwards();
    each_call_of_a_watch();
    mpl_journal_close(&j);
    return 0;
}

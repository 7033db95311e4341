/* SPDX-License-Identifier: Apache-2.0
 *
 * A file that has a hand of its own and refuses its bytes, for whatever reason: they are owed to it, told with the reason, and the other file has its own.
 * One without a hand refuses the whole batch, which stays to be done again. */
#include "ahead.h"
#include "deliver.h"
#include "fails.h"
#include "hand.h"
#include "service.h"
#include "spool.h"

#define LEAD "first\n"
#define LINE "a line of a batch\n"
#define BYTES (sizeof LINE - 1)
#define OTHER 4096u /* where the second file's bytes are staged */

static struct mpl_reader r;
static struct mpl_journal j;
static int fds[2];
static char paths[2][MPL_PATH];
static volatile bool hangs, inside;

static void open_all(const char *dir)
{
    struct stat st;
    CHECK_EQ(mpl_reader_open(&r, dir, SERVICE, true, ARENA), 0);
    CHECK_EQ(mpl_journal_open(&j, dir, SERVICE, STAGING), 0);
    for (uint32_t s = 0; s < 2; s++) {
        snprintf(paths[s], MPL_PATH, "%s/file%u", dir, s);
        fds[s] = open(paths[s], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        CHECK(fds[s] >= 0 && !fstat(fds[s], &st));
        mpl_journal_set_file(&j, s, &(struct mpl_file){.dev = st.st_dev, .ino = st.st_ino});
    }
}

/* Both files are as they were at the start; nothing is owed. */
static void begin_again(bool apart)
{
    memset(&j.refused, 0, sizeof j.refused);
    for (uint32_t s = 0; s < 2; s++) {
        struct mpl_file file = *mpl_journal_file(&j, s);
        CHECK_EQ(ftruncate(fds[s], 0), 0);
        file.offset = file.synced = file.spool_head = file.spool_end = file.spool_from = 0;
        mpl_journal_set_file(&j, s, &file);
        mpl_store(&j.page->leads[s].length, 0);
        mpl_spool_remove(&j, s);
        mpl_hand_free(j.hands[s]);
        j.hands[s] = NULL;
        if (apart)
            CHECK_EQ(mpl_journal_set_apart(&j, s, ""), 0);
    }
    mpl_store(&j.page->state, MPL_IDLE);
    memcpy(j.staging, LINE, BYTES);
    memcpy(j.staging + OTHER, LINE, BYTES);
}

static int commit(int first, int second, uint32_t sinks)
{
    const struct mpl_part parts[2] = {{.fd = first, .length = BYTES}, {.fd = second, .place = OTHER, .length = BYTES}};
    return mpl_commit_parts(&j, &r, parts, sinks);
}

static void has(uint32_t sink, const char *text)
{
    char there[256] = "";
    CHECK_EQ(pread(fds[sink], there, sizeof there - 1, 0), (ssize_t)strlen(text));
    CHECK_EQ(strcmp(there, text), 0);
}

static void owes(uint32_t sink, const char *text, int why)
{
    char there[256] = "";
    CHECK_EQ(j.refused[sink], why);
    CHECK_EQ(mpl_load(&j.page->state), MPL_IDLE);
    CHECK_EQ(mpl_spool_load(&j, sink, there, sizeof there - 1), (int64_t)strlen(text));
    CHECK_EQ(strcmp(there, text), 0);
}

/* ---- with a hand ------------------------------------------------------------------------------------------------------------ */
static void closed_descriptor(void)
{
    begin_again(true);
    struct mpl_file file = *mpl_journal_file(&j, 1);
    file.synced = 100; /* somebody has cut it off since */
    mpl_journal_set_file(&j, 1, &file);
    CHECK_EQ(commit(fds[0], -1, 2), 0);
    has(0, LINE);
    owes(1, LINE, -EBADF);
    CHECK_EQ(mpl_journal_file(&j, 1)->synced, 0);
    CHECK_EQ(commit(fds[0], fds[1], 2), 0); /* behind what is owed already */
    owes(1, LINE, -EBADF);
    has(1, "");
    has(0, LINE LINE);
}

static void no_memory_for_the_lead(void)
{
    begin_again(true);
    CHECK_EQ(mpl_set_lead(&j, 0, LEAD, strlen(LEAD)), 0);
    fail_kinds = F_ALLOCATE;
    fail_nth(1, ENOMEM);
    CHECK_EQ(commit(fds[0], fds[1], 2), 0);
    CHECK_EQ(fail_never(), 1);
    owes(0, LEAD LINE, -ENOMEM);
    has(1, LINE);
}

static void no_memory_for_the_copy(void)
{
    begin_again(true);
    fail_kinds = F_ALLOCATE;
    fail_nth(1, ENOMEM);
    CHECK_EQ(commit(fds[0], fds[1], 1), 0);
    CHECK_EQ(fail_never(), 1);
    owes(0, LINE, -ENOMEM);
}

/* Not even what is owed can be kept: the batch stays, and is done when there is memory again. */
static void no_memory_at_all(void)
{
    begin_again(true);
    CHECK_EQ(mpl_set_lead(&j, 0, LEAD, strlen(LEAD)), 0);
    fail_kinds = F_ALLOCATE;
    fail_from(1, ENOMEM);
    CHECK_EQ(commit(fds[0], fds[1], 1), -ENOMEM);
    CHECK(fail_never() > 1);
    CHECK_EQ(mpl_load(&j.page->state), MPL_COMMIT);
    CHECK_EQ(mpl_redo_parts(&j, &r, fds, 1), 0);
    owes(0, LEAD LINE, -ENOMEM);
}

/* An entry whose file is not among those that are open; and one that has nothing left to write. */
static void no_descriptor(void)
{
    begin_again(true);
    fail_kinds = F_ALLOCATE;
    fail_from(1, ENOMEM);
    mpl_set_lead(&j, 1, LEAD, strlen(LEAD));
    CHECK_EQ(commit(fds[0], fds[1], 2), -ENOMEM);
    fail_never();
    mpl_store(&j.page->writes[1].owed, 0);
    CHECK_EQ(mpl_redo_parts(&j, &r, fds, 1), 0);
    owes(1, LEAD LINE, -EBADF);

    begin_again(true);
    CHECK_EQ(commit(fds[0], fds[1], 1), 0);
    struct mpl_write *w = &j.page->writes[0];
    mpl_store(&w->owed, 0);
    w->targets[0].from = w->targets[1].from = BYTES;
    mpl_store(&j.page->state, MPL_COMMIT);
    const int none[1] = {-1};
    CHECK_EQ(mpl_redo_parts(&j, &r, none, 1), 0);
    CHECK_EQ(j.refused[0], -EBADF);
    CHECK(!mpl_journal_owes(&j, 0));
}

/* ---- without one -------------------------------------------------------------------------------------------------------------- */
static void refuses_the_batch(void)
{
    begin_again(false);
    CHECK_EQ(commit(-1, -1, 2), -EBADF);
    CHECK_EQ(mpl_load(&j.page->state), MPL_COMMIT);
    CHECK_EQ(mpl_redo_parts(&j, &r, fds, 1), -EBADF); /* of the second it knows no descriptor */
    has(0, LINE);
    CHECK_EQ(mpl_redo_parts(&j, &r, fds, 2), 0);
    has(0, LINE);
    has(1, LINE);

    begin_again(false);
    CHECK_EQ(mpl_set_lead(&j, 0, LEAD, strlen(LEAD)), 0);
    fail_kinds = F_ALLOCATE;
    fail_nth(1, ENOMEM);
    CHECK_EQ(commit(fds[0], fds[1], 1), -ENOMEM);
    CHECK_EQ(fail_never(), 1);
    CHECK_EQ(mpl_redo_parts(&j, &r, fds, 1), 0);
    has(0, LEAD LINE);
}

/* Of two files one goes on at the end of another; the other one's bytes stay where they are to go. */
static void moves(void)
{
    begin_again(false);
    CHECK_EQ(commit(-1, -1, 2), -EBADF);
    struct mpl_file file = *mpl_journal_file(&j, 1);
    CHECK_EQ(pwrite(fds[1], "there\n", 6, 0), 6);
    file.offset = 6;
    mpl_journal_move(&j, 1, &file);
    CHECK_EQ(mpl_redo_parts(&j, &r, fds, 2), 0);
    has(0, LINE);
    has(1, "there\n" LINE);
}

/* ---- whose bytes are lent to a thread ------------------------------------------------------------------------------------------ */
static bool lent(const int *of, uint32_t sinks, uint32_t parts_of)
{
    const struct mpl_part parts[2] = {{.fd = fds[0], .length = BYTES}, {.fd = fds[1], .place = OTHER, .length = BYTES}};
    const int rc = mpl_commit_begin(&j, &r, parts, parts_of);
    CHECK(rc >= 0);
    CHECK_EQ(rc, j.lent);
    CHECK(mpl_commit_finish(&j, &r, of, sinks) >= 0);
    has(0, mpl_load(&j.page->state) == MPL_IDLE ? LINE : "");
    return rc;
}

static void lends(void)
{
    cpu_set_t all, one;
    fail_kinds = F_AFFINITY;
    begin_again(false);
    CHECK(!lent(fds, 2, 2)); /* of several files none */
    begin_again(false);
    j.sync = true;
    CHECK(!lent(fds, 1, 1));
    j.sync = false;
    begin_again(true);
    CHECK(!lent(fds, 1, 1));
    begin_again(false);
    CHECK(!mpl_write_ahead(&j, fds, 0));
    mpl_store(&j.page->writes[0].owed, 1);
    j.page->nwrites = 1;
    CHECK(!mpl_write_ahead(&j, fds, 1));
    begin_again(false);
    CHECK_EQ(mpl_set_lead(&j, 0, "\n", 1), 0);
    j.page->writes[0].lead = 1;
    mpl_store(&j.page->writes[0].owed, 0);
    CHECK(!mpl_write_ahead(&j, fds, 1));

    begin_again(false);
    CHECK(!j.second);
    CHECK_EQ(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    for (size_t cpu = 0; cpu < CPU_SETSIZE && !CPU_COUNT(&one); cpu++)
        if (CPU_ISSET(cpu, &all))
            CPU_SET(cpu, &one);
    CHECK_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    CHECK(!lent(fds, 1, 1)); /* a single processor */
    CHECK(j.alone);
    CHECK_EQ(sched_setaffinity(0, sizeof all, &all), 0);

    j.alone = false;
    begin_again(false);
    fail_kinds = F_AFFINITY | F_THREAD;
    fail_from(1, EINVAL); /* more processors than can be named, and no thread */
    CHECK(!lent(fds, 1, 1));
    CHECK_EQ(fail_never(), 2);
    CHECK(j.alone);
    j.alone = false;
    begin_again(false);
    fail_nth(1, EINVAL);
    CHECK(lent(fds, 1, 1));
    CHECK_EQ(fail_never(), 1);
}

/* ---- a hand's file ---------------------------------------------------------------------------------------------------------------- */
static int written_by_a_hand(const char *path, int fd)
{
    struct mpl_write w = {.length = BYTES};
    struct mpl_hand *h = mpl_hand_new(path);
    CHECK(h != NULL);
    CHECK_EQ(mpl_hand_give(h, &w, LINE, fd), 0);
    const int rc = mpl_hand_wait(h, mpl_now(CLOCK_MONOTONIC) + 60000000000u);
    mpl_hand_free(h);
    return rc;
}

static void in_place(void)
{
    begin_again(false);
    CHECK_EQ(written_by_a_hand(paths[0], fds[0]), 0);
    has(0, LINE);
    CHECK_EQ(written_by_a_hand(paths[0], fds[1]), -ESTALE); /* another file */
    CHECK_EQ(written_by_a_hand("/dev/null", fds[1]), -ESTALE); /* on another device */
    CHECK_EQ(written_by_a_hand(paths[0], -1), -ESTALE);
    has(1, "");
}

/* ---- one that hangs ----------------------------------------------------------------------------------------------------------------- */
static void hang(void)
{
    inside = true;
    while (hangs)
        pause_ns(100000);
}

static void stands(struct mpl_hand *h)
{
    static struct mpl_write w = {.length = BYTES};
    CHECK_EQ(ftruncate(fds[0], 0), 0);
    hangs = true, inside = false;
    fail_kinds = F_PWRITE;
    before_nth(1, hang);
    CHECK_EQ(mpl_hand_give(h, &w, LINE, fds[0]), 0);
    while (!inside)
        pause_ns(100000);
    CHECK_EQ(mpl_hand_wait(h, mpl_now(CLOCK_MONOTONIC)), -ETIMEDOUT);
}

/* It is given up: not waited for, not replaced, and at the end left behind with all that it may still look at. */
static void hangs_for_ever(void)
{
    static struct mpl_hand *left[2]; /* so that they are not lost */
    begin_again(true);
    left[0] = j.hands[0];
    CHECK(!mpl_journal_hangs(&j, 0) && !mpl_journal_hangs(&j, MPL_MAX_SINKS));
    CHECK_EQ(mpl_journal_set_apart(&j, MPL_MAX_SINKS, ""), MPL_E_ARG);
    stands(left[0]);
    CHECK(mpl_journal_hangs(&j, 0) && !mpl_journal_hangs(&j, 1));
    CHECK_EQ(mpl_journal_set_apart(&j, 0, ""), 0);
    CHECK(j.hands[0] == left[0]);
    CHECK_EQ(commit(fds[0], fds[1], 2), 0);
    owes(0, LINE, -ETIMEDOUT);
    has(1, LINE);
    const struct mpl_journal_page *page = j.page;
    const size_t mapped = j.mapped;
    mpl_journal_close(&j);
    CHECK(!j.page);
    CHECK_EQ(page->magic, MPL_MAGIC_JOURNAL);
    hangs = false;
    while (mpl_hand_busy(left[0]))
        pause_ns(100000);
    munmap((void *)(uintptr_t)page, mapped);

    struct mpl_journal second = {.second = mpl_hand_new("")};
    CHECK(second.second != NULL);
    left[1] = second.second;
    stands(left[1]);
    mpl_journal_close(&second);
    CHECK(!second.second);
    hangs = false;
    while (mpl_hand_busy(left[1]))
        pause_ns(100000);
}

static int test(const char *dir)
{
    service_make(dir);
    open_all(dir);
    closed_descriptor();
    no_memory_for_the_lead();
    no_memory_for_the_copy();
    no_memory_at_all();
    no_descriptor();
    refuses_the_batch();
    moves();
    lends();
    in_place();
    hangs_for_ever();
    mpl_reader_close(&r);
    return 0;
}

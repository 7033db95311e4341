/* SPDX-License-Identifier: Apache-2.0
 *
 * Two files, of which one refuses for a while: what it is owed waits in its spool and is paid later. A writer killed at the n-th passage of every named
 * point of that, for every n, once or twice: then both files hold every event once and in order, and the first was never behind. */
#include "service.h"

#define EVENTS 12u
#define REFUSES 2 /* batches */
#define SHARE (STAGING / 2)

static const char *const points[] = {"commit_entry", "commit_point", "commit_heads", "commit_written", "commit_owed", "commit_spooled", "commit_offset",
    "commit_settled", "commit_done"};

static const char *place;
static struct writer w;
static int other;

static int open_two(void)
{
    char path[MPL_PATH];
    struct stat st;
    memset(&w, 0, sizeof w);
    w.lock = writer_lock(place);
    int rc = w.lock < 0 ? w.lock : mpl_reader_open(&w.r, place, SERVICE, true, ARENA);
    if (rc)
        return rc;
    w.r.nsinks = 2;
    CHECK_EQ(mpl_journal_open(&w.j, place, SERVICE, STAGING), 0);
    snprintf(w.file, sizeof w.file, "%s/out", place);
    snprintf(path, sizeof path, "%s/other", place);
    w.fd = open(w.file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    other = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(w.fd >= 0 && other >= 0);
    const int fds[2] = {w.fd, other};
    for (uint32_t s = 0; s < 2; s++) {
        CHECK_EQ(fstat(fds[s], &st), 0);
        struct mpl_file file = {.dev = st.st_dev, .ino = st.st_ino};
        if (w.j.fresh)
            mpl_journal_set_file(&w.j, s, &file);
        CHECK_EQ(mpl_journal_set_apart(&w.j, s, ""), 0);
    }
    CHECK(mpl_reader_scan(&w.r, &w.j) >= 0);
    CHECK(mpl_redo_parts(&w.j, &w.r, fds, 2) >= 0);
    CHECK_EQ(mpl_load(&w.j.page->state), MPL_IDLE);
    return 0;
}

/* Everything owed, as far as the file takes it. */
static void pay(int fd)
{
    for (;;) {
        int64_t length = mpl_spool_load(&w.j, 1, w.j.staging + SHARE, SHARE);
        CHECK(length >= 0);
        if (!length)
            break;
        const struct mpl_part part = {.fd = fd, .place = SHARE, .length = (size_t)length};
        if (mpl_unspool(&w.j, &w.r, 1, &part) < 0)
            return;
        mpl_spool_trim(&w.j, 1);
    }
    mpl_spool_trim(&w.j, 1);
}

/* Two events, into both files; `fd` of the second. */
static uint32_t batch(int fd)
{
    size_t length = 0;
    CHECK(mpl_drain(&w.r, ARENA) >= 0);
    const uint32_t taken = mpl_accept(&w.r, w.r.nitems < 2 ? w.r.nitems : 2);
    for (uint32_t i = 0; i < taken; i++)
        length += line_of(&w, &w.r.items[i], w.j.staging + length);
    memcpy(w.j.staging + SHARE, w.j.staging, length);
    const struct mpl_part parts[2] = {{.fd = w.fd, .length = length}, {.fd = fd, .place = SHARE, .length = length}};
    if (taken) {
        const uint64_t before = mpl_journal_file(&w.j, 0)->offset;
        CHECK_EQ(mpl_commit_parts(&w.j, &w.r, parts, 2), 0);
        CHECK_EQ(mpl_journal_file(&w.j, 0)->offset, before + length);
    }
    return taken;
}

static int work_killed(void *arg)
{
    if (open_two())
        return 2;
    setenv("MPLOG_FAULT", arg, 1);
    for (int i = 0; i < REFUSES; i++)
        batch(-1);
    pay(-1);
    CHECK(!batch(other) || mpl_journal_owes(&w.j, 1)); /* behind what is owed already */
    pay(other);
    while (batch(other))
        pay(other);
    return 0;
}

static int produce(void *unused)
{
    struct mpl_producer p;
    (void)unused;
    producer_make(&p, place, "some");
    for (uint64_t n = 1; n <= EVENTS; n++)
        CHECK_EQ(send_event(&p, 1, n, 50 + n), MPL_ACCEPTED);
    mpl_detach(&p, true);
    return 0;
}

static int one_round(const char *point, int n, int kills)
{
    char fault[64], path[MPL_PATH];
    int killed = 0;
    snprintf(fault, sizeof fault, "%s:%d", point, n);
    snprintf(path, sizeof path, "%s/other", place);
    service_make(place);
    CHECK_EQ(reap(spawn(produce, NULL)), 0);
    for (int i = 0; i < kills; i++) {
        int code = reap(spawn(work_killed, fault));
        CHECK(code == 0 || code == 1000 + SIGKILL);
        killed += code != 0;
    }
    CHECK_EQ(open_two(), 0);
    pay(other);
    while (batch(other))
        pay(other);
    const char *const files[] = {w.file, path};
    for (int s = 0; s < 2; s++) {
        struct tally t = tally_file(files[s]);
        struct stat st;
        CHECK_EQ(t.events, EVENTS);
        CHECK_EQ(t.torn + t.out_of_order, 0);
        CHECK_EQ(stat(files[s], &st), 0);
        CHECK_EQ(mpl_journal_file(&w.j, (uint32_t)s)->offset, st.st_size);
    }
    CHECK(!mpl_journal_owes(&w.j, 1));
    writer_ends(&w);
    CHECK_EQ(mpl_retire(&w.r, &w.j), 1);
    writer_close(&w);
    close(other);
    CHECK_EQ(unlink(w.file) + unlink(path), 0);
    return killed;
}

static int test(const char *dir)
{
    int fired = 0;
    place = dir;
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        int killed = 1, n;
        for (n = 1; killed; n++)
            for (int kills = 1; kills <= 2; kills++)
                fired += killed = one_round(points[i], n, kills);
        printf("%s: %d passages\n", points[i], n - 2);
        CHECK(n > 2);
    }
    printf("%d writers killed\n", fired);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * While a batch waits for its file, the file may be left for another one: what the old one has of the batch stays there or is taken back, the rest goes
 * into the new one, and every line is in one of the two, once. Killed within the change, the next writer ends it in either file. */
#include "service.h"

#define LINES "one\ntwo\nthree\nfour\n"
#define LENGTH ((uint64_t)strlen(LINES))
#define OLD "old\n"

static struct writer w;
static int other;

/* A batch of LINES is in COMMIT behind OLD; the old file holds `content`. */
static void prepare(const char *content, uint64_t offset, uint64_t from)
{
    struct mpl_journal_page *g = w.j.page;
    struct mpl_file file = {.dev = 1, .ino = 1, .offset = offset};
    CHECK_EQ(ftruncate(w.fd, 0), 0);
    CHECK_EQ(ftruncate(other, 0), 0);
    CHECK_EQ(pwrite(w.fd, content, strlen(content), 0), (ssize_t)strlen(content));
    mpl_journal_set_file(&w.j, 0, &file);
    memcpy(w.j.staging, LINES, LENGTH);
    g->nwrites = 1;
    g->ntouches = 0;
    g->writes[0] = (struct mpl_write){.length = LENGTH, .crc = mpl_crc32c(0, LINES, LENGTH), .targets = {{offset, from}, {offset, from}}};
    mpl_store(&g->state, MPL_COMMIT);
}

static void holds(int fd, const char *expected)
{
    char text[512] = "";
    CHECK(pread(fd, text, sizeof text - 1, 0) >= 0);
    if (strcmp(text, expected)) {
        fprintf(stderr, "the file holds <%s>, not <%s>\n", text, expected);
        CHECK(!"the file holds what it should");
    }
}

/* The new file holds `there` already, and after it `expected`. */
static void goes_on(const char *there, const char *expected)
{
    struct mpl_file file = {.dev = 1, .ino = 2, .offset = strlen(there)};
    CHECK_EQ(pwrite(other, there, strlen(there), 0), (ssize_t)strlen(there));
    mpl_journal_move(&w.j, 0, &file);
    CHECK_EQ(mpl_redo(&w.j, &w.r, other), 0);
    holds(other, expected);
    CHECK_EQ(mpl_load(&w.j.page->state), MPL_IDLE);
    CHECK_EQ(mpl_journal_file(&w.j, 0)->offset, strlen(expected));
    CHECK_EQ(mpl_journal_file(&w.j, 0)->ino, 2);
}

static int killed_between(void *arg)
{
    (void)arg;
    struct mpl_file file = {.dev = 1, .ino = 2};
    setenv("MPLOG_FAULT", "commit_moved:1", 1);
    mpl_journal_move(&w.j, 0, &file);
    return 0;
}

static int test(const char *dir)
{
    char path[MPL_PATH];
    service_make(dir);
    CHECK_EQ(writer_open(&w, dir), 0);
    snprintf(path, sizeof path, "%s/other", dir);
    other = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(other >= 0);

    prepare(OLD, strlen(OLD), 0); /* taken back: none of it is in the old one */
    goes_on("", LINES);
    prepare(OLD, strlen(OLD), 0);
    goes_on("somebody's\n", "somebody's\n" LINES);

    prepare(OLD "one\nXYZ\n", strlen(OLD "one\nXYZ\n"), 4); /* a line of it stands before somebody's */
    goes_on("", "two\nthree\nfour\n");

    prepare(OLD LINES, strlen(OLD), 0); /* all of it is there: another file of the service is what refuses */
    struct mpl_file done = {.dev = 1, .ino = 1, .offset = strlen(OLD) + LENGTH};
    mpl_journal_set_file(&w.j, 0, &done);
    goes_on("", "");
    holds(w.fd, OLD LINES);

    prepare(OLD, strlen(OLD), 0);
    CHECK_EQ(reap(spawn(killed_between, NULL)), 1000 + SIGKILL);
    CHECK_EQ(mpl_journal_file(&w.j, 0)->ino, 1);
    CHECK(mpl_redo(&w.j, &w.r, w.fd) >= 0); /* the next writer finds the old one under another name */
    holds(w.fd, OLD LINES);

    prepare(OLD, strlen(OLD), 0);
    CHECK_EQ(reap(spawn(killed_between, NULL)), 1000 + SIGKILL);
    CHECK(mpl_redo(&w.j, &w.r, other) >= 0); /* the next writer finds it nowhere */
    holds(other, LINES);
    return 0;
}

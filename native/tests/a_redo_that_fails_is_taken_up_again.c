/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever a redo finds in the file, and whichever of its calls fails then: it says so, the batch stays in COMMIT, and the next redo brings every line there
 * once, beside what others have written. A call that was interrupted is made again; a file that grows faster than it can be looked at, or is cut between the
 * look and the write, is told. */
#include "fails.h"
#include "service.h"

#define LINES "one\ntwo\nthree\nfour\n"
#define LENGTH ((size_t)sizeof LINES - 1)

static struct writer w;
static char text[4096];

/* A batch of LINES is in COMMIT behind four bytes; the file holds `content`. */
static void prepare(const char *content)
{
    CHECK_EQ(ftruncate(w.fd, 0), 0);
    CHECK_EQ(pwrite(w.fd, content, strlen(content), 0), (ssize_t)strlen(content));
    struct mpl_journal_page *g = w.j.page;
    const struct mpl_file file = {.offset = 4};
    mpl_journal_set_file(&w.j, 0, &file);
    memcpy(w.j.staging, LINES, LENGTH);
    g->nwrites = 1;
    g->ntouches = 0;
    g->writes[0] = (struct mpl_write){.length = LENGTH, .crc = mpl_crc32c(0, LINES, LENGTH), .targets = {{4, 0}, {4, 0}}};
    mpl_store(&g->state, MPL_COMMIT);
}

static int redo(void) { return mpl_redo(&w.j, &w.r, w.fd); }

static const char *content(void)
{
    ssize_t n = pread(w.fd, text, sizeof text - 1, 0);
    CHECK(n >= 0);
    text[n] = 0;
    return text;
}

static void holds(const char *expected)
{
    if (strcmp(content(), expected) != 0)
        fprintf(stderr, "the file holds <%s>, not <%s>\n", text, expected);
    CHECK(strcmp(text, expected) == 0);
    CHECK_EQ(mpl_load(&w.j.page->state), MPL_IDLE);
    CHECK_EQ(mpl_journal_file(&w.j, 0)->offset, strlen(expected));
}

static const struct {
    const char *before, *after;
} found[] = {
    {"old\n", "old\n" LINES},
    {"old\none\ntw", "old\n" LINES},
    {"old\n" LINES, "old\n" LINES},
    {"ol", "ol\n" LINES},
    {"old\nXYZ\n", "old\nXYZ\n" LINES},
    {"old\none\nXYZ", "old\none\nXYZ\ntwo\nthree\nfour\n"},
};

/* Each call once, until there are no more of them. Returns how many there were. */
static long each_call(size_t at, unsigned kinds, int error, int told)
{
    long n = 0, struck = 1;
    while (struck) {
        prepare(found[at].before);
        fail_kinds = kinds;
        fail_nth(++n, error);
        const int rc = redo();
        struck = fail_never();
        /* what stands before the place is a look that can be done without */
        CHECK(struck && told ? rc == told || (rc >= 0 && kinds == F_PREAD) : rc >= 0);
        if (rc < 0) {
            CHECK_EQ(mpl_load(&w.j.page->state), MPL_COMMIT);
            CHECK(redo() >= 0);
        }
        holds(found[at].after);
    }
    return n - 1;
}

/* ---- others at the file meanwhile ------------------------------------------------------------------------------------------ */
static void somebody_appends(void)
{
    struct stat st;
    CHECK_EQ(fstat(w.fd, &st), 0);
    CHECK_EQ(pwrite(w.fd, "XYZ\n", 4, st.st_size), 4);
}

static void a_file_that_grows_as_fast_as_we_look(void)
{
    prepare("old\n");
    fail_kinds = F_FSTAT;
    before_nth(1, somebody_appends);
    failing.on = true;
    CHECK_EQ(redo(), -EBUSY);
    CHECK(fail_never() >= 8);
    CHECK_EQ(mpl_load(&w.j.page->state), MPL_COMMIT);
    content();
    const size_t there = strlen(text);
    CHECK_EQ(redo(), 0);
    content();
    CHECK(memcmp(text, "old\nXYZ\n", 8) == 0 && strcmp(text + there, LINES) == 0);
}

static void somebody_cuts(void) { CHECK_EQ(ftruncate(w.fd, 0), 0); }

static void somebody_cuts_and_the_next_write_fails(void)
{
    somebody_cuts();
    fail_nth(1, EIO); /* the one behind ours: the end of the hole's line */
}

static void a_file_that_is_cut_between_look_and_write(void)
{
    prepare("old\n");
    fail_kinds = F_PWRITE;
    before_nth(1, somebody_cuts);
    CHECK_EQ(redo(), MPL_FOUND_TRUNCATED | MPL_FOUND_FOREIGN);
    CHECK_EQ(fail_never(), 1);
    CHECK_EQ(pread(w.fd, text, sizeof text, 0), (ssize_t)(4 + LENGTH));
    CHECK(memcmp(text, "\0\0\0\n" LINES, 4 + LENGTH) == 0);

    prepare("old\n");
    before_nth(1, somebody_cuts_and_the_next_write_fails);
    CHECK_EQ(redo(), -EIO);
    fail_never();
    CHECK_EQ(redo(), MPL_FOUND_TRUNCATED | MPL_FOUND_FOREIGN);
    CHECK_EQ(pread(w.fd, text, sizeof text, 0), (ssize_t)(4 + LENGTH));
    CHECK(memcmp(text, "\0\0\0\n" LINES, 4 + LENGTH) == 0);
}

static int test(const char *dir)
{
    service_make(dir);
    CHECK_EQ(writer_open(&w, dir), 0);
    long calls = 0;
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        calls += each_call(i, F_FSTAT | F_PWRITE, EIO, -EIO);
        calls += each_call(i, F_PREAD, EIO, -EIO);
        each_call(i, F_PREAD | F_PWRITE, EINTR, 0);
        each_call(i, F_PWRITE, FAIL_NOTHING, -EIO);
    }
    CHECK(calls >= 20);
    a_file_that_grows_as_fast_as_we_look();
    a_file_that_is_cut_between_look_and_write();
    return 0;
}

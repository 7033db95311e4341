/* SPDX-License-Identifier: Apache-2.0
 *
 * What a redo finds in the file: all of the batch, part of it, a shorter file, foreign bytes. It goes on behind what is not ours, on a line of its
 * own, writes no whole line twice, and says what it found. */
#include "service.h"

#define LINES "one\ntwo\nthree\nfour\n"
#define LENGTH ((int)strlen(LINES))

static struct writer w;

/* A batch of LINES is in COMMIT at `offset`; the file holds `content`. */
static void prepare(const char *content, uint64_t offset)
{
    CHECK_EQ(ftruncate(w.fd, 0), 0);
    CHECK_EQ(pwrite(w.fd, content, strlen(content), 0), (ssize_t)strlen(content));
    struct mpl_journal_page *g = w.j.page;
    struct mpl_file file = {.offset = offset};
    mpl_journal_set_file(&w.j, 0, &file);
    memcpy(w.j.staging, LINES, (size_t)LENGTH);
    g->nwrites = 1;
    g->ntouches = 0;
    g->writes[0] = (struct mpl_write){.length = (uint64_t)LENGTH, .crc = mpl_crc32c(0, LINES, (size_t)LENGTH), .targets = {{offset, 0}, {offset, 0}}};
    mpl_store(&g->state, MPL_COMMIT);
}

static void check(const char *expected, uint64_t offset)
{
    char text[512] = "";
    CHECK(pread(w.fd, text, sizeof text - 1, 0) >= 0);
    if (strcmp(text, expected)) {
        fprintf(stderr, "the file holds <%s>, not <%s>\n", text, expected);
        CHECK(!"the file holds what it should");
    }
    CHECK_EQ(mpl_load(&w.j.page->state), MPL_IDLE);
    CHECK_EQ(mpl_journal_file(&w.j, 0)->offset, offset);
}

static void expect(const char *content, uint64_t offset, const char *expected, uint64_t end, int found)
{
    prepare(content, offset);
    CHECK_EQ(mpl_redo(&w.j, &w.r, w.fd), found);
    check(expected, end);
    mpl_store(&w.j.page->state, MPL_COMMIT); /* killed just before IDLE: once more changes nothing */
    CHECK_EQ(mpl_redo(&w.j, &w.r, w.fd), 0);
    check(expected, end);
}

static int failed_write_is_taken_up_again(void *arg)
{
    (void)arg;
    struct stat st;
    prepare("old\n", 4);
    int nowhere = open("/dev/full", O_RDWR | O_CLOEXEC);
    CHECK(nowhere >= 0 && fstat(nowhere, &st) == 0);
    mpl_store(&w.j.page->writes[0].flip, 0);
    w.j.page->writes[0].targets[0].offset = 0;
    CHECK_EQ(mpl_redo(&w.j, &w.r, nowhere), -ENOSPC);
    CHECK_EQ(mpl_load(&w.j.page->state), MPL_COMMIT);
    w.j.page->writes[0].targets[0].offset = 4;
    CHECK_EQ(mpl_redo(&w.j, &w.r, w.fd), 0);
    check("old\n" LINES, 4 + (uint64_t)LENGTH);
    return 0;
}

/* Cut to nothing after the look and before the write, the file has a hole of zeros where our first line would begin. */
static void a_hole_has_a_line_of_its_own(void)
{
    char text[64] = "";
    prepare("", 4);
    CHECK_EQ(pwrite(w.fd, LINES, (size_t)LENGTH, 4), LENGTH);
    CHECK_EQ(mpl_redo(&w.j, &w.r, w.fd), MPL_FOUND_TRUNCATED | MPL_FOUND_FOREIGN);
    CHECK_EQ(pread(w.fd, text, sizeof text - 1, 0), 4 + LENGTH);
    CHECK(memcmp(text, "\0\0\0\n" LINES, 4 + (size_t)LENGTH) == 0);
    CHECK_EQ(mpl_journal_file(&w.j, 0)->offset, 4 + (uint64_t)LENGTH);
}

static int test(const char *dir)
{
    service_make(dir);
    CHECK_EQ(writer_open(&w, dir), 0);
    uint64_t n = (uint64_t)LENGTH;
    expect("", 0, LINES, n, 0);
    expect("old\n", 4, "old\n" LINES, 4 + n, 0);
    for (int part = 0; part <= LENGTH; part++) {
        char content[64];
        snprintf(content, sizeof content, "old\n%.*s", part, LINES);
        expect(content, 4, "old\n" LINES, 4 + n, 0);
    }
    expect("", 4, LINES, n, MPL_FOUND_TRUNCATED);
    expect("ol", 4, "ol\n" LINES, 3 + n, MPL_FOUND_TRUNCATED); /* inside a line: on one of its own */
    expect("old", 4, "old\n" LINES, 4 + n, MPL_FOUND_TRUNCATED);
    expect("o\nx", 9, "o\nx\n" LINES, 4 + n, MPL_FOUND_TRUNCATED);
    expect("old\nXYZ\n", 4, "old\nXYZ\n" LINES, 8 + n, MPL_FOUND_FOREIGN);
    expect("old\nXYZ", 4, "old\nXYZ\n" LINES, 8 + n, MPL_FOUND_FOREIGN);
    expect("old\none\ntwXYZ", 4, "old\none\ntwXYZ\ntwo\nthree\nfour\n", 4 + 10 + n - 4, MPL_FOUND_FOREIGN);
    expect("old\none\nXYZ\n", 4, "old\none\nXYZ\ntwo\nthree\nfour\n", 4 + 8 + n - 4, MPL_FOUND_FOREIGN);
    expect("old\n" LINES "XYZ", 4, "old\n" LINES "XYZ", 4 + n, 0); /* behind ours: the next batch meets it */
    failed_write_is_taken_up_again(NULL);
    a_hole_has_a_line_of_its_own();
    return 0;
}

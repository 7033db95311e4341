/* SPDX-License-Identifier: Apache-2.0
 *
 * Somebody truncates a segment in the middle of a commit, and there is no memory to stand in for it: the commit says so and stays open, and is finished when
 * there is some again, with its bytes in the file once. */
#include "fails.h"
#include "service.h"

#define LINE "one line\n"

static int test(const char *dir)
{
    static struct writer w;
    struct mpl_producer p;
    struct stat st;
    char path[MPL_PATH];
    service_make(dir);
    producer_make(&p, dir, "cut");
    CHECK_EQ(send_event(&p, 1, 1, 100), MPL_ACCEPTED);
    CHECK_EQ(writer_open(&w, dir), 0);
    CHECK_EQ(mpl_drain(&w.r, ARENA), 1);
    CHECK_EQ(mpl_accept(&w.r, 1), 1);
    memcpy(w.j.staging, LINE, strlen(LINE));
    CHECK_EQ(mpl_segment_path(path, dir, SERVICE, 0), 0);
    CHECK_EQ(truncate(path, 0), 0);
    fail_kinds = F_MMAP;
    fail_nth(1, ENOMEM);
    CHECK_EQ(mpl_commit(&w.j, &w.r, 0, w.fd, strlen(LINE)), MPL_E_CORRUPT);
    CHECK_EQ(fail_never(), 1);
    CHECK_EQ(mpl_load(&w.j.page->state), MPL_COMMIT);
    CHECK(fstat(w.fd, &st) == 0 && st.st_size == 0);
    CHECK(mpl_redo(&w.j, &w.r, w.fd) >= 0);
    CHECK_EQ(mpl_load(&w.j.page->state), MPL_IDLE);
    CHECK(fstat(w.fd, &st) == 0 && st.st_size == (off_t)strlen(LINE));
    writer_close(&w);
    return 0;
}

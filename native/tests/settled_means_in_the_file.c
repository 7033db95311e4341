/* SPDX-License-Identifier: Apache-2.0
 *
 * While the file refuses a batch its events are not settled, so no flush ends; they are as soon as a redo has brought the bytes there. */
#include "service.h"

#define EVENTS 5u

static int test(const char *dir)
{
    static struct writer w;
    struct mpl_producer p;
    struct stat st;
    service_make(dir);
    producer_make(&p, dir, "waits");
    for (uint64_t n = 1; n <= EVENTS; n++)
        CHECK_EQ(send_event(&p, 1, n, 50), MPL_ACCEPTED);
    CHECK_EQ(writer_open(&w, dir), 0);

    int file = w.fd;
    w.fd = open("/dev/full", O_RDWR | O_CLOEXEC);
    CHECK(w.fd >= 0);
    CHECK_EQ(writer_batch(&w), -ENOSPC);
    CHECK_EQ(mpl_load(&w.j.page->state), MPL_COMMIT);
    CHECK_EQ(mpl_settled(&p), 0);
    CHECK_EQ(wait_once(&p, EVENTS, 1000000), 0);

    close(w.fd);
    w.fd = file;
    CHECK_EQ(mpl_redo(&w.j, &w.r, w.fd), 0);
    CHECK_EQ(mpl_settled(&p), EVENTS);
    CHECK_EQ(wait_once(&p, EVENTS, 1000000), 1);
    CHECK(fstat(w.fd, &st) == 0 && st.st_size > 0);
    CHECK_EQ(tally_file(w.file).events, EVENTS);
    mpl_producer_free(&p);
    writer_close(&w);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A sync that fails brings no event onto the disk, and the next one by the same file does not either, though the system may say that all is well; only
 * when the file has been taken in hand anew does a sync count, and then the producer sees it. */
#include "service.h"

#define EVENTS 5u

static int test(const char *dir)
{
    static struct writer w;
    struct mpl_producer p;
    service_make(dir);
    producer_make(&p, dir, "waits");
    CHECK_EQ(writer_open(&w, dir), 0);
    for (uint64_t n = 1; n <= EVENTS; n++)
        CHECK_EQ(send_event(&p, 1, n, 50), MPL_ACCEPTED);
    CHECK_EQ(writer_all(&w), EVENTS);
    CHECK_EQ(mpl_settled(&p), EVENTS);

    int refuses = open("/dev/null", O_RDWR | O_CLOEXEC); /* the kernel has nothing to sync there, and says so */
    CHECK(refuses >= 0);
    CHECK_EQ(mpl_sync(&w.j, &w.r, &refuses, 1), -EINVAL);
    CHECK_EQ(mpl_synced(&p), 0);
    CHECK_EQ(mpl_sync(&w.j, &w.r, &w.fd, 1), -EIO);
    CHECK_EQ(mpl_synced(&p), 0);

    mpl_sync_anew(&w.j, 0);
    CHECK_EQ(mpl_sync(&w.j, &w.r, &w.fd, 1), 0);
    CHECK_EQ(mpl_synced(&p), EVENTS);
    close(refuses);
    mpl_producer_free(&p);
    writer_all(&w);
    CHECK_EQ(tally_file(w.file).events, EVENTS);
    CHECK_EQ(mpl_retire(&w.r, &w.j), 1);
    writer_close(&w);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel takes a part of a batch and refuses the rest (a limit on the file's size stands for a disk that is full): nothing counts as written, and when
 * there is room again the rest follows, no byte twice. */
#include <sys/resource.h>

#include "service.h"

#define EVENTS 40u

static void limit_files_to(rlim_t bytes)
{
    struct rlimit limit;
    CHECK_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int test(const char *dir)
{
    static struct writer w;
    struct mpl_producer p;
    struct stat st;
    signal(SIGXFSZ, SIG_IGN);
    service_make(dir);
    producer_make(&p, dir, "some");
    for (uint64_t n = 1; n <= EVENTS; n++)
        CHECK_EQ(send_event(&p, 1, n, 50), MPL_ACCEPTED);
    CHECK_EQ(writer_open(&w, dir), 0);

    limit_files_to(777);
    CHECK_EQ(writer_batch(&w), -EFBIG);
    CHECK_EQ(fstat(w.fd, &st), 0);
    CHECK_EQ(st.st_size, 777);
    CHECK_EQ(mpl_settled(&p), 0);

    limit_files_to(RLIM_INFINITY);
    CHECK_EQ(mpl_redo(&w.j, &w.r, w.fd), 0);
    CHECK_EQ(send_event(&p, 1, EVENTS + 1, 50), MPL_ACCEPTED);
    CHECK_EQ(writer_all(&w), 1);
    struct tally t = tally_file(w.file);
    CHECK_EQ(t.events, EVENTS + 1);
    CHECK_EQ(t.torn + t.out_of_order, 0);
    mpl_producer_free(&p);
    writer_close(&w);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * While batches come to an end a producer's look believes that somebody looks after the writer, and makes no call; not where the writer says that its
 * supervisor is gone. */
#include <sys/stat.h>

#include "service.h"

#define LOOKS 3 /* fewer than are taken on trust */

static bool look(struct mpl_producer *p)
{
    mpl_add(&p->bell->done, 1); /* a batch has come to its end */
    return mpl_all_well(p);
}

static int test(const char *dir)
{
    struct mpl_producer p;
    struct stat st;
    char path[MPL_PATH];
    service_make(dir);
    producer_make(&p, dir, "looks");
    CHECK_EQ(mpl_attach(&p), 0);
    CHECK_EQ(mpl_path(path, dir, SERVICE, "bell"), 0);
    CHECK_EQ(stat(path, &st), 0);
    p.seen.dev = st.st_dev, p.seen.ino = st.st_ino;
    mpl_store(&p.bell->supervisor_pid, 1);
    for (int i = 0; i < LOOKS; i++)
        CHECK(look(&p)); /* nobody holds the supervisor's lock, and nobody has asked */
    mpl_store(&p.bell->supervisor_pid, 0);
    CHECK(!look(&p));
    int fd = open(path, O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0);
    CHECK_EQ(mpl_lock(fd, MPL_LOCK_SUPERVISOR, 1), 0);
    CHECK(look(&p)); /* another one is there */
    close(fd);
    CHECK(!look(&p));
    mpl_producer_free(&p);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A kernel that cannot give the page which tells a child from its parent: no producer is made, so that no child can log into its parent's lane. */
#include "fails.h"

#define KINDS "CALLS_THAT_FAIL"

/* Before the core's own. */
__attribute__((constructor(101))) static void from_the_start(void)
{
    const char *kinds = getenv(KINDS);
    fail_kinds = kinds ? (unsigned)atoi(kinds) : 0;
    if (kinds)
        fail_nth(1, EINVAL);
}

static int refuses(void *kinds)
{
    setenv(KINDS, kinds, 1);
    execl("/proc/self/exe", "again", (char *)NULL);
    return 9;
}

static int test(const char *dir)
{
    struct mpl_producer p;
    if (!getenv(KINDS)) {
        char mmaps[16], madvises[16];
        snprintf(mmaps, sizeof mmaps, "%d", F_MMAP);
        snprintf(madvises, sizeof madvises, "%d", F_MADVISE);
        CHECK(mpl_generation() != 0);
        CHECK_EQ(reap(spawn(refuses, mmaps)), 0);
        CHECK_EQ(reap(spawn(refuses, madvises)), 0);
        return 0;
    }
    CHECK_EQ(fail_never(), 1);
    CHECK_EQ(mpl_generation(), 0);
    CHECK_EQ(mpl_producer_init(&p, dir, SERVICE, "some"), MPL_E_ARG);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Directories and services whose names are too long for what is to be made of them: each function says so, and one that fits in part is served and taken down
 * as far as it goes. */
#include "service.h"
#include "spool.h"

static char deep[MPL_PATH + 64];

/* A directory below `dir` in which a path with the suffix `bell` just fits. */
static void go_deep(const char *dir)
{
    const size_t rest = strlen("/svc.") + strlen(".bell") + 1 + 1; /* the ABI has one digit */
    size_t n = (size_t)sprintf(deep, "%s", dir);
    CHECK(MPL_ABI < 10);
    while (n < MPL_PATH - rest) {
        const size_t left = MPL_PATH - rest - n, part = left > 101 ? 100 : left;
        CHECK(part > 1);
        deep[n] = '/';
        memset(deep + n + 1, 'd', part - 1);
        deep[n += part] = 0;
        CHECK_EQ(mkdir(deep, 0700), 0);
    }
}

static int test(const char *dir)
{
    char service[200], conf[8], path[MPL_PATH];
    size_t len = sizeof conf;
    struct mpl_bell *bell;
    static struct mpl_reader r;
    struct mpl_journal j = {0};
    struct mpl_producer p;
    bool created;
    memset(service, 's', sizeof service - 1);
    service[sizeof service - 1] = 0;
    memset(deep, 'd', MPL_PATH);
    CHECK_EQ(mpl_bell_open(deep, SERVICE, CONF, 2, &bell, &created), -ENAMETOOLONG);
    CHECK_EQ(mpl_bell_conf(deep, SERVICE, conf, &len), -ENAMETOOLONG);
    CHECK_EQ(mpl_journal_open(&j, deep, SERVICE, STAGING), -ENAMETOOLONG);
    CHECK_EQ(mpl_reader_open(&r, deep, SERVICE, true, ARENA), -ENAMETOOLONG);
    CHECK_EQ(mpl_reader_open(&r, dir, service, true, ARENA), -ENAMETOOLONG);
    CHECK_EQ(mpl_producer_init(&p, deep, SERVICE, "some"), -ENAMETOOLONG);
    CHECK_EQ(mpl_producer_init(&p, dir, service, "some"), -ENAMETOOLONG);
    mpl_producer_free(&p); /* one that was never made */
    deep[MPL_PATH - 4] = 0; /* it fits, but for the bell's name */
    CHECK_EQ(mpl_producer_init(&p, deep, SERVICE, "some"), 0);
    CHECK_EQ(mpl_attach(&p), -ENAMETOOLONG);
    mpl_producer_free(&p);
    uint64_t owed[MPL_MAX_SINKS];
    CHECK_EQ(mpl_owed(deep, SERVICE, owed), -ENAMETOOLONG);

    go_deep(dir);
    CHECK_EQ(mpl_path(path, deep, SERVICE, "bell"), 0);
    CHECK_EQ(mpl_path(path, deep, SERVICE, "bell+"), -ENAMETOOLONG);
    CHECK_EQ(mpl_bell_open(deep, SERVICE, CONF, 2, &bell, &created), 0);
    mpl_bell_close(bell);
    CHECK_EQ(mpl_bell_conf(deep, SERVICE, conf, &len), 0);
    len = 1;
    CHECK_EQ(mpl_bell_conf(deep, SERVICE, conf, &len), MPL_E_ARG); /* no room for it: how much it takes is told */
    CHECK_EQ(len, 2);
    CHECK_EQ(mpl_journal_open(&j, deep, SERVICE, STAGING), -ENAMETOOLONG);
    strcpy(j.dir, deep);
    strcpy(j.service, SERVICE);
    CHECK_EQ(mpl_spool_append(&j, 0, 0, "x", 1), -ENAMETOOLONG);
    mpl_spool_remove(&j, 0);
    CHECK_EQ(mpl_producer_init(&p, deep, SERVICE, "some"), 0);
    CHECK_EQ(mpl_attach(&p), -ENAMETOOLONG);
    mpl_producer_free(&p);
    CHECK_EQ(mpl_reader_open(&r, deep, SERVICE, true, ARENA), 0);
    CHECK_EQ(mpl_retire(&r, NULL), 0); /* it cannot look for segments: somebody may be there */
    mpl_reader_close(&r);
    return 0;
}

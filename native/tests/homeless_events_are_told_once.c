/* SPDX-License-Identifier: Apache-2.0
 *
 * Events of processes that could get no lane are told in the file once, whichever step of the commit the writer is killed at; a service with such
 * events that nobody has told is not taken down. */
#include "homeless.h"
#include "service.h"

static const char *const points[] = {"commit_entry", "commit_point", "commit_heads", "commit_written_part", "commit_written", "commit_offset", "commit_done", ""};
static const char *place, *point;

/* Tells what is untold, in a line of its own. */
static int tell(void *arg)
{
    static struct writer w;
    uint64_t untold[MPL_LEVELS];
    (void)arg;
    CHECK_EQ(writer_open(&w, place), 0);
    if (mpl_homeless_untold(w.r.bell)) {
        CHECK(mpl_homeless_look(&w.r, untold) > 0);
        int length = sprintf(w.j.staging, "%llu %llu\n", (unsigned long long)untold[1], (unsigned long long)untold[3]);
        w.r.tells_homeless = true;
        setenv("MPLOG_FAULT", point, 1);
        CHECK(mpl_commit(&w.j, &w.r, 0, w.fd, (size_t)length) >= 0);
        unsetenv("MPLOG_FAULT");
    }
    CHECK_EQ(mpl_homeless_untold(w.r.bell), 0);
    writer_close(&w);
    return 0;
}

static int test(const char *dir)
{
    struct mpl_bell *bell;
    bool created;
    uint64_t info = 0, errors = 0, told[2] = {0}, line[2];
    char path[MPL_PATH];
    place = dir;
    service_make(dir);
    CHECK_EQ(mpl_bell_open(dir, SERVICE, NULL, 0, &bell, &created), 0);
    for (unsigned i = 0; i < sizeof points / sizeof *points; i++) {
        for (unsigned n = 0; n <= i; n++, info++)
            mpl_homeless_add(bell, 20);
        mpl_homeless_add(bell, 40), errors++;
        CHECK(mpl_load(&bell->homeless_since) > 0);
        point = points[i];
        CHECK_EQ(reap(spawn(tell, NULL)), *point ? 1000 + SIGKILL : 0);
        point = "";
        CHECK_EQ(reap(spawn(tell, NULL)), 0);
        CHECK_EQ(mpl_load(&bell->homeless_since), 0);
    }
    snprintf(path, sizeof path, "%s/out", dir);
    FILE *f = fopen(path, "r");
    CHECK(f != NULL);
    while (fscanf(f, "%" SCNu64 " %" SCNu64, &line[0], &line[1]) == 2)
        told[0] += line[0], told[1] += line[1];
    fclose(f);
    CHECK_EQ(told[0], info);
    CHECK_EQ(told[1], errors);

    static struct writer w;
    CHECK_EQ(writer_open(&w, dir), 0);
    mpl_homeless_add(bell, 20);
    CHECK_EQ(mpl_retire(&w.r, &w.j), 0);
    uint64_t untold[MPL_LEVELS];
    mpl_homeless_look(&w.r, untold);
    w.r.tells_homeless = true;
    CHECK_EQ(mpl_commit(&w.j, &w.r, 0, w.fd, 0), 0);
    CHECK_EQ(mpl_retire(&w.r, &w.j), 1);
    writer_close(&w);
    mpl_bell_close(bell);
    return 0;
}

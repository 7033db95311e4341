/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#ifdef MPL_FAULTS
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* MPLOG_FAULT=point:n kills at the n-th passage of that point. Read at each passage: the arming process may set it late. */
void mpl_kill_point(const char *name)
{
    static long passed;
    const char *armed = getenv("MPLOG_FAULT");
    size_t n = strlen(name);
    if (!armed || strncmp(armed, name, n) != 0 || (armed[n] != ':' && armed[n] != 0))
        return;
    long wanted = armed[n] == ':' ? strtol(armed + n + 1, NULL, 10) : 1;
    if (++passed == wanted) {
#ifdef MPL_COVERAGE
        mpl_coverage_dump();
#endif
        kill(getpid(), SIGKILL);
    }
}

#ifdef MPL_COVERAGE
/* What this process has counted goes to its files. For ends that pass by exit's handlers, which would do it. */
__attribute__((visibility("default"))) void mpl_coverage_dump(void)
{
    extern void __gcov_dump(void), __gcov_reset(void);
    __gcov_dump();
    __gcov_reset();
}
#endif

int mpl_fail_point(const char *name)
{
    const char *armed = getenv("MPLOG_FAULT");
    const size_t n = strlen(name);
    return armed && strncmp(armed, name, n) == 0 && armed[n] == ':' ? (int)strtol(armed + n + 1, NULL, 10) : 0;
}

static char *seed, *seed_log;
static bool seed_used;

/* Read once: the bug is there from the program's start, or not at all. Tests clear the environment. */
__attribute__((constructor)) static void read_seed(void)
{
    const char *bug = getenv("SEEDED_BUG"), *log = getenv("SEEDED_LOG");
    seed = bug && log ? strdup(bug) : NULL;
    seed_log = seed ? strdup(log) : NULL;
}

bool mpl_seeded(const char *bug, bool once)
{
    if (!seed || (once && seed_used) || strcmp(seed, bug) != 0)
        return false;
    int fd = open(seed_log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, ".", 1) != 1)
        abort();
    close(fd);
    return seed_used = true;
}
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#ifdef MPL_FAULTS
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
    if (++passed == wanted)
        kill(getpid(), SIGKILL);
}
#endif

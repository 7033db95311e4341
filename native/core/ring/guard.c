/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that others can truncate: a SIGBUS inside a guarded body comes back as an error instead of ending the writer. */
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>

#include "mpl.h"

static sigjmp_buf back;
static volatile sig_atomic_t armed;
static void *volatile fault_at;

static void on_bus(int sig, siginfo_t *info, void *unused)
{
    (void)unused;
    if (armed) {
        fault_at = info->si_addr;
        siglongjmp(back, 1);
    }
    signal(sig, SIG_DFL); /* not ours: die as anybody would */
    raise(sig);
}

int mpl_guarded(int (*body)(void *), void *arg)
{
    struct sigaction action = {.sa_sigaction = on_bus, .sa_flags = SA_NODEFER | SA_SIGINFO}, before;
    fault_at = NULL;
    sigaction(SIGBUS, &action, &before);
    int rc;
    if (sigsetjmp(back, 1) == 0) {
        armed = 1;
        rc = body(arg);
    } else {
        rc = MPL_E_CORRUPT;
    }
    armed = 0;
    sigaction(SIGBUS, &before, NULL);
    return rc;
}

const void *mpl_fault_at(void) { return fault_at; }

/* SPDX-License-Identifier: Apache-2.0
 *
 * A child under ptrace: it stops at trace_marker(), then runs by single instructions or by system calls. */
#ifndef TRACE_H
#define TRACE_H

#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "check.h"

static pid_t trace_self;

/* In the child: the parent traces from here. */
static inline void trace_marker(void)
{
    trace_self = getpid();
    CHECK_EQ(ptrace(PTRACE_TRACEME, 0, NULL, NULL), 0);
    syscall(SYS_kill, trace_self, SIGSTOP); /* raise() would be a hundred instructions more to step through */
}

/* In the child: the traced part is over. */
static inline void trace_end(void)
{
    syscall(SYS_kill, trace_self, SIGSTOP);
}

static inline void trace_start(pid_t pid)
{
    int status;
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    CHECK_EQ(ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD), 0);
}

/* One step: PTRACE_SINGLESTEP or PTRACE_SYSCALL. False when the child has come to its end mark. */
static inline bool trace_step(pid_t pid, enum __ptrace_request how)
{
    int status;
    CHECK_EQ(ptrace(how, pid, NULL, NULL), 0);
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    if (!WIFSTOPPED(status)) {
        fprintf(stderr, "status %#x\n", status);
        CHECK(!"the traced child stops");
    }
    int sig = WSTOPSIG(status);
    CHECK(sig == SIGSTOP || sig == SIGTRAP || sig == (SIGTRAP | 0x80));
    return sig != SIGSTOP;
}

static inline void trace_kill(pid_t pid)
{
    kill(pid, SIGKILL);
    CHECK_EQ(reap(pid), 1000 + SIGKILL);
}

static inline void trace_go_on(pid_t pid)
{
    CHECK_EQ(ptrace(PTRACE_DETACH, pid, NULL, NULL), 0);
}

#endif

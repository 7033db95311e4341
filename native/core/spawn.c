/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting the writer from inside somebody else's program. Two clones with CLONE_VM and without an exit signal: the first child makes a
 * session of its own and starts the second, which execs; then the first ends and the second belongs to init. The exit signal 0 keeps the
 * first one from every waitpid(-1) that lacks __WALL, and from SIGCHLD handlers. As with vfork, the children run on the parent's memory while the calling
 * thread stands still: they make system calls and store errors, nothing else. All signals are blocked meanwhile.
 *
 * Not CLONE_VFORK, which puts the caller to sleep: at its exec the kernel moves the program to the core that is idle then, the caller's own, and the
 * caller waits there for the end of the program's first slice, 3 ms on a machine with nothing else to do. It yields instead, and keeps its core; the
 * kernel clears a word of ours when a child has left this memory, by its exec or its end, however that came. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mpl.h"

#define STACK_BYTES (64u << 10)
#define FIRST_LENT 4 /* mplog/launch.py says so in the environment */
#define UNLISTED 65536 /* where nothing says which descriptors there are, those above stay */
#define YIELD_NS 2000000u /* after that the machine has other work, and the caller sleeps */
#define HERE (CLONE_VM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

struct job {
    const struct mpl_spawn *spawn;
    char *stack;
    volatile int error;
    mpl_a32 first, second; /* the children's ids while they are on this memory; 0 before and after */
};

/* Before Linux 5.9, and in some sandboxes, no call closes them all: then one by one, as /proc lists them. */
static void close_all(unsigned first, unsigned last)
{
    if (!syscall(SYS_close_range, first, last, 0u))
        return;
    const int list = open("/proc/self/fd", O_RDONLY | O_DIRECTORY);
    if (list < 0)
        for (unsigned fd = first; fd <= last && fd < UNLISTED; fd++)
            close((int)fd);
    _Alignas(struct dirent64) char bytes[2048];
    for (long n, at; (n = list < 0 ? 0 : syscall(SYS_getdents64, list, bytes, sizeof bytes)) > 0;)
        for (at = 0; at < n; at += ((const struct dirent64 *)(bytes + at))->d_reclen) {
            const char *name = ((const struct dirent64 *)(bytes + at))->d_name;
            const unsigned fd = isdigit((unsigned char)*name) ? (unsigned)strtoul(name, NULL, 10) : ~0u;
            if (fd >= first && fd <= last && fd != (unsigned)list && fd != ~0u)
                close((int)fd);
        }
    close(list);
}

static int fail(struct job *job)
{
    job->error = errno;
    close_all(3, ~0u); /* the parent goes on before exit has closed them, and with them the lock */
    _exit(127);
}

/* Above the range that is about to be overwritten; a limit that ends below it is one of descriptors, whatever fcntl says. */
static int high(int fd)
{
    int got = fd < 0 ? -1 : fcntl(fd, F_DUPFD, 16);
    if (fd >= 0 && got < 0 && errno == EINVAL)
        errno = EMFILE;
    return got;
}

static int exec_child(void *arg)
{
    struct job *job = arg;
    sigset_t none;
    struct sigaction standard = {.sa_handler = SIG_DFL};
    for (int sig = 1; sig < NSIG; sig++)
        sigaction(sig, &standard, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int keep = high(job->spawn->keep_fd);
    int null = open("/dev/null", O_RDWR);
    int err = open(job->spawn->stderr_path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW, 0600);
    int lent[2] = {-1, -1};
    for (int i = 0; i < 2; i++)
        lent[i] = high(job->spawn->lent_fds[i]);
    int in_high = high(job->spawn->stdin_fd), err_high = high(err), null_high = high(null); /* the one whose error is told */
    in_high = in_high < 0 ? null_high : in_high;
    err_high = err_high < 0 ? null_high : err_high;
    if (null_high < 0 || dup2(in_high, 0) < 0 || dup2(null_high, 1) < 0 || dup2(err_high, 2) < 0)
        fail(job);
    if (keep >= 0 && dup2(keep, 3) < 0)
        fail(job);
    close_all(keep >= 0 ? 4 : 3, 15); /* what is placed below was copied to above that */
    for (int i = 0; i < 2; i++)
        if (lent[i] >= 0 && dup2(lent[i], FIRST_LENT + i) < 0)
            fail(job);
    close_all(FIRST_LENT + 2, ~0u);
    umask(0); /* the configured modes are final ones */
    if (chdir("/"))
        fail(job);
    execve(job->spawn->argv[0], job->spawn->argv, job->spawn->envp);
    return fail(job);
}

static int session_child(void *arg)
{
    struct job *job = arg;
    setsid();
    if (clone(exec_child, job->stack + STACK_BYTES, HERE, job, &job->second, NULL, &job->second) < 0)
        fail(job);
    _exit(0);
}

static void stand_still_while(mpl_a32 *child)
{
    uint64_t began = mpl_now(CLOCK_MONOTONIC);
    for (uint32_t id; (id = mpl_load_acquire(child)) != 0;) {
        if (mpl_now(CLOCK_MONOTONIC) - began < YIELD_NS)
            sched_yield();
        else
            syscall(SYS_futex, child, FUTEX_WAIT, id, NULL, NULL, 0);
    }
}

int mpl_spawn(const struct mpl_spawn *spawn)
{
    char *stacks = mmap(NULL, 2 * STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stacks == MAP_FAILED)
        return -errno;
    struct job job = {.spawn = spawn, .stack = stacks};
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int pid = clone(session_child, stacks + 2 * STACK_BYTES, HERE, &job, &job.first, NULL, &job.first), rc = pid < 0 ? -errno : 0;
    stand_still_while(&job.first);
    stand_still_while(&job.second);
    while (pid > 0 && waitpid(pid, NULL, __WALL) < 0 && errno == EINTR) {
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    munmap(stacks, 2 * STACK_BYTES);
    return rc ? rc : -job.error;
}

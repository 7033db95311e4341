/* SPDX-License-Identifier: Apache-2.0
 *
 * One program, one fact. A program includes this file once and defines
 *
 *     static int test(const char *dir)    0 passed, SKIP with a line on stderr; a CHECK that fails ends it
 *
 * `dir` is a fresh directory in /dev/shm. The body runs in a child of its own process group; whatever happens to it, main()
 * ends what is left of that group and removes the directory. */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mpl.h"

#ifdef MPL_COVERAGE /* a child that ends past exit's handlers leaves its counts first */
void mpl_coverage_dump(void);
static inline _Noreturn void counted_exit(int code) /* a function: what gives the code runs before the counts are left */
{
    mpl_coverage_dump();
    _exit(code);
}
#define _exit(code) counted_exit(code)
#endif

#define SKIP 77
#define SERVICE "svc"

static int test(const char *dir);
static int check_argc;
static char **check_argv;
static volatile sig_atomic_t check_child;

static inline _Noreturn void check_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s (pid %d, errno %d)\n", file, line, what, (int)getpid(), errno);
    fflush(NULL);
    _exit(1);
}

#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))
#define CHECK_EQ(a, b) check_equal((long long)(a), (long long)(b), __FILE__, __LINE__, #a " == " #b)

static inline void check_equal(long long a, long long b, const char *file, int line, const char *what)
{
    if (a == b)
        return;
    fprintf(stderr, "%lld against %lld: ", a, b);
    check_failed(file, line, what);
}

/* Runs body(arg) in a child; its exit code is what it returns. */
static inline pid_t spawn(int (*body)(void *), void *arg)
{
    fflush(NULL);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(body(arg));
    }
    return pid;
}

/* The exit code, or 1000 + the signal. */
static inline int reap(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        CHECK(errno == EINTR);
    return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Memory that children share with their parent: the oracle outside of what is tested. */
static inline void *shared_memory(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    return p;
}

static inline void pause_ns(uint64_t ns)
{
    struct timespec t = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
    nanosleep(&t, NULL);
}

static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

static inline void remove_tree(const char *dir)
{
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void check_stopped(int sig)
{
    (void)sig;
    if (check_child)
        kill(-check_child, SIGKILL);
}

int main(int argc, char **argv)
{
    check_argc = argc;
    check_argv = argv;
    char dir[] = "/dev/shm/mplog-test-XXXXXX";
    if (!mkdtemp(dir)) {
        perror(dir);
        return 1;
    }
    signal(SIGTERM, check_stopped);
    signal(SIGINT, check_stopped);
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGTERM, SIG_DFL);
        signal(SIGINT, SIG_DFL);
        unsetenv("MPLOG_FAULT");
        exit(test(dir));
    }
    setpgid(pid, pid);
    check_child = pid;
    int code = pid < 0 ? 1 : reap(pid);
    kill(-pid, SIGKILL);
    remove_tree(dir);
    return code >= 1000 ? 1 : code;
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * System calls and allocations of the core that fail, or before which something happens. The linker puts these in the place of the C library's, in programs
 * that include this file (native/Makefile), so that sanitizers still see the real ones.
 *
 *     fail_nth(n, EIO);        of the calls to come the n-th fails with EIO; FAIL_NOTHING: it moves no bytes, and says so
 *     before_nth(n, meddle);   before the n-th call meddle() runs: what another process does in between
 *     fail_from(n, EEXIST);    the n-th and all after it fail
 *     fail_never();            how many have struck since
 *
 * Only calls of `fail_kinds` count (all of them, unless a test says otherwise), and only those of the core on its own account: meddle()'s do not. */
#ifndef FAILS_H
#define FAILS_H

#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/vfs.h>

#include "check.h"

enum fail_kind { F_OPEN = 1, F_FSTAT = 2, F_STAT = 4, F_PREAD = 8, F_PWRITE = 16, F_MMAP = 32, F_MADVISE = 64, F_FALLOCATE = 128, F_UNLINK = 256, F_LINK = 512,
    F_ALLOCATE = 1024, F_FCNTL = 2048, F_ACCESS = 4096, F_THREAD = 8192, F_AFFINITY = 16384, F_PWRITEV = 1 << 15,
    F_FTRUNCATE = 1 << 16, F_STATVFS = 1 << 17, F_SYNC = 1 << 18, F_SIGNAL = 1 << 19, F_STATFS = 1 << 20, F_READ = 1 << 21, F_RANDOM = 1 << 22, F_SPAWN = 1 << 23,
    F_ANY = ((1 << 24) - 1) & ~F_RANDOM /* asked until it answers */ };
#define FAIL_NOTHING 0

static unsigned fail_kinds = F_ANY;
static struct fail_rule {
    long nth, seen, struck;
    bool on;
    int error;
    void (*before)(void);
} failing;

__attribute__((unused)) static void fail_nth(long n, int error) { failing = (struct fail_rule){.nth = n, .error = error}; }
__attribute__((unused)) static void fail_from(long n, int error) { failing = (struct fail_rule){.nth = n, .error = error, .on = true}; }
__attribute__((unused)) static void before_nth(long n, void (*meddle)(void)) { failing = (struct fail_rule){.nth = n, .before = meddle}; }

__attribute__((unused)) static long fail_never(void)
{
    const long struck = failing.struck;
    failing = (struct fail_rule){0};
    return struck;
}

/* Whether this call is the one: errno is set then. */
static bool strikes(enum fail_kind kind)
{
    if (!failing.nth || !(fail_kinds & kind))
        return false;
    const long n = ++failing.seen;
    if (n < failing.nth || (n > failing.nth && !failing.on))
        return false;
    failing.struck++;
    if (failing.before) {
        const struct fail_rule rule = failing;
        failing = (struct fail_rule){0};
        rule.before();
        failing = failing.nth ? failing : rule; /* it may have told what fails next */
        return false;
    }
    errno = failing.error;
    return true;
}

#define WRAPPED(type, failed, name, kind, parameters, arguments)                                                                                             \
    type __real_##name parameters;                                                                                                                           \
    type __wrap_##name parameters;                                                                                                                           \
    type __wrap_##name parameters { return strikes(kind) ? (failed) : __real_##name arguments; }

#define MOVED (errno ? -1 : 0) /* FAIL_NOTHING */
WRAPPED(ssize_t, MOVED, pread, F_PREAD, (int fd, void *bytes, size_t n, off_t at), (fd, bytes, n, at))
WRAPPED(ssize_t, MOVED, pwrite, F_PWRITE, (int fd, const void *bytes, size_t n, off_t at), (fd, bytes, n, at))
WRAPPED(ssize_t, MOVED, pwritev, F_PWRITEV, (int fd, const struct iovec *parts, int n, off_t at), (fd, parts, n, at))
WRAPPED(ssize_t, MOVED, read, F_READ, (int fd, void *bytes, size_t n), (fd, bytes, n))
WRAPPED(ssize_t, MOVED, getrandom, F_RANDOM, (void *bytes, size_t n, unsigned flags), (bytes, n, flags))
WRAPPED(int, -1, ftruncate, F_FTRUNCATE, (int fd, off_t n), (fd, n))
WRAPPED(int, -1, fdatasync, F_SYNC, (int fd), (fd))
WRAPPED(int, -1, fstatvfs, F_STATVFS, (int fd, struct statvfs *out), (fd, out))
WRAPPED(int, -1, fstatfs, F_STATFS, (int fd, struct statfs *out), (fd, out))
WRAPPED(int, -1, sigaction, F_SIGNAL, (int number, const struct sigaction *to, struct sigaction *was), (number, to, was))
WRAPPED(int, -1, sigaltstack, F_SIGNAL, (const stack_t *to, stack_t *was), (to, was))
WRAPPED(int, -1, dup2, F_SPAWN, (int from, int to), (from, to))
WRAPPED(pid_t, -1, waitpid, F_SPAWN, (pid_t pid, int *status, int how), (pid, status, how))
WRAPPED(int, -1, chdir, F_SPAWN, (const char *path), (path))
WRAPPED(int, -1, fstat, F_FSTAT, (int fd, struct stat *out), (fd, out))
WRAPPED(int, -1, stat, F_STAT, (const char *path, struct stat *out), (path, out))
WRAPPED(int, -1, lstat, F_STAT, (const char *path, struct stat *out), (path, out))
WRAPPED(void *, MAP_FAILED, mmap, F_MMAP, (void *to, size_t n, int how, int flags, int fd, off_t at), (to, n, how, flags, fd, at))
WRAPPED(int, -1, madvise, F_MADVISE, (void *at, size_t n, int what), (at, n, what))
WRAPPED(int, -1, fallocate, F_FALLOCATE, (int fd, int mode, off_t at, off_t n), (fd, mode, at, n))
WRAPPED(int, -1, unlink, F_UNLINK, (const char *path), (path))
WRAPPED(int, -1, link, F_LINK, (const char *from, const char *to), (from, to))
WRAPPED(int, -1, linkat, F_LINK, (int from_dir, const char *from, int to_dir, const char *to, int flags), (from_dir, from, to_dir, to, flags))
WRAPPED(int, -1, access, F_ACCESS, (const char *path, int how), (path, how))
WRAPPED(void *, NULL, malloc, F_ALLOCATE, (size_t n), (n))
WRAPPED(void *, NULL, calloc, F_ALLOCATE, (size_t n, size_t each), (n, each))
WRAPPED(void *, NULL, realloc, F_ALLOCATE, (void *at, size_t n), (at, n))
WRAPPED(int, EAGAIN, pthread_create, F_THREAD, (pthread_t *out, const pthread_attr_t *how, void *(*body)(void *), void *arg), (out, how, body, arg))
WRAPPED(int, -1, sched_getaffinity, F_AFFINITY, (pid_t pid, size_t n, cpu_set_t *out), (pid, n, out))

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return strikes(F_OPEN) ? -1 : __real_open(path, flags, mode);
}

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...) /* the core's are all about locks */
{
    va_list more;
    va_start(more, command);
    void *lock = va_arg(more, void *);
    va_end(more);
    return strikes(F_FCNTL) ? -1 : __real_fcntl(fd, command, lock);
}

int __real_clone(int (*body)(void *), void *stack, int flags, void *arg, ...);
int __wrap_clone(int (*body)(void *), void *stack, int flags, void *arg, ...);
int __wrap_clone(int (*body)(void *), void *stack, int flags, void *arg, ...)
{
    va_list more;
    va_start(more, arg);
    pid_t *const parent = va_arg(more, pid_t *);
    void *const tls = va_arg(more, void *);
    pid_t *const child = va_arg(more, pid_t *);
    va_end(more);
    return strikes(F_SPAWN) ? -1 : __real_clone(body, stack, flags, arg, parent, tls, child);
}

/* ---- what a failed call must not leave behind ---------------------------------------------------------------------------- */
/* Descriptors that are open, and mappings of files below `dir`, named there or gone. */
__attribute__((unused)) static int things_held(const char *dir)
{
    int held = 0;
    char line[1024];
    for (int fd = 0; fd < 256; fd++)
        held += __real_fcntl(fd, F_GETFD) >= 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    CHECK(maps != NULL);
    while (fgets(line, sizeof line, maps))
        held += strstr(line, dir) != NULL;
    fclose(maps);
    return held;
}

#endif

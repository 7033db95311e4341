/* SPDX-License-Identifier: Apache-2.0
 *
 * libmpfault.so, for LD_PRELOAD in tests: the n-th call of a kind on a path below given directories fails, takes a part, or ends the process.
 *
 * The rule is a file of one page that MPFAULT_CONTROL names; whoever maps it may change the rule at any time (tests/faults/mpfault.py). A process obeys
 * it while `armed`, and while `pid` is its own or 0. Calls are counted while they are matched, and again when the rule has struck, so that a test sees
 * that its fault was there. What is not matched goes to the kernel as it is; directories themselves are read without being matched. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { OPEN, WRITE, PWRITE, READ, PREAD, RENAME, LINK, UNLINK, FSYNC, FDATASYNC, FALLOCATE, FTRUNCATE, MMAP, STATVFS, STAT, KINDS };
enum action { FAIL, SHORT, KILL, TEAR }; /* TEAR: the first is SHORT, those after it FAIL */

struct control { /* the same in mpfault.py */
    uint32_t armed, pid, action, error;
    uint64_t kinds, nth, times, matched, struck;
    uint64_t by_kind[16];
    uint32_t first_kind, reserved;
    char directories[4][512];
    uint64_t inode; /* not 0: calls on open files concern this one alone, wherever it is moved to */
};

static struct control *control;

__attribute__((constructor)) static void start(void)
{
    const char *path = getenv("MPFAULT_CONTROL");
    long fd = path ? syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    long page = syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    control = page < 0 && page > -4096 ? NULL : (struct control *)page;
}

static int below(const char *path)
{
    char held[PATH_MAX];
    if (strncmp(path, "/proc/self/fd/", 14) == 0) { /* by its directory's descriptor */
        snprintf(held, sizeof held, "%.32s", path);
        char *end = strchr(held + 14, '/');
        if (end)
            *end = 0;
        long n = syscall(SYS_readlinkat, AT_FDCWD, held, held, sizeof held - 1);
        if (n <= 0)
            return 0;
        held[n] = 0;
        path = held;
    }
    for (int i = 0; i < 4 && control->directories[i][0]; i++) {
        const size_t n = strlen(control->directories[i]);
        if (strncmp(path, control->directories[i], n) == 0 && (path[n] == '/' || path[n] == 0))
            return 1;
    }
    return 0;
}

static uint64_t inode_of(int fd)
{
    struct stat st;
    return syscall(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH) ? 0 : (uint64_t)st.st_ino;
}

static int fd_below(int fd)
{
    char self[48], path[PATH_MAX];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    long n = syscall(SYS_readlinkat, AT_FDCWD, self, path, sizeof path - 1);
    if (n <= 0)
        return 0;
    path[n] = 0;
    return below(path) && (!control->inode || inode_of(fd) == control->inode);
}

static int at_below(int dirfd, const char *path)
{
    return path[0] == '/' || dirfd == AT_FDCWD ? below(path) : fd_below(dirfd);
}

static int concerned(enum kind kind)
{
    return control && __atomic_load_n(&control->armed, __ATOMIC_ACQUIRE) && control->kinds >> kind & 1 &&
        (!control->pid || control->pid == (uint32_t)syscall(SYS_getpid));
}

/* Counts a call that is matched. 1: the rule strikes, and errno says with what. */
static int strikes(enum kind kind)
{
    __atomic_add_fetch(&control->by_kind[kind], 1, __ATOMIC_RELAXED);
    const uint64_t now = __atomic_add_fetch(&control->matched, 1, __ATOMIC_RELAXED);
    if (now < control->nth || (control->times && now >= control->nth + control->times))
        return 0;
    if (now == control->nth)
        control->first_kind = kind;
    __atomic_add_fetch(&control->struck, 1, __ATOMIC_RELEASE);
    if (control->action == KILL)
        syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    errno = (int)control->error;
    return control->action == FAIL || (control->action == TEAR && now > control->nth);
}

#define STRIKES_PATH(kind, dirfd, path) (concerned(kind) && at_below(dirfd, path) && strikes(kind))
#define STRIKES_FD(kind, fd) (concerned(kind) && fd_below(fd) && strikes(kind))

/* How many bytes a call may take: a part, where it is one that is to be short. */
static size_t part(enum kind kind, int fd, size_t n, int *failed)
{
    *failed = 0;
    if (!concerned(kind) || !fd_below(fd))
        return n;
    const uint64_t struck = control->struck;
    *failed = strikes(kind);
    const int is_short = control->action == SHORT || (control->action == TEAR && !*failed);
    return is_short && control->struck != struck && n > 1 ? n / 2 : n;
}

static mode_t mode_of(int flags, va_list more) { return flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; }

#define OPEN_AS(name)                                                                                                                                \
    int name(const char *path, int flags, ...)                                                                                                       \
    {                                                                                                                                                \
        va_list more;                                                                                                                                \
        va_start(more, flags);                                                                                                                       \
        const mode_t mode = mode_of(flags, more);                                                                                                    \
        va_end(more);                                                                                                                                \
        return STRIKES_PATH(OPEN, AT_FDCWD, path) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);                                      \
    }
#define OPENAT_AS(name)                                                                                                                              \
    int name(int dirfd, const char *path, int flags, ...)                                                                                            \
    {                                                                                                                                                \
        va_list more;                                                                                                                                \
        va_start(more, flags);                                                                                                                       \
        const mode_t mode = mode_of(flags, more);                                                                                                    \
        va_end(more);                                                                                                                                \
        return STRIKES_PATH(OPEN, dirfd, path) ? -1 : (int)syscall(SYS_openat, dirfd, path, flags, mode);                                            \
    }
OPEN_AS(open) OPEN_AS(open64) OPENAT_AS(openat) OPENAT_AS(openat64)

#define MOVES(name, kind, number, type, buffer)                                                                                                      \
    ssize_t name(int fd, buffer bytes, size_t n)                                                                                                     \
    {                                                                                                                                                \
        int failed;                                                                                                                                  \
        n = part(kind, fd, n, &failed);                                                                                                              \
        return failed ? -1 : (ssize_t)syscall(number, fd, bytes, n);                                                                                 \
    }
#define MOVES_AT(name, kind, number, buffer)                                                                                                         \
    ssize_t name(int fd, buffer bytes, size_t n, off_t at)                                                                                           \
    {                                                                                                                                                \
        int failed;                                                                                                                                  \
        n = part(kind, fd, n, &failed);                                                                                                              \
        return failed ? -1 : (ssize_t)syscall(number, fd, bytes, n, at);                                                                             \
    }
MOVES(write, WRITE, SYS_write, int, const void *) MOVES(read, READ, SYS_read, int, void *)
MOVES_AT(pwrite, PWRITE, SYS_pwrite64, const void *) MOVES_AT(pwrite64, PWRITE, SYS_pwrite64, const void *)
MOVES_AT(pread, PREAD, SYS_pread64, void *) MOVES_AT(pread64, PREAD, SYS_pread64, void *)

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    return STRIKES_PATH(RENAME, from_dir, from) ? -1 : (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}
int renameat(int from_dir, const char *from, int to_dir, const char *to) { return renameat2(from_dir, from, to_dir, to, 0); }
int rename(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }
int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    return STRIKES_PATH(LINK, to_dir, to) ? -1 : (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }
int unlinkat(int dir, const char *path, int flags)
{
    return STRIKES_PATH(UNLINK, dir, path) ? -1 : (int)syscall(SYS_unlinkat, dir, path, flags);
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int fsync(int fd) { return STRIKES_FD(FSYNC, fd) ? -1 : (int)syscall(SYS_fsync, fd); }
int fdatasync(int fd) { return STRIKES_FD(FDATASYNC, fd) ? -1 : (int)syscall(SYS_fdatasync, fd); }

#define FALLOCATE_AS(name)                                                                                                                           \
    int name(int fd, int mode, off_t at, off_t n) { return STRIKES_FD(FALLOCATE, fd) ? -1 : (int)syscall(SYS_fallocate, fd, mode, at, n); }
FALLOCATE_AS(fallocate) FALLOCATE_AS(fallocate64)
#define FTRUNCATE_AS(name)                                                                                                                           \
    int name(int fd, off_t n) { return STRIKES_FD(FTRUNCATE, fd) ? -1 : (int)syscall(SYS_ftruncate, fd, n); }
FTRUNCATE_AS(ftruncate) FTRUNCATE_AS(ftruncate64)
#define MMAP_AS(name)                                                                                                                                \
    void *name(void *to, size_t n, int how, int flags, int fd, off_t at)                                                                             \
    {                                                                                                                                                \
        return fd >= 0 && STRIKES_FD(MMAP, fd) ? MAP_FAILED : (void *)syscall(SYS_mmap, to, n, how, flags, fd, at);                                  \
    }
MMAP_AS(mmap) MMAP_AS(mmap64)

#define FSTAT_AS(name, type)                                                                                                                               \
    int name(int fd, struct type *out) { return STRIKES_FD(STAT, fd) ? -1 : (int)syscall(SYS_fstat, fd, out); }
FSTAT_AS(fstat, stat) FSTAT_AS(fstat64, stat64)
#define STAT_AS(name, type, flags)                                                                                                                         \
    int name(const char *path, struct type *out)                                                                                                     \
    {                                                                                                                                                \
        return STRIKES_PATH(STAT, AT_FDCWD, path) ? -1 : (int)syscall(SYS_newfstatat, AT_FDCWD, path, out, flags);                                   \
    }
STAT_AS(stat, stat, 0) STAT_AS(stat64, stat64, 0) STAT_AS(lstat, stat, AT_SYMLINK_NOFOLLOW) STAT_AS(lstat64, stat64, AT_SYMLINK_NOFOLLOW)
#define FSTATAT_AS(name, type)                                                                                                                             \
    int name(int dir, const char *path, struct type *out, int flags)                                                                                 \
    {                                                                                                                                                \
        return STRIKES_PATH(STAT, dir, path) ? -1 : (int)syscall(SYS_newfstatat, dir, path, out, flags);                                             \
    }
FSTATAT_AS(fstatat, stat) FSTATAT_AS(fstatat64, stat64)

/* The library makes its answer of the kernel's; so the library is asked. */
#define STATVFS_AS(name, type)                                                                                                                       \
    int name(const char *path, struct type *out)                                                                                                     \
    {                                                                                                                                                \
        int (*next)(const char *, struct type *) = (int (*)(const char *, struct type *))dlsym(RTLD_NEXT, #name);                                   \
        return STRIKES_PATH(STATVFS, AT_FDCWD, path) ? -1 : next(path, out);                                                                         \
    }
STATVFS_AS(statvfs, statvfs) STATVFS_AS(statvfs64, statvfs64)

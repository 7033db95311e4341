/* SPDX-License-Identifier: Apache-2.0
 *
 * What is started has the descriptors that it was lent and no others, stands at the root and masks nothing; where a call on the way to it fails, its starter
 * is told which way, nothing runs, and neither a descriptor nor the lock is left behind. Also where the kernel has no call that closes many descriptors. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "fails.h"

#define LENT 2
#define INHERITABLE 90
#define REPORT                                                                                                                                               \
    "{ for n in 0 1 2 3 4 5 6 7 8 9 16 17 18 19 20 90; do [ -e /proc/$$/fd/$n ] && printf %s $n; done; echo; pwd; umask; read line; echo \"<$line>\"; } >\"$1\"; echo said >&2"

static struct fail_rule next; /* what fails on the way to the next program */
static char report[MPL_PATH], said[MPL_PATH], locked[MPL_PATH], input[MPL_PATH];
static char *argv[] = {"/bin/sh", "-c", REPORT, "sh", report, NULL}, *envp[] = {"PATH=/bin:/usr/bin", NULL};

static int opened(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    return fd;
}

static void written(const char *path, const char *text)
{
    int fd = opened(path, O_WRONLY | O_CREAT | O_TRUNC);
    CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static bool says(const char *path, const char *text)
{
    char got[256] = "";
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    got[fread(got, 1, sizeof got - 1, f)] = 0;
    fclose(f);
    if (strcmp(got, text) != 0)
        fprintf(stderr, "%s: %s", path, got);
    return strcmp(got, text) == 0;
}

/* What was started, and what was on the way to it, ends before this does: both are handed to this process. */
static void all_over(void)
{
    while (waitpid(-1, NULL, __WALL) > 0 || errno == EINTR) {
    }
    CHECK_EQ(errno, ECHILD);
}

/* With the lock, an input and two more descriptors; returns what the starter is told. */
static int start(bool *ran)
{
    int keep = opened(locked, O_RDWR | O_CREAT), in = opened(input, O_RDONLY), lent[LENT] = {opened("/dev/null", O_RDONLY), opened("/dev/zero", O_RDONLY)};
    CHECK_EQ(mpl_lock(keep, MPL_LOCK_WRITER, 1), 0);
    CHECK_EQ(dup2(in, INHERITABLE), INHERITABLE);
    unlink(report);
    unlink(said);
    failing = next;
    const int rc = mpl_spawn(&(struct mpl_spawn){.argv = argv, .envp = envp, .stderr_path = said, .keep_fd = keep, .stdin_fd = in, .lent_fds = {lent[0], lent[1]}});
    const long struck = fail_never();
    close(INHERITABLE);
    close(keep);
    if (rc) { /* at once: nobody else has it */
        keep = opened(locked, O_RDWR);
        CHECK_EQ(mpl_lock(keep, MPL_LOCK_WRITER, 1), 0);
        close(keep);
    }
    close(in);
    close(lent[0]);
    close(lent[1]);
    all_over();
    *ran = access(report, F_OK) == 0;
    if (*ran)
        CHECK(says(report, "012345\n/\n0000\n<hello>\n"));
    CHECK_EQ(*ran, rc == 0);
    return struck ? rc : 1;
}

/* The n-th call of these kinds, for every n; `harmless`: those that the program does without, one bit each. */
static void each_fails(unsigned kinds, int error, unsigned harmless, long at_least)
{
    long n = 1;
    for (bool ran;; n++) {
        fail_kinds = kinds;
        next = (struct fail_rule){.nth = n, .error = error};
        const int rc = start(&ran);
        if (rc > 0)
            break;
        CHECK_EQ(rc, harmless >> n & 1 ? 0 : -error);
    }
    CHECK(n > at_least);
}

static void no_descriptors_left(void)
{
    bool ran;
    for (long n = 1; n <= 6; n++) {
        fail_kinds = F_FCNTL;
        next = (struct fail_rule){.nth = n, .error = n % 2 ? EINVAL : EMFILE, .on = true};
        CHECK_EQ(start(&ran), -EMFILE);
    }
}

static void nothing_lent(void)
{
    unlink(report);
    CHECK_EQ(mpl_spawn(&(struct mpl_spawn){.argv = argv, .envp = envp, .stderr_path = said, .keep_fd = -1, .stdin_fd = -1, .lent_fds = {-1, -1}}), 0);
    all_over();
    CHECK(says(report, "012\n/\n0000\n<>\n"));
    CHECK(says(said, "said\n"));
}

static void no_program(void)
{
    char *const missing[] = {"/nowhere/at/all", NULL};
    CHECK_EQ(mpl_spawn(&(struct mpl_spawn){.argv = missing, .envp = envp, .stderr_path = said, .keep_fd = -1, .stdin_fd = -1, .lent_fds = {-1, -1}}), -ENOENT);
    all_over();
}

/* From now on, for good. */
static void the_kernel_has_no(unsigned call)
{
    struct sock_filter words[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog filter = {.len = sizeof words / sizeof *words, .filter = words};
    CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    CHECK_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
    CHECK(syscall(call, ~0u, ~0u, 0u) < 0 && errno == ENOSYS);
}

static int test(const char *dir)
{
    bool ran;
    CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    snprintf(report, sizeof report, "%s/report", dir);
    snprintf(said, sizeof said, "%s/said", dir);
    snprintf(locked, sizeof locked, "%s/locked", dir);
    snprintf(input, sizeof input, "%s/input", dir);
    written(input, "hello\n");
    const int held = things_held(dir);
    CHECK_EQ(start(&ran), 1);
    CHECK(ran && says(said, "said\n"));
    each_fails(F_SPAWN, EIO, 1u << 10, 9); /* two clones, six descriptors, the root; the wait for the first child only tidies up */
    each_fails(F_SPAWN, EINTR, 1u << 10, 9);
    each_fails(F_OPEN, ENFILE, 1u << 2, 1); /* a program without a file for its last words runs all the same */
    each_fails(F_MMAP, ENOMEM, 0, 1);
    no_descriptors_left();
    nothing_lent();
    no_program();
    the_kernel_has_no(SYS_close_range);
    next = (struct fail_rule){0};
    CHECK_EQ(start(&ran), 1);
    CHECK(ran && says(said, "said\n"));
    each_fails(F_OPEN, ENFILE, 7u << 2, 4); /* nor can it be seen which there are, once or twice */
    each_fails(F_SPAWN, EIO, 1u << 10, 9);
    no_descriptors_left();
    nothing_lent();
    no_program();
    CHECK_EQ(things_held(dir), held);
    return 0;
}

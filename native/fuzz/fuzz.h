/* SPDX-License-Identifier: Apache-2.0
 *
 * What the harnesses share: a directory of their own in /dev/shm, removed at the end, and a service in it. */
#ifndef FUZZ_H
#define FUZZ_H

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
#include <unistd.h>

#include "mpl.h"

#define SERVICE "fuzz"
#define STAGING (64u << 10)
#define REQUIRE(condition) ((condition) ? (void)0 : abort())

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static char fuzz_dir[] = "/dev/shm/mplog-fuzz-XXXXXX";

static inline int fuzz_remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

/* The fuzzer itself runs in a child: it may end in many ways, and the directory goes after all of them. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    int status = 0;
    (void)argc, (void)argv;
    REQUIRE(mkdtemp(fuzz_dir) != NULL);
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0)
        return prctl(PR_SET_PDEATHSIG, SIGKILL);
    waitpid(pid, &status, 0);
    nftw(fuzz_dir, fuzz_remove_one, 8, FTW_DEPTH | FTW_PHYS);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

static inline void fuzz_service(void)
{
    struct mpl_bell *bell;
    bool created;
    REQUIRE(mpl_bell_open(fuzz_dir, SERVICE, "{}", 2, &bell, &created) == 0);
    mpl_bell_close(bell);
    REQUIRE(mpl_segment_create(fuzz_dir, SERVICE, 0) == 0);
}

static inline char *fuzz_map(const char *suffix, size_t bytes)
{
    char path[MPL_PATH];
    REQUIRE(mpl_path(path, fuzz_dir, SERVICE, suffix) == 0);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    REQUIRE(fd >= 0);
    char *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    REQUIRE(base != MAP_FAILED);
    close(fd);
    return base;
}

static inline size_t fuzz_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

#endif

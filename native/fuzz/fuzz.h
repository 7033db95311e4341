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
#include "ring/overflow.h"

#ifdef MPL_COVERAGE /* a child that ends past exit's handlers leaves its counts first */
void mpl_coverage_dump(void);
#define _exit(code) (mpl_coverage_dump(), (_exit)(code))
#endif

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

static inline int fuzz_file(void)
{
    int fd = open(fuzz_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0);
    return fd;
}

/* ---- a writer, for inputs {u8 …, u8 passes, u16 control bytes, control page, …} ------------------------------------------- */
struct fuzz_writer {
    struct mpl_reader r;
    struct mpl_journal j;
    int file;
};

/* What the input has for the control page, put there; how much of the input that was, head included. */
static inline size_t fuzz_control(struct mpl_lane *lane, const uint8_t *bytes, size_t size)
{
    const size_t words = fuzz_min((size_t)(bytes[2] | bytes[3] << 8), fuzz_min(size - 4, sizeof *lane));
    memset(lane, 0, sizeof *lane);
    memcpy(lane, bytes + 4, words);
    return 4 + words;
}

/* Drains, commits, brings onto the disk, ends: whatever is given out lies in the arena. */
static inline void fuzz_pass(struct fuzz_writer *w)
{
    struct mpl_end ends[8];
    int items = mpl_drain(&w->r, 1u << 20);
    REQUIRE(items >= 0);
    uint32_t taken = mpl_accept(&w->r, (uint32_t)items);
    REQUIRE(taken <= (uint32_t)items);
    for (uint32_t i = 0; i < taken; i++)
        REQUIRE((size_t)w->r.items[i].place + w->r.items[i].len <= w->r.arena_bytes && w->r.items[i].slot < MPL_SLOTS);
    w->j.sync = w->r.account.durable != 0;
    REQUIRE(mpl_commit(&w->j, &w->r, 0, w->file, 0) >= 0);
    REQUIRE(mpl_sync(&w->j, &w->r, &w->file, 1) >= 0 && mpl_tell_doubt(&w->r) >= 0);
    int count = mpl_ends(&w->r, true, ends, 8);
    for (int i = 0; i < count; i++)
        mpl_close_session(&w->r, &ends[i]);
    REQUIRE(mpl_commit(&w->j, &w->r, 0, w->file, 0) >= 0);
    mpl_pending(&w->r);
}

/* From the scan to the last pass; the overflow's chunks go. The journal knows nothing of the lanes. */
static inline void fuzz_passes(struct fuzz_writer *w, int passes)
{
    mpl_journal_adopt(&w->j, 0, 0);
    REQUIRE(mpl_reader_open(&w->r, fuzz_dir, SERVICE, true, 1u << 20) == 0);
    REQUIRE(mpl_reader_scan(&w->r, &w->j) == 1);
    for (int pass = 0; pass < passes; pass++)
        fuzz_pass(w);
    mpl_overflow_remove(&w->r);
    mpl_reader_close(&w->r);
}

static inline char *fuzz_writer(struct fuzz_writer *w, size_t bytes)
{
    fuzz_service();
    w->file = fuzz_file();
    REQUIRE(mpl_journal_open(&w->j, fuzz_dir, SERVICE, STAGING) == 0);
    return fuzz_map("0.ring", bytes);
}

#endif

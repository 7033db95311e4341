/* SPDX-License-Identifier: Apache-2.0
 *
 * Which process this is, by a number that no other one has had or will have while the machine runs: the inode of its pidfd. A pid is taken again, and
 * means something else in another pid namespace; this number does neither. Kernels before 6.9 have none: 0. */
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "mpl.h"

#ifndef PID_FS_MAGIC
#define PID_FS_MAGIC 0x50494446
#endif

static uint64_t inode_of(int fd)
{
    struct stat st;
    return fstat(fd, &st) ? 0 : st.st_ino;
}

static bool has_inode(int fd)
{
    struct statfs fs;
    return !fstatfs(fd, &fs) && fs.f_type == PID_FS_MAGIC; /* before 6.9 all pidfds share one */
}

uint64_t mpl_pidfd_ino(int fd) { return has_inode(fd) ? inode_of(fd) : 0; }

uint64_t mpl_process_ino(void)
{
    static mpl_a32 kind; /* 0: not asked yet; 1: without inodes; 2: with. Neither a process nor its children outlive their kernel */
    const int fd = mpl_load(&kind) == 1 ? -1 : (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (fd < 0)
        return 0;
    if (!mpl_load(&kind))
        mpl_store(&kind, has_inode(fd) ? 2 : 1);
    const uint64_t ino = mpl_load(&kind) == 2 ? inode_of(fd) : 0;
    close(fd);
    return ino;
}

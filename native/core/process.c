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

uint64_t mpl_pidfd_ino(int fd)
{
    struct stat st;
    struct statfs fs;
    if (fstatfs(fd, &fs) || fs.f_type != PID_FS_MAGIC || fstat(fd, &st))
        return 0; /* before 6.9 all pidfds share one inode */
    return st.st_ino;
}

uint64_t mpl_process_ino(void)
{
    const int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (fd < 0)
        return 0;
    const uint64_t ino = mpl_pidfd_ino(fd);
    close(fd);
    return ino;
}

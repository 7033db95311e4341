/* SPDX-License-Identifier: Apache-2.0
 *
 * O_TMPFILE gives a file without a name, which the kernel takes back with its maker. Where the file system or a missing /proc does not
 * allow that, the file has a temporary name until it is closed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fresh.h"

int mpl_fresh_open(struct mpl_fresh *f, const char *dir)
{
    f->temporary[0] = 0;
    f->fd = access("/proc/self/fd", X_OK) ? -1 : open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (f->fd >= 0)
        return 0;
    snprintf(f->temporary, sizeof f->temporary, "%s/.new-%016llx", dir, (unsigned long long)mpl_random());
    f->fd = open(f->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return f->fd < 0 ? -errno : 0;
}

int mpl_fresh_link(const struct mpl_fresh *f, const char *path)
{
    char self[32];
    if (f->temporary[0])
        return link(f->temporary, path) ? -errno : 0;
    snprintf(self, sizeof self, "/proc/self/fd/%d", f->fd);
    return linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) ? -errno : 0;
}

void mpl_fresh_close(struct mpl_fresh *f)
{
    if (f->temporary[0])
        unlink(f->temporary);
    close(f->fd);
}

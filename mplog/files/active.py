"""The file that is written now: opened with its final mode, never through a link, known by device
and inode.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import sys
from pathlib import Path

from mplog.ring.folder import DIRECTORY_MODE, Folder

_FLAGS = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_NEW = _FLAGS | os.O_CREAT | os.O_EXCL
_GET_ATTRIBUTES = 0x80086601  # FS_IOC_GETFLAGS of <linux/fs.h>, where a long has 64 bits
_APPEND, _IMMUTABLE = 0x20, 0x10
_RACES = 8  # how often a file may go and come between two tries to open it


class AbsentFile:
    """In place of a file that cannot be opened now: nothing is in it, and nothing gets there."""

    absent = True
    fd, dev, ino = -1, 0, 0

    def __init__(self, path: Path) -> None:
        self.path = path

    def stat(self) -> None:
        """Nobody knows."""

    def size(self) -> int:
        """Nothing."""
        return 0

    def in_place(self) -> bool:
        """It is nowhere."""
        return False

    def end_line(self) -> bool:
        """There is none."""
        return False

    def close(self) -> None:
        """Nothing is open."""


class ActiveFile:
    """An open log file.

    Attributes:
        path: absolute.
        fd: open for reading and writing at offsets; never with O_APPEND, which makes Linux ignore
            them.
        dev, ino: of what is open.
    """

    absent = False

    def __init__(
        self,
        path: Path,
        mode: int,
        like: os.stat_result | None = None,
        folder: Folder | None = None,
    ) -> None:
        """Open *path*, or create it with *mode* and its directory with 0755.

        Args:
            path: absolute.
            mode: of a new file.
            like: whose owner and group a new file gets, as far as this user may; one that somebody
                else has made keeps its own.
            folder: its directory, where that is held already.

        Raises:
            OSError: it cannot be had, or is a link, a directory or a device.
        """
        self.path = path
        if folder is not None:
            self.fd, new = _opened(path, mode, folder.fd)
        else:
            with Folder(path.parent, make=DIRECTORY_MODE) as made:
                self.fd, new = _opened(path, mode, made.fd)
        try:
            found = os.fstat(self.fd)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(f"{path} is not a regular file")
            if new and like is not None:
                own(self.fd, like)
        except OSError:
            os.close(self.fd)
            raise
        self.dev, self.ino = found.st_dev, found.st_ino

    def stat(self) -> os.stat_result:
        """Of the open file, wherever it is now."""
        return os.fstat(self.fd)

    def size(self) -> int:
        """Bytes in the file now."""
        return os.fstat(self.fd).st_size

    def end_line(self) -> bool:
        """Add a newline where the last byte is none; True when it did. Done again after a kill it
        finds nothing to do.
        """
        size = self.size()
        if size == 0 or os.pread(self.fd, 1, size - 1) in (b"\n", b""):
            return False
        os.pwrite(self.fd, b"\n", size)
        return True

    def in_place(self) -> bool:
        """Whether the path still names the file that is open."""
        try:
            found = os.stat(self.path, follow_symlinks=False)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == (self.dev, self.ino)

    def close(self) -> None:
        """Close it; what was written stays."""
        os.close(self.fd)


def _opened(path: Path, mode: int, folder: int) -> tuple[int, bool]:
    """A descriptor, and whether the file is new."""
    for _ in range(_RACES):
        try:
            return os.open(path.name, _FLAGS, dir_fd=folder), False
        except FileNotFoundError:
            pass
        except OSError as error:
            text = _why(error, path)
            if text is None:
                raise
            raise OSError(error.errno, text, str(path)) from None
        try:
            return os.open(path.name, _NEW, mode, dir_fd=folder), True
        except FileExistsError:
            pass
    raise OSError(errno.EBUSY, "it comes and goes", str(path))


def _why(error: OSError, path: Path) -> str | None:
    """What to do about a file that cannot be opened, where more is known than the system says."""
    if error.errno == errno.ELOOP:
        return "it is a symbolic link, and none is written through"
    attributes = _attributes(path) if error.errno == errno.EPERM else 0
    if attributes & _APPEND:
        return "append-only files take no writes at fixed places: `chattr -a` it, or name another"
    if attributes & _IMMUTABLE:
        return "it is immutable: `chattr -i` it, or name another"
    return None


def _attributes(path: Path) -> int:
    """Of the inode, as `lsattr` shows them; 0 where its file system has none."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return 0
    try:
        return int.from_bytes(fcntl.ioctl(fd, _GET_ATTRIBUTES, bytes(8))[:4], sys.byteorder)
    except OSError:
        return 0
    finally:
        os.close(fd)


def own(fd: int, like: os.stat_result) -> bool:
    """Give a new file the owner and the group of another one; False where this user may not."""
    now = os.fstat(fd)
    if (now.st_uid, now.st_gid) == (like.st_uid, like.st_gid):
        return True
    try:
        os.fchown(fd, like.st_uid, like.st_gid)
    except PermissionError:
        return False
    return True

"""The rule of `libmpfault.so`, and the count of what it did: the one page that both sides map."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONTROL = "MPFAULT_CONTROL"
KINDS = (
    "open", "write", "pwrite", "read", "pread", "rename", "link", "unlink", "fsync", "fdatasync",
    "fallocate", "ftruncate", "mmap", "statvfs", "stat",
)  # fmt: skip
FAIL, SHORT, KILL, TEAR = 0, 1, 2, 3
NOBODY = 0xFFFFFFFF
ERRNOS = (
    errno.EIO, errno.ENOSPC, errno.EINTR, errno.EAGAIN, errno.EMFILE, errno.EROFS, errno.EDQUOT,
    errno.ESTALE,
)  # fmt: skip


class _Page(ctypes.Structure):
    _fields_ = [
        ("armed", ctypes.c_uint32),
        ("pid", ctypes.c_uint32),
        ("action", ctypes.c_uint32),
        ("error", ctypes.c_uint32),
        ("kinds", ctypes.c_uint64),
        ("nth", ctypes.c_uint64),
        ("times", ctypes.c_uint64),
        ("matched", ctypes.c_uint64),
        ("struck", ctypes.c_uint64),
        ("by_kind", ctypes.c_uint64 * 16),
        ("first_kind", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
        ("directories", (ctypes.c_char * 512) * 4),
        ("inode", ctypes.c_uint64),
    ]


def library() -> Path:
    """The shim, built."""
    native = ROOT / "native"
    (native / "build").mkdir(exist_ok=True)
    with (native / "build" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the workers of pytest share the folder
        subprocess.run(["make", "-s", "-C", native, "build/libmpfault.so"], check=True)
    return native / "build" / "libmpfault.so"


class Rule:
    """What fails, and how often it did."""

    def __init__(self, path: Path) -> None:
        """Map *path*; it is made where it is not there."""
        with path.open("a+b") as file:
            os.ftruncate(file.fileno(), mmap.PAGESIZE)
            self._page = _Page.from_buffer(mmap.mmap(file.fileno(), mmap.PAGESIZE))

    def set(
        self,
        directories: Iterable[Path],
        nth: int,
        *,
        error: int = errno.EIO,
        times: int = 1,
        action: int = FAIL,
        kinds: Iterable[str] = KINDS,
        inode: int = 0,
    ) -> None:
        """Lay down a rule, in force from now on for whom it is given to.

        Args:
            directories: at most four; calls on paths at or below them are counted.
            nth: the first of them that is struck, from 1 on.
            error: the errno of FAIL.
            times: how many are struck in a row; 0: all, until `lift`.
            action: FAIL, SHORT (half of the bytes, where there are any), KILL or TEAR (the first
                is SHORT, those after it FAIL).
            kinds: of calls.
            inode: of calls on open files, those on this one alone; 0: on any.
        """
        page = self._page
        self.lift()
        page.pid, page.action, page.error, page.nth, page.times = NOBODY, action, error, nth, times
        page.matched = page.struck = 0
        page.inode = inode
        page.kinds = sum(1 << KINDS.index(kind) for kind in kinds)
        ctypes.memset(page.by_kind, 0, ctypes.sizeof(page.by_kind))
        ctypes.memset(page.directories, 0, ctypes.sizeof(page.directories))
        for number, directory in enumerate(directories):
            page.directories[number].value = os.fsencode(directory)
        page.armed = 1

    def give(self, pid: int) -> None:
        """It is for the process *pid* now; 0: for everybody who has the shim."""
        self._page.pid = pid

    def again(self, nth: int) -> None:
        """Count anew; the *nth* call from now on is struck."""
        page = self._page
        page.pid, page.nth, page.matched, page.struck = NOBODY, nth, 0, 0

    def lift(self) -> None:
        """No call fails any more."""
        self._page.armed = 0

    @property
    def matched(self) -> int:
        """Calls that were counted since `set`."""
        return int(self._page.matched)

    @property
    def struck(self) -> int:
        """Calls that the rule has struck since `set`."""
        return int(self._page.struck)

    @property
    def first(self) -> str:
        """The kind of the n-th call; empty when there was none."""
        return KINDS[self._page.first_kind] if self.struck else ""

    @property
    def by_kind(self) -> dict[str, int]:
        """How many calls of each kind were counted."""
        return {kind: int(n) for kind, n in zip(KINDS, self._page.by_kind, strict=False) if n}

"""How a process has ended: what the kernel says of it through a pidfd, and /proc while it is not
buried yet.

A pid alone says nothing: it is taken again, and means another process in another pid namespace. The
inode of a pidfd is of one process only, for as long as the machine runs.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import struct
from typing import Literal

import msgspec

from mplog._native import pidfd_ino

_GET_INFO = 0xC040FF0B  # PIDFD_GET_INFO, from Linux 6.13 on
_INFO_EXIT = 1 << 3  # from 6.15 on: how it ended, once it is buried
_INFO = struct.Struct("=QQ11Ii")
_EXITING = 0x4  # PF_EXITING
_STATE, _FLAGS, _EXIT_CODE = 0, 6, 49  # fields of /proc/pid/stat behind the name
_DUMPED = 0x80
_PIDS = 1 << 22  # the kernel has no higher ones


class Fate(msgspec.Struct, frozen=True):
    """How a session's owner went.

    Attributes:
        how: `unknown` where nobody can tell; `alive`: it has given its lane up and lives on.
        number: of the signal, or the exit code.
        core: whether the kernel has dumped it.
    """

    how: Literal["signal", "exit", "alive", "unknown"]
    number: int = 0
    core: bool = False


UNKNOWN, ALIVE = Fate("unknown"), Fate("alive")


def of_status(status: int) -> Fate:
    """What a wait status says."""
    if os.WIFSIGNALED(status):
        return Fate("signal", os.WTERMSIG(status), bool(status & _DUMPED))
    return Fate("exit", os.WEXITSTATUS(status))


def open_process(pid: int, ino: int) -> int | None:
    """A pidfd of the process with that inode, living or unburied; None when *pid* is not its.

    Raises:
        OSError: there are no descriptors left.
    """
    if not 0 < pid < _PIDS:
        return None
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    if ino and pidfd_ino(fd) == ino:
        return fd
    os.close(fd)
    return None


def fate_of(fd: int, pid: int) -> Fate | None:
    """How the process of *fd* ended, once it no longer holds its lane; None: it is just ending, so
    ask again.

    Args:
        fd: a pidfd.
        pid: its number here.
    """
    status = _exit_status(fd)
    if status is None:
        status = _unburied(fd, pid)
    if status is None:
        status = _exit_status(fd)  # buried between the two
    if status is not None:
        return of_status(status)
    if is_over(fd):
        return UNKNOWN
    seen = _stat(pid)
    if seen is None or int(seen[_FLAGS]) & _EXITING or seen[_STATE] in "ZX":
        return None
    return ALIVE


def _exit_status(fd: int) -> int | None:
    room = bytearray(_INFO.size)
    _INFO.pack_into(room, 0, _INFO_EXIT, *(0,) * 13)
    try:
        fcntl.ioctl(fd, _GET_INFO, room)
    except OSError:
        return None
    found = _INFO.unpack(room)
    return found[-1] if found[0] & _INFO_EXIT else None


def _unburied(fd: int, pid: int) -> int | None:
    """The wait status that a dead process keeps for its parent."""
    seen = _stat(pid)
    if seen is None or seen[_STATE] != "Z" or not is_over(fd):
        return None
    try:
        uid = os.stat(f"/proc/{pid}").st_uid
        with contextlib.suppress(PermissionError):
            signal.pidfd_send_signal(fd, 0)  # there still, so it is this one that was looked at
    except OSError:
        return None
    status = int(seen[_EXIT_CODE])
    # Who may not know it reads 0.
    return status if status or os.geteuid() in (0, uid) else None


def _stat(pid: int) -> list[str] | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            seen = stat.read().decode("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return None
    return seen if len(seen) > _EXIT_CODE else None


def is_over(fd: int) -> bool:
    """Whether that process has ended, buried or not."""
    waiting = select.poll()
    waiting.register(fd, select.POLLIN)
    return bool(waiting.poll(0))

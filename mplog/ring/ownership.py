"""Which service owns a log file: a lock beside the file, held by its writer for as long as it
lives.

The lock lies beside the file and not in shared memory, so that two directories, uids or containers
cannot give one file two writers.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import NamedTuple

import msgspec

from mplog import _native
from mplog.errors import FileOwnedError

_MODE = 0o644  # it names a service and is no secret; others must be able to read whose the file is
_MAX_BYTES = 4096


class Owner(NamedTuple):
    """Who holds a log file."""

    service: str
    dir: str


def lock_path(log_file: Path) -> Path:
    """The lock of *log_file*."""
    return log_file.with_name(f".{log_file.name}.mplog")


def owner_of(log_file: Path) -> Owner | None:
    """The service whose writer holds *log_file* now, or None."""
    try:
        fd = os.open(lock_path(log_file), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        if not _native.locked(fd, 0):
            return None
        text = os.pread(fd, _MAX_BYTES, 0)
    except OSError:
        return None
    finally:
        os.close(fd)
    with contextlib.suppress(msgspec.MsgspecError, ValueError):
        said = msgspec.json.decode(text, type=dict[str, str])
        return Owner(said.get("service", "unknown"), said.get("dir", ""))
    return Owner("unknown", "")


def refuse_foreign_owner(
    log_file: Path, service: str, directory: Path, *, patience_s: float = 5.0
) -> None:
    """Raise unless *log_file* is free or this service's own.

    Args:
        log_file: absolute path.
        service: the service that wants the file.
        directory: of its shared memory.
        patience_s: how long a writer of the same name in another directory may take to leave.

    Raises:
        FileOwnedError: names the file, the service and its directory.
    """
    deadline = time.monotonic() + patience_s
    while True:
        owner = owner_of(log_file)
        if owner is None or owner == (service, str(directory)):
            return
        if owner.service != service or time.monotonic() >= deadline:
            raise FileOwnedError(str(log_file), owner.service, owner.dir)
        time.sleep(0.05)


def take_ownership(log_file: Path, service: str, directory: Path) -> int | None:
    """Take the lock of *log_file*: the descriptor that holds it, or None while another writer does.

    Raises:
        OSError: the lock cannot be made there, or is a link.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    fd = os.open(lock_path(log_file), flags, _MODE)
    try:
        if not _native.lock(fd, 0):
            os.close(fd)
            return None
        said = msgspec.json.encode({"service": service, "dir": str(directory)})
        if os.pread(fd, _MAX_BYTES, 0) != said:
            os.pwrite(fd, said, 0)
            os.ftruncate(fd, len(said))
    except OSError:
        os.close(fd)
        raise
    return fd

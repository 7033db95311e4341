"""Which service owns a log file: a lock beside the file, held by its writer for as long as it
lives, and a plate that says whose it is.

They lie beside the file and not in shared memory, so that two directories, uids or containers
cannot give one file two writers. The lock's file is its user's alone: whoever could open it could
hold a lock on it, and keep the writer out. The plate can be read by everybody, and nothing is
locked on it.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from typing import NamedTuple

import msgspec

from mplog import _native
from mplog.errors import FileOwnedError
from mplog.ring.bell import Place

_LOCK_MODE = 0o600
# Bytes of the lock's file: a writer holds the first two, who compresses its archives the third.
_OWNER, _CANDIDATE, COMPRESSES = 0, 1, 2
_PLATE_MODE = 0o644  # a service's name is no secret
# Without O_NONBLOCK a FIFO in its place would hold up whoever opens it.
_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_MAX_BYTES = 4096


class Owner(NamedTuple):
    """Who holds a log file."""

    service: str
    dir: str


UNKNOWN = Owner("unknown", "")


def lock_path(log_file: Place) -> str:
    """The lock of *log_file*; only its user may open it."""
    return _beside(log_file, "lock")


def plate_path(log_file: Place) -> str:
    """Where it stands whose *log_file* is."""
    return _beside(log_file, "mplog")


def _beside(log_file: Place, ending: str) -> str:
    folder, name = os.path.split(log_file)
    return os.path.join(folder, f".{name}.{ending}")


def owner_of(log_file: Place) -> Owner | None:
    """The service whose writer holds *log_file* now, or None.

    To another user than the owner's it cannot be told whether the writer lives. Since that user
    cannot take the lock either way, the file is the owner's to them.
    """
    path = lock_path(log_file)
    try:
        fd = _open(path, os.O_RDONLY)
    except PermissionError:
        return _read_plate(log_file) if _is_foreign(path) else None
    except OSError:
        return None
    try:
        if not _native.locked(fd, _OWNER):
            return None
    except OSError:
        return None
    finally:
        os.close(fd)
    return _read_plate(log_file)


def plate_of(log_file: Place) -> Owner | None:
    """The service that has written *log_file* last, whether its writer lives or not; None where
    nothing says so.
    """
    owner = _read_plate(log_file)
    return None if owner == UNKNOWN else owner


def still_owned(log_file: Place, fd: int) -> bool:
    """Whether the lock that *fd* holds is the one beside *log_file*: the directory may be another
    one by now.
    """
    try:
        there = os.stat(lock_path(log_file), follow_symlinks=False)
    except OSError:
        return False
    held = os.fstat(fd)
    return (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino)


def _open(path: Place, flags: int, mode: int = 0) -> int:
    fd = os.open(path, flags | _FLAGS, mode)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return fd


def _is_foreign(path: Place) -> bool:
    try:
        return os.lstat(path).st_uid != os.geteuid()
    except OSError:
        return False  # the directory itself is closed to this user


def _read_plate(log_file: Place) -> Owner:
    try:
        fd = _open(plate_path(log_file), os.O_RDONLY)
        try:
            text = os.pread(fd, _MAX_BYTES, 0)
        finally:
            os.close(fd)
        said = msgspec.json.decode(text, type=dict[str, str])
    except (OSError, msgspec.MsgspecError, ValueError):
        return UNKNOWN
    return Owner(said.get("service", "unknown"), said.get("dir", ""))


def refuse_foreign_owner(
    log_file: Place, service: str, directory: Place, *, patience_s: float = 5.0
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


def take_ownership(log_file: Place, service: str, directory: Place) -> int | None:
    """Take the lock of *log_file*: the descriptor that holds it, or None while another writer does.
    Its directory is made if it is not there.

    Raises:
        OSError: the lock or the plate cannot be made there, or is a link or no regular file.
    """
    from pathlib import Path  # who only asks does without these

    from mplog.ring.folder import DIRECTORY_MODE, Folder

    above, name = os.path.split(log_file)
    with Folder(Path(above), make=DIRECTORY_MODE) as folder:
        return _take(folder.place / name, service, directory)


def _take(log_file: Place, service: str, directory: Place) -> int | None:
    fd = _open(lock_path(log_file), os.O_RDWR | os.O_CREAT, _LOCK_MODE)
    try:
        if os.fstat(fd).st_mode & 0o077:
            os.fchmod(fd, _LOCK_MODE)
        held = _native.lock(fd, _CANDIDATE)
        if held:  # before the owner's byte: whoever finds that one locked believes the plate
            _write_plate(log_file, msgspec.json.encode({"service": service, "dir": str(directory)}))
        if not held or not _native.lock(fd, _OWNER):
            os.close(fd)
            return None
    except OSError:
        os.close(fd)
        raise
    return fd


def _write_plate(log_file: Place, said: bytes) -> None:
    fd = _open(plate_path(log_file), os.O_RDWR | os.O_CREAT, _PLATE_MODE)
    try:
        if os.pread(fd, _MAX_BYTES, 0) != said:
            os.pwrite(fd, said, 0)
            os.ftruncate(fd, len(said))
    finally:
        os.close(fd)

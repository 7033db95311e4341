"""What `mplog doctor` looks at: this machine as it is, gathered without changing anything that
stays.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import re
import resource
import stat
import tempfile
import time
from pathlib import Path

import msgspec

from mplog import _native

CLOCK_LOOK_S = 0.05
CGROUP = Path("/sys/fs/cgroup")


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A directory that mplog works in, or the one above it that is there.

    Attributes:
        locks: whether the kernel keeps open-file-description locks there; None: not tried.
        writable: by this user; where not, `error` says why.
        file_problem: why the log file in it cannot be written; "" where it can, or is not there.
        open_to_all: it and the directories above it that anybody may write to, and replace what
            stands in (no sticky bit).
        mode, uid: of the directory itself; -1 where it is not there yet.
    """

    path: str
    there: bool = True
    writable: bool = True
    locks: bool | None = True
    size_bytes: int = 0
    free_bytes: int = 0
    open_to_all: tuple[str, ...] = ()
    mode: int = -1
    uid: int = -1
    error: str = ""
    file_problem: str = ""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that the findings are decided by; limits are None where there is none.

    Attributes:
        log: the directory of the first log file; `more_logs` of the others.
    """

    euid: int
    shared: Place
    log: Place | None = None
    more_logs: tuple[Place, ...] = ()
    overflow: Place | None = None
    limits: dict[str, int | None] = {}
    cgroup: dict[str, int | None] = {}
    clock_step_ns: int = 0
    clock_state: int | None = None
    wall_s: float = 0.0
    versions: dict[str, str] = {}
    abi: int = _native.ABI
    others: tuple[tuple[str, int, bool], ...] = ()  # service, its layout, whether it is in use


def place(path: Path) -> Place:
    """Look at a directory, or at the nearest one above it."""
    try:
        found = next(above for above in (path, *path.parents) if above.exists())
        status, fs = found.stat(), os.statvfs(found)
    except OSError as error:
        return Place(path=str(path), there=False, writable=False, error=str(error), locks=None)
    refusal = _refusal(found, fs)
    locks, why = (None, refusal) if refusal else _keeps_locks(found)
    return Place(
        path=str(path),
        there=found == path,
        writable=not why,
        locks=locks,
        size_bytes=fs.f_blocks * fs.f_frsize,
        free_bytes=fs.f_bavail * fs.f_frsize,
        open_to_all=tuple(open_to_all(found, path)),
        mode=status.st_mode & 0o7777 if found == path else -1,
        uid=status.st_uid if found == path else -1,
        error=why,
    )


def place_of_file(file: Path) -> Place:
    """The directory of a log file, and whether the file itself could be written."""
    return msgspec.structs.replace(place(file.parent), file_problem=_problem(file))


def _problem(file: Path) -> str:
    try:
        mode = file.lstat().st_mode
    except OSError:
        return ""  # it is not there, or its directory says more
    if stat.S_ISLNK(mode):
        return f"{file} is a symbolic link, and none is written through"
    if not stat.S_ISREG(mode):
        return f"{file} is no regular file"
    mine = os.access(file, os.R_OK | os.W_OK, effective_ids=True)
    return "" if mine else f"{file} cannot be written by this user"


def _refusal(folder: Path, fs: os.statvfs_result) -> str:
    """Why this user can make nothing there."""
    if not folder.is_dir():
        return f"{folder} is no directory"
    if fs.f_flag & os.ST_RDONLY:
        return "its file system is read-only"
    mine = os.access(folder, os.W_OK | os.X_OK, effective_ids=True)
    return "" if mine else f"{folder} is not writable"


def open_to_all(there: Path, path: Path) -> list[str]:
    """Of *there* and the directories above it those that anybody may write to; with a sticky bit
    only *path* itself counts: of what else stands in such a one nobody else can replace anything.
    """
    found = []
    for one in (there, *there.parents):
        mode = one.stat().st_mode
        if mode & 0o002 and (one == path or not mode & 0o1000):
            found.append(str(one))
    return found


def _keeps_locks(folder: Path) -> tuple[bool | None, str]:
    """Whether a lock of one open file keeps another one out, on a file that is gone at once; None
    where there can be no such file, and why.
    """
    try:
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed below
    except OSError as error:
        return None, error.strerror or str(error)
    try:
        with file:
            other = os.open(f"/proc/self/fd/{file.fileno()}", os.O_RDWR | os.O_CLOEXEC)
            try:
                return _native.lock(file.fileno(), 0) and _native.locked(other, 0), ""
            finally:
                os.close(other)
    except (OSError, RuntimeError):
        return False, ""


def limits() -> dict[str, int | None]:
    """This process's own, as its children inherit them."""
    names = ("RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_AS")
    found = {name: resource.getrlimit(getattr(resource, name))[0] for name in names}
    return {
        name: None if value == resource.RLIM_INFINITY else value for name, value in found.items()
    }


def cgroup(root: Path = CGROUP, own: Path = Path("/proc/self/cgroup")) -> dict[str, int | None]:
    """Memory and processes: the least limit on the way up, and what is used; of v2, else of v1."""
    found: dict[str, int | None] = {}
    for line in _text(own).splitlines():
        number, names, path = line.split(":", 2)
        for name, (limit, used) in _FILES[number == "0"].items():
            if number == "0" or name in names.split(","):
                base = root if number == "0" else root / name
                _least(found, name, base, base / path.lstrip("/"), limit, used)
    return found


_FILES = {
    True: {"memory": ("memory.max", "memory.current"), "pids": ("pids.max", "pids.current")},
    False: {
        "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes"),
        "pids": ("pids.max", "pids.current"),
    },
}
_NO_LIMIT = 1 << 60  # v1 writes a number near 2^63


def _least(
    found: dict[str, int | None], name: str, base: Path, at: Path, limit: str, used: str
) -> None:
    way = (at, *at.parents)
    for folder in way[: way.index(base) + 1]:
        text = _text(folder / limit).strip()
        value = int(text) if text.isdigit() and int(text) < _NO_LIMIT else None
        known = found.get(name)
        if value is not None and (known is None or value < known):
            in_use = _text(folder / used).strip()
            found[name] = value
            found[f"{name}_used"] = int(in_use) if in_use.isdigit() else None


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return ""


def clock_step_ns() -> int:
    """By how much the wall clock goes another way than the monotonic one, in a moment."""
    wall, mono = time.time_ns(), time.monotonic_ns()
    time.sleep(CLOCK_LOOK_S)
    return (time.time_ns() - wall) - (time.monotonic_ns() - mono)


def clock_state() -> int | None:
    """What adjtimex() says: 5 is not synchronised; None where it cannot be asked."""
    with contextlib.suppress(OSError, AttributeError):
        buffer = ctypes.create_string_buffer(512)  # struct timex, all zero: only ask
        state: int = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
        return state if state >= 0 else None
    return None


def versions() -> dict[str, str]:
    """Of everything that has a say in how mplog works here."""
    from mplog.cli.main import version

    return {
        "kernel": platform.release(),
        "python": platform.python_version(),
        "msgspec": msgspec.__version__,
        "mplog": version(),
    }


def kernel_of(release: str) -> tuple[int, int]:
    """The first two numbers of a kernel's release."""
    found = re.match(r"(\d+)\.(\d+)", release)
    return (int(found[1]), int(found[2])) if found else (0, 0)

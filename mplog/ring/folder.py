"""A log's directory, held by its descriptor: what is done by it is done in the directory that was
looked at, whatever is put at its path meanwhile.

On the way to it root follows no link of another user's: whoever owns a directory of the path could
lead the writer somewhere else, between any two of its steps.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from types import TracebackType

DIRECTORY_MODE = 0o755
OPEN_TO_ALL = "anybody may write in that directory, and the writer is root"
FOREIGN_LINK = "is another user's symbolic link, and the writer is root"
_HELD = "/proc/self/fd/"
_LOOK = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_MOST_LINKS = 40  # as the kernel has it


class Folder:
    """A directory. A context manager; an error in it names the path, not the descriptor.

    Args:
        path: absolute, or the `place` of another one.
        make: what is missing of it, with that mode.

    Attributes:
        path: as given.
        fd: open for reading.
        place: a path to what is held, for names in it.

    Raises:
        OSError: as `open_directory`.
    """

    def __init__(self, path: Path, *, make: int = 0) -> None:
        self.path, self.fd = path, open_directory(path, make=make)
        place = Path(f"{_HELD}{self.fd}")
        self.place = place if place.is_dir() else path  # where there is no /proc

    def moved(self) -> bool:
        """Whether its path leads elsewhere by now, or nowhere."""
        try:
            now = os.stat(self.path)
        except OSError:
            return True
        held = os.fstat(self.fd)
        return (now.st_dev, now.st_ino) != (held.st_dev, held.st_ino)

    def close(self) -> None:
        """Let go of it."""
        os.close(self.fd)

    def __enter__(self) -> Folder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        if isinstance(error, OSError):
            self.name(error)

    def name(self, error: OSError) -> None:
        """Have the error name the path."""
        held = f"{self.place}/"
        for which in ("filename", "filename2"):
            name = str(getattr(error, which, ""))
            if name.startswith(held):
                setattr(error, which, str(self.path / name.removeprefix(held)))


def open_directory(path: Path, *, make: int = 0) -> int:
    """A descriptor of a log's directory.

    Args:
        make: what is missing of it, with that mode.

    Raises:
        OSError: it cannot be opened or made; or this is root, and a link of another user's is on
            the way, or anybody may write there, who could lead the writer elsewhere (a sticky bit
            keeps nobody from making names).
    """
    if os.geteuid() != 0 or str(path).startswith(_HELD):
        with contextlib.suppress(FileNotFoundError):
            return os.open(path, _READ)
        if make:
            os.makedirs(path, make, exist_ok=True)
        return os.open(path, _READ)
    fd = _walked(path, make=make)
    if os.fstat(fd).st_mode & stat.S_IWOTH:
        os.close(fd)
        raise OSError(errno.EPERM, OPEN_TO_ALL, str(path))
    return fd


def _walked(path: Path, *, make: int) -> int:
    """Its descriptor, one name after the other."""
    with contextlib.suppress(OSError):
        os.stat(path)  # what is mounted when somebody comes is there by now
    fd, left, links = os.open("/", _LOOK), _names(str(path)), 0
    try:
        while left:
            below = _below(fd, left.pop(), make=make)
            try:
                target = _target(below, path)
            except OSError:
                os.close(below)
                raise
            if target is None:
                below, fd = fd, below
            os.close(below)
            if target is not None:
                links += 1
                if links > _MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
                left += _names(target)
            if target is not None and target.startswith("/"):
                os.close(fd)
                fd = os.open("/", _LOOK)
        return os.open(".", _READ, dir_fd=fd)
    finally:
        os.close(fd)


def _names(path: str) -> list[str]:
    """Of a path, the last one first."""
    return [name for name in path.split("/") if name][::-1]


def _below(fd: int, name: str, *, make: int) -> int:
    try:
        return os.open(name, _LOOK, dir_fd=fd)
    except FileNotFoundError:
        if not make:
            raise
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, make, dir_fd=fd)
    return os.open(name, _LOOK, dir_fd=fd)


def _target(fd: int, path: Path) -> str | None:
    """Where a link leads; None for what is none.

    Raises:
        OSError: it is another user's.
    """
    found = os.fstat(fd)
    if not stat.S_ISLNK(found.st_mode):
        return None
    if found.st_uid != 0:
        raise OSError(errno.EPERM, f"a directory on the way {FOREIGN_LINK}", str(path))
    return os.readlink("", dir_fd=fd)

"""Compress the archives of a log: a program of low priority that the writer starts beside it.

A process of its own, because it is at nobody's cost there: a thread in the writer would hold the
GIL now and then, with a low priority for long. It holds nothing of the service, and goes on when
the writer dies or leaves.

1. Under a name of its own the compressed file is made, complete and on the disk, and gets owner,
   mode and times of the archive.
2. It is renamed to its final name. From here on there are two files of one generation, and whoever
   reads takes the uncompressed one.
3. The uncompressed one is deleted.

Killed before 2: something hidden lies there, which the next run deletes. Between 2 and 3: the next
run does all of it again, and believes no compressed file that it has not made itself. Of several
runs one works, which holds a lock beside the file; the writer's own are other bytes of it.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import stat
import time
from collections.abc import Iterator, Sequence, Set
from pathlib import Path

from mplog import _native
from mplog.files.active import own
from mplog.files.archive import Archive, list_archives, parse_archive
from mplog.files.compression import CHUNK_BYTES, ENDINGS, NoZstd, compressor
from mplog.files.manifest import load, manifest_path
from mplog.ring.folder import Folder
from mplog.ring.ownership import COMPRESSES, lock_path

BUSY, CRASHED, NO_LIBRARY = 253, 254, 255  # exit codes; those below are errno
WAIT_S = 5.0
_HOPELESS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}  # for the other archives as well
_NICE = 19
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


class Busy(Exception):
    """Another run is at work."""


def compress_all(directory: Path, active: str, kind: str) -> None:
    """Compress every archive of a log that is not.

    Args:
        directory: where the log stands.
        active: base name of the active file.
        kind: "gzip" or "zstd".

    Raises:
        Busy: see there.
        OSError: one cannot be compressed; it stays as it is, and the others were tried.
    """
    compressor(kind)  # is there one at all?
    with Folder(directory) as folder:
        _compress_all(folder.place, active, kind)


def _compress_all(directory: Path, active: str, kind: str) -> None:
    tried: set[int] = set()
    failed: OSError | None = None
    with _alone(directory / active):
        _sweep(directory, active)
        # Listed anew each time: meanwhile some come, and some go.
        while (archive := first_plain(directory, active, tried)) is not None:
            tried.add(archive.generation)
            try:
                _compress(directory, active, archive, kind)
            except OSError as error:
                if error.errno in _HOPELESS:
                    raise
                failed = failed or error
    if failed is not None:
        raise failed


def first_plain(directory: Path, active: str, tried: Set[int] = frozenset()) -> Archive | None:
    """The oldest archive that is not compressed, and not retired either; None when there is none.

    Args:
        tried: generations that do not count.

    Raises:
        OSError: the directory or the manifest cannot be read.
    """
    plain = [a for a in list_archives(directory, active) if not a.compression]
    through = load(manifest_path(directory, active)).retired.through if plain else 0
    waiting = (a for a in plain if a.generation > through and a.generation not in tried)
    return next(waiting, None)


@contextlib.contextmanager
def _alone(log_file: Path) -> Iterator[None]:
    """Hold the lock. One who is about to end may have listed before the newest archive came, so
    that is waited for.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    fd = os.open(lock_path(log_file), flags, 0o600)
    deadline_s = time.monotonic() + WAIT_S
    try:
        while not _native.lock(fd, COMPRESSES):
            if time.monotonic() > deadline_s:
                raise Busy
            time.sleep(0.05)
        yield
    finally:
        os.close(fd)


def _temporary(name: str) -> str:
    return f".{name}.new"


def _sweep(directory: Path, active: str) -> None:
    """Delete what a killed run has begun."""
    for name in os.listdir(directory):
        if name.startswith(".") and name.endswith(".new"):
            archive = parse_archive(active, name[1:].removesuffix(".new"))
            if archive is not None and archive.compression:
                _unlink(directory / name)


def _compress(directory: Path, active: str, archive: Archive, kind: str) -> None:
    plain, final = directory / archive.name, directory / (archive.name + ENDINGS[kind])
    temporary = directory / _temporary(final.name)
    try:
        source = os.open(plain, _READ)
    except FileNotFoundError:
        return  # retired meanwhile
    try:
        before = os.fstat(source)
        if not stat.S_ISREG(before.st_mode):
            raise OSError(errno.EINVAL, "is no regular file", str(plain))
        try:
            _make(temporary, source, before, kind)
            now = os.fstat(source)
            if (now.st_size, now.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
                raise OSError(errno.EBUSY, "is being written to", str(plain))
            os.replace(temporary, final)
        except BaseException:
            _unlink(temporary)
            raise
    finally:
        os.close(source)
    _sync(directory)
    _unlink(plain)
    if archive.generation <= load(manifest_path(directory, active)).retired.through:
        _unlink(final)  # the manifest had claimed it before retention could see this name


def _make(path: Path, source: int, like: os.stat_result, kind: str) -> None:
    """Step 1: all of *source* compressed under *path*, and on the disk."""
    fd = os.open(path, _NEW, 0o600)
    try:
        made = compressor(kind)
        while data := os.read(source, CHUNK_BYTES):
            _write(fd, made.compress(data))
        _write(fd, made.flush())
        _resemble(fd, like)
        os.fsync(fd)
    finally:
        os.close(fd)


def _resemble(fd: int, like: os.stat_result) -> None:
    mode = stat.S_IMODE(like.st_mode)
    if not own(fd, like):
        mode &= ~stat.S_IRWXG  # it would be another group's
    os.fchmod(fd, mode)
    os.utime(fd, ns=(like.st_atime_ns, like.st_mtime_ns))


def _write(fd: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left) :]


def _sync(directory: Path) -> None:
    """The new name is on the disk before the old file goes."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _unlink(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def main(argv: Sequence[str] | None = None) -> int:
    """Compress the archives of one log.

    Returns:
        The exit code: 0, or BUSY, NO_LIBRARY, CRASHED, or the errno of what went wrong.
    """
    parser = argparse.ArgumentParser(prog="mplog.files.compress")
    parser.add_argument("kind", choices=tuple(ENDINGS))
    parser.add_argument("log", type=Path, help="the active file")
    args = parser.parse_args(argv)
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    try:
        compress_all(args.log.parent, args.log.name, args.kind)
    except Busy:
        return BUSY
    except NoZstd:
        return NO_LIBRARY
    except OSError as error:
        return error.errno or errno.EIO
    except Exception:
        import traceback

        traceback.print_exc()
        return CRASHED
    return 0

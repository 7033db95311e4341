"""What `verify` was asked to read: logs, and the single files of one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from mplog.files.archive import Archive, active_of
from mplog.files.compression import ENDINGS
from mplog.files.moved import logs_in, moved_from
from mplog.files.scan import open_regular, reader

_HEAD_BYTES = 65536
_TAIL_CHECKS = 10
_BETWEEN_TAIL_CHECKS_S = 0.02
_MAGIC = {".gz": b"\x1f\x8b", ".zst": b"\x28\xb5\x2f\xfd"}


class Log(msgspec.Struct):
    """One log of those asked for: its active file, or single archives of it.

    `names` are archives asked for by name; `moved` files that were moved away and are asked for by
    name; `found`: it was not named itself, but its directory.
    """

    directory: Path
    active: str
    with_active: bool = False
    with_archives: bool = False
    names: set[str] = set()
    moved: list[Path] = []
    found: bool = False

    @property
    def partial(self) -> bool:
        """Not all of the log was asked for."""
        return not (self.with_active and self.with_archives)


class Source(msgspec.Struct):
    """A file to read; `fd` is -1 until it is opened.

    `archive` is None of the active file, and of one that was `moved` away, which has its `order`.
    """

    path: Path
    archive: Archive | None
    fd: int = -1
    size_bytes: int = 0
    moved: bool = False
    order: tuple[float, str] = (float("inf"), "")

    @property
    def generation(self) -> tuple[float, str]:
        """Its place in the order of reading; the active file is the newest."""
        return (self.archive.generation, "") if self.archive else self.order

    @property
    def is_active(self) -> bool:
        """It is the file that is written now."""
        return self.archive is None and not self.moved

    @property
    def compression(self) -> str:
        """The ending of how it is compressed; empty when it is not."""
        if self.archive is not None:
            return self.archive.compression
        ending = self.path.suffix if self.path.suffix in ENDINGS.values() else ""
        # A log may be called like this and hold plain lines.
        return ending if ending and os.pread(self.fd, 4, 0).startswith(_MAGIC[ending]) else ""

    def head(self, size_bytes: int = _HEAD_BYTES) -> bytes:
        """Its first bytes, as they were before any compression.

        Raises:
            OSError: it cannot be read.
        """
        if not self.compression:
            return os.pread(self.fd, min(size_bytes, self.size_bytes), 0)
        try:
            return reader(self.fd, self.size_bytes, self.compression)()[:size_bytes]
        finally:
            os.lseek(self.fd, 0, os.SEEK_SET)

    def open(self) -> None:
        """Open it and take its size.

        Raises:
            OSError: it cannot be read.
        """
        if self.fd < 0:
            self.fd = open_regular(self.path)
            self.size_bytes = os.fstat(self.fd).st_size

    def still_grows(self) -> bool:
        """Tell whether a file without a last line end is just being written."""
        if not self.is_active:
            return False
        for _ in range(_TAIL_CHECKS):
            if os.fstat(self.fd).st_size > self.size_bytes:
                return True
            time.sleep(_BETWEEN_TAIL_CHECKS_S)
        return False

    def close(self) -> None:
        """Close it, when it is open."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def logs_of(paths: Iterable[Path], *, only: bool, also: Sequence[Path] = ()) -> list[Log]:
    """Sort paths into logs: a name that an archive, or a file moved away, would have is one; a
    directory stands for all logs of mplog's in it.

    Args:
        only: of an active file read no archives.
        also: files that were moved away from the one log that is asked for.
    """
    logs: dict[tuple[Path, str], Log] = {}

    def log_of(directory: Path, active: str, *, found: bool) -> Log:
        key = (directory.absolute(), active)
        return logs.setdefault(key, Log(directory, active, names=set(), moved=[], found=found))

    for path in paths:
        inside = logs_in(path) if os.path.isdir(path) else []
        for name in inside:
            _whole(log_of(path, name, found=True), only=only)
        if inside:
            continue
        archive_of, moved_of = active_of(path.name), None
        if archive_of is None:
            moved_of = moved_from(path)
        log = log_of(path.parent, archive_of or moved_of or path.name, found=False)
        log.found = False
        if archive_of is not None:
            log.names.add(path.name)
        elif moved_of is not None:
            log.moved.append(path)
        else:
            _whole(log, only=only)
    for log in logs.values():
        log.moved += also
    return list(logs.values())


def _whole(log: Log, *, only: bool) -> None:
    log.with_active = True
    log.with_archives = log.with_archives or not only

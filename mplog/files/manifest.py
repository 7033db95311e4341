"""The manifest beside a log: what each archive holds, and what retention has deleted.

Only the writer writes it; `verify` reads it. JSON lines, each whole or ignored:

- `{"archive": name, "generation": n, "bytes": b, "sessions": {name: [first, last, count, ended]}}`
- `{"retired": {name: [first, last, count, ended]}, "archives": k, "bytes": b, "through": g}`

The last line about an archive counts, and the last `retired`. `through` is the newest generation
that `retired` covers. Retention deletes the oldest first, so every archive up to it is retired,
whether or not its file is still there: that is what makes a kill between the claim and the
deletion harmless.

1. `compact` claims the archives: by one more line or, where the manifest has grown, by a new one
   that is put in place by rename (which costs milliseconds on some file systems, and the writer
   waits). Where anything of the log is to be on the disk, so is this before the next step.
2. Their files are unlinked.

Killed before 1 is in place: nothing happened. Between 1 and 2, or within 2: files stand there that
are retired already; `verify` does not read them, so nothing counts twice, and the next retention
pass unlinks them without claiming them again. The manifest never claims less than what was
deleted.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterable, Mapping, Set
from pathlib import Path
from typing import Any

import msgspec

_BLOCK_BYTES = 1 << 20
_SMALL_BYTES, _GROWN = 4096, 4  # a manifest may be so many times as long as it need be
_FULL = (errno.ENOSPC, errno.EDQUOT)
_PAGE_BYTES, _SPARE_BYTES = 4096, 1024
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class SessionRange(msgspec.Struct, frozen=True, array_like=True):
    """What one or more archives hold of one session.

    `first` and `last` are the least and the greatest number that is told there: as an event's own,
    as announced as dropped, or as the last one in the end line. `count` counts the events alone.
    `ended`: the session's end line is in there.
    """

    first: int
    last: int
    count: int
    ended: bool = False

    def merged(self, other: SessionRange) -> SessionRange:
        """Both together."""
        return SessionRange(
            min(self.first, other.first),
            max(self.last, other.last),
            self.count + other.count,
            self.ended or other.ended,
        )


class Entry(msgspec.Struct, frozen=True):
    """What one archive holds."""

    archive: str
    generation: int
    bytes: int
    sessions: dict[str, SessionRange]


class Retired(msgspec.Struct, frozen=True):
    """What retention has deleted: merged ranges, archives, bytes, up to which generation."""

    retired: dict[str, SessionRange] = {}
    archives: int = 0
    bytes: int = 0
    through: int = 0


class Manifest(msgspec.Struct, frozen=True):
    """The manifest as read: entries not retired, by archive name; `ignored` counts bad lines."""

    entries: dict[str, Entry] = {}
    retired: Retired = Retired()
    ignored: int = 0
    present: bool = False


def manifest_path(directory: Path, active: str) -> Path:
    """Tell where the manifest of `active` stands."""
    return directory / f".{active}.manifest"


def load(path: Path) -> Manifest:
    """Read a manifest; one that does not exist is empty.

    Lines that are torn, not JSON or not of the two kinds are ignored and counted.

    Raises:
        OSError: it exists and cannot be read, or is no regular file.
    """
    try:
        content = _content(path)
    except FileNotFoundError:
        return Manifest()
    entries: dict[str, Entry] = {}
    retired, ignored = Retired(), 0
    for line in content.split(b"\n"):
        item = _parse(line) if line.strip() else None
        if isinstance(item, Entry):
            entries[item.archive] = item
        elif isinstance(item, Retired):
            retired = item
        elif line.strip():
            ignored += 1
    alive = {name: e for name, e in entries.items() if e.generation > retired.through}
    return Manifest(alive, retired, ignored, True)


def append(path: Path, item: Entry | Retired) -> None:
    """Add what one archive holds, or what is retired, as one write of one line; adding it again is
    harmless.

    Raises:
        OSError: it cannot be written whole; what was written of it is ignored by `load`.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    fd = os.open(path, flags, 0o600)
    try:
        size_bytes = _regular(fd, path).st_size
        whole = size_bytes == 0 or os.pread(fd, 1, size_bytes - 1) == b"\n"
        line = (b"" if whole else b"\n") + _line(item)
        if isinstance(item, Entry):
            line += _spare(size_bytes + len(line))
        _write_once(fd, line, path)
    finally:
        os.close(fd)


def merge(ranges: Iterable[Mapping[str, SessionRange]]) -> dict[str, SessionRange]:
    """Merge the numbers of several archives, session by session."""
    merged: dict[str, SessionRange] = {}
    for sessions in ranges:
        for name, new in sessions.items():
            old = merged.get(name)
            merged[name] = new if old is None else old.merged(new)
    return merged


def compact(
    path: Path, manifest: Manifest, gone: Iterable[Entry], alive_sessions: Set[str] | None
) -> Manifest:
    """Claim archives as retired, before they are unlinked, and forget what nobody needs.

    A session stays in `retired` while it has not ended, or when it is in `alive_sessions` or in a
    remaining entry.

    Args:
        path: the manifest's own path.
        manifest: as loaded.
        gone: the archives that are about to be deleted, each above `manifest.retired.through`.
        alive_sessions: sessions with lines in the active file; None when that is not known, then
            every session stays.

    Raises:
        OSError: it cannot be written; what the manifest says is what it said before.
    """
    leaving = list(gone)
    through = max((entry.generation for entry in leaving), default=manifest.retired.through)
    entries = {n: e for n, e in manifest.entries.items() if e.generation > through}
    sessions = merge([manifest.retired.retired, *(entry.sessions for entry in leaving)])
    if alive_sessions is not None:
        alive = set(alive_sessions).union(*(entry.sessions for entry in entries.values()))
        sessions = {n: r for n, r in sessions.items() if not r.ended or n in alive}
    retired = Retired(
        sessions,
        manifest.retired.archives + len(leaving),
        manifest.retired.bytes + sum(entry.bytes for entry in leaving),
        max(through, manifest.retired.through),
    )
    lines: list[Entry | Retired] = [*entries.values(), retired]
    content = b"".join([_line(line) for line in lines])
    content += _spare(len(content))
    if _size_bytes(path) < _SMALL_BYTES + _GROWN * len(content):
        append(path, retired)
        return Manifest(entries, retired, 0, True)
    try:
        _replace(path, content)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        append(path, retired)  # which frees more than it takes
    return Manifest(entries, retired, 0, True)


def bring_onto_disk(path: Path) -> None:
    """Sync the manifest, and the name that it has.

    Raises:
        OSError: the system cannot say that it is there.
    """
    for place, flags in ((path, _READ), (path.parent, os.O_RDONLY | os.O_CLOEXEC)):
        fd = os.open(place, flags)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _spare(size_bytes: int) -> bytes:
    """Empty lines up to the next block of the disk, where little is left of this one: what claims
    archives must have room on a disk that has none, for it is what gets some.
    """
    left_bytes = -size_bytes % _PAGE_BYTES
    return b"\n" * (left_bytes + 1) if left_bytes < _SPARE_BYTES else b""


def _line(item: Entry | Retired) -> bytes:
    # Escaped to ASCII by the standard library: a file name may hold bytes that are not UTF-8.
    return json.dumps(msgspec.to_builtins(item), separators=(",", ":")).encode() + b"\n"


def _value(line: bytes) -> Any:
    try:
        return msgspec.json.decode(line)
    except msgspec.DecodeError:  # a lone surrogate, in a file name that is not UTF-8
        return json.loads(line)


def _parse(line: bytes) -> Entry | Retired | None:
    try:
        value = _value(line)
        if not isinstance(value, dict):
            return None
        if "archive" in value:
            return msgspec.convert(value, Entry)
        return msgspec.convert(value, Retired) if "retired" in value else None
    except (ValueError, RecursionError, msgspec.ValidationError):
        return None


def _size_bytes(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(path.name + ".tmp")
    # What a killed pass has left behind may be anything, also a link: it is removed, never opened.
    temporary.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(temporary, flags, 0o600)
    try:
        _write_once(fd, content, temporary)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(fd)
    os.replace(temporary, path)


def _write_once(fd: int, content: bytes, path: Path) -> None:
    written = os.write(fd, content)
    if written != len(content):
        text = f"wrote {written} of {len(content)} bytes; is the disk full?"
        raise OSError(errno.ENOSPC, text, str(path))


def _regular(fd: int, path: Path) -> os.stat_result:
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "the manifest is no regular file", str(path))
    return status


def _content(path: Path) -> bytes:
    fd = os.open(path, _READ)
    try:
        _regular(fd, path)
        blocks = []
        while block := os.read(fd, _BLOCK_BYTES):
            blocks.append(block)
        return b"".join(blocks)
    finally:
        os.close(fd)

"""Reading a log file line by line, in constant memory, whatever stands in it.

The keys that `verify` needs are decoded into a small Struct; all other keys are skipped. A line is
JSON or logfmt, each by itself: the format of a log may have changed while it was written.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec

from mplog.files import logfmt
from mplog.files.compression import CHUNK_BYTES, decompressed
from mplog.files.manifest import SessionRange

MAX_LINE_BYTES = 64 << 20  # far above the longest event; what is longer is no line of ours
_KEPT_BYTES = 4096
_MAX_NUMBER = 2**63 - 1
_UNREADABLE = b' message="unreadable event" unreadable=true '

Number = Annotated[int, msgspec.Meta(ge=1, le=_MAX_NUMBER)]
Count = Annotated[int, msgspec.Meta(ge=0, le=_MAX_NUMBER)]


class Line(msgspec.Struct, gc=False):
    """What `verify` reads of each line."""

    timestamp: str = ""
    cut: bool = False
    late: bool = False
    recovered: bool = False
    unreadable: bool = False
    session: str | None = None
    seq: Number | None = None
    event_name: str | None = None
    filtered: Count = 0


class SessionEnd(msgspec.Struct):
    """The line `mplog.session.end`."""

    session: str
    last: Count
    delivered: Count
    filtered: Count = 0
    dropped: Count = 0
    clean: bool = True
    pid: Count = msgspec.field(name="process.pid", default=0)
    name: str = msgspec.field(name="process.name", default="")


class Drop(msgspec.Struct):
    """The line `mplog.drop`."""

    session: str
    first: Number
    last: Number
    count: Number
    reasons: dict[str, dict[str, Count]] = {}
    filtered: Count = 0


class NoLane(msgspec.Struct):
    """The line `mplog.no_lane`: events of processes that could get no lane, and so no session."""

    count: Number
    reasons: dict[str, dict[str, Count]] = {}


class FileNotice(msgspec.Struct):
    """The line `mplog.file`."""

    what: str
    offset: Count = 0
    bytes: Count = 0


class Who(msgspec.Struct):
    """Which process an event is of, as its line says."""

    pid: Count = msgspec.field(name="process.pid", default=0)
    name: str = msgspec.field(name="process.name", default="")


Notice = SessionEnd | Drop | FileNotice | NoLane

NOT_JSON = (msgspec.MsgspecError, ValueError, RecursionError)
decode_line: Callable[[bytes], Line] = msgspec.json.Decoder(Line).decode
_KINDS: dict[str, type[Notice]] = {
    "mplog.session.end": SessionEnd,
    "mplog.drop": Drop,
    "mplog.file": FileNotice,
    "mplog.no_lane": NoLane,
}
_OPTIONAL = {
    SessionEnd: {"process.pid", "process.name"},
    Drop: {"filtered"},
    FileNotice: set(),
    NoLane: set(),
}
_notices = {name: msgspec.json.Decoder(kind).decode for name, kind in _KINDS.items()}


def decode_logfmt(raw: bytes) -> Line | None:
    """Decode a line of logfmt; None when it is none of mplog's, or not a whole one."""
    if not logfmt.is_whole(raw):
        return None
    event = logfmt.numbered(raw)
    if event is None:
        return _logfmt_notice(raw)
    if max(event.seq, event.filtered) > _MAX_NUMBER:
        return None
    flags = (event.cut, event.late, event.recovered, _UNREADABLE in raw)
    return Line(event.timestamp, *flags, event.session, event.seq, filtered=event.filtered)


def _logfmt_notice(raw: bytes) -> Line | None:
    """One of the service's own lines, if it has all that such a line has."""
    try:
        told = logfmt.pairs(raw)
    except NOT_JSON:
        return None
    name = told.get("event_name", "")
    if told.get("logger") != "mplog" or not name.startswith("mplog.") or "message" not in told:
        return None  # the message stands behind the name, which may be torn
    if name in _KINDS and decode_notice(raw, name) is None:
        return None
    return Line(session=told.get("session"), event_name=name)


def decode_notice(raw: bytes, event_name: str) -> Notice | None:
    """Decode one of the service's own lines; None when it is malformed, or does not count here."""
    decode = _notices.get(event_name)
    if decode is None:
        return None
    try:
        notice = _from_logfmt(raw, event_name) if raw.startswith(logfmt.START) else decode(raw)
    except NOT_JSON:
        return None
    wrong = isinstance(notice, Drop) and not notice.filtered < notice.first <= notice.last
    return None if wrong else notice


def _from_logfmt(raw: bytes, event_name: str) -> Notice:
    """Nothing is taken for granted: what is missing may have been torn off."""
    kind = _KINDS[event_name]
    told: dict[str, Any] = dict(logfmt.pairs(raw))
    if not told.keys() >= set(kind.__struct_encode_fields__) - _OPTIONAL[kind]:
        raise ValueError("a key is missing")
    if kind in (Drop, NoLane):
        told["reasons"] = msgspec.json.decode(told["reasons"])
    return msgspec.convert(told, kind, strict=False)


def who(raw: bytes) -> Who:
    """Which process the line of an event is of, as far as it says so."""
    try:
        if raw.startswith(logfmt.START):
            return msgspec.convert(logfmt.pairs(raw), Who, strict=False)
        return _decode_who(raw)
    except NOT_JSON:
        return Who()


_decode_who = msgspec.json.Decoder(Who).decode


def is_json(raw: bytes) -> bool:
    """Tell whether a line is whole JSON of any kind."""
    try:
        msgspec.json.decode(raw)
    except NOT_JSON:
        return False
    return True


class Batch(NamedTuple):
    """Lines without line ends; `offset` of the first; not `whole`: the last one had none."""

    offset: int
    lines: list[bytes]
    whole: bool = True


def batches(read: Callable[[], bytes]) -> Iterator[Batch]:
    """Cut what `read` returns, until it returns nothing, into lines.

    A line beyond `MAX_LINE_BYTES` is given as its beginning and a NUL, which no JSON holds.
    """
    offset, hidden, rest = 0, 0, b""
    while data := read():
        lines = (rest + data if rest else data).split(b"\n")
        used = len(rest) + len(data)
        rest = lines.pop()
        used -= len(rest)
        if lines and hidden:
            yield Batch(offset, [lines[0] + b"\0"])
            step = len(lines[0]) + 1
            offset, used, hidden = offset + step + hidden, used - step, 0
            del lines[0]
        if lines:
            yield Batch(offset, lines)
            offset += used
        if len(rest) > MAX_LINE_BYTES:
            hidden += len(rest) - _KEPT_BYTES
            rest = rest[:_KEPT_BYTES]
    if rest:
        yield Batch(offset, [rest + b"\0" if hidden else rest], False)


def reader(fd: int, size_bytes: int, compression: str = "") -> Callable[[], bytes]:
    """Make the function that reads a file from its beginning to the size that it had, in chunks.

    Raises:
        OSError: the file is compressed, and there is no library to read it.
    """
    if compression:
        return decompressed(fd, compression)
    position = 0

    def read() -> bytes:
        nonlocal position
        data = os.pread(fd, min(CHUNK_BYTES, size_bytes - position), position)
        position += len(data)
        return data

    return read


def open_regular(path: Path) -> int:
    """Open a log file for reading, never waiting on a pipe.

    Raises:
        OSError: it does not exist, may not be read, or is no regular file.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode):
        return fd
    os.close(fd)
    is_folder = stat.S_ISDIR(mode)
    raise OSError("no log of mplog's is in it" if is_folder else "it is no regular file")


def summarise(path: Path) -> dict[str, SessionRange]:
    """Tell what a file holds of each session, as the manifest says it of an archive.

    Raises:
        OSError: the file cannot be read.
    """
    ranges: dict[str, SessionRange] = {}
    fd = open_regular(path)
    try:
        compression = path.suffix if path.suffix in (".gz", ".zst") else ""
        for batch in batches(reader(fd, os.fstat(fd).st_size, compression)):
            for raw in batch.lines:
                found = _range_of(raw, batch.whole)
                if found is not None:
                    session, new = found
                    old = ranges.get(session)
                    ranges[session] = new if old is None else old.merged(new)
    finally:
        os.close(fd)
    return ranges


def _range_of(raw: bytes, whole: bool) -> tuple[str, SessionRange] | None:
    line: Line | None
    try:
        line = decode_line(raw)
    except NOT_JSON:
        line = decode_logfmt(raw) if whole else None
    if line is None or line.session is None:
        return None
    if line.seq is not None:
        return line.session, SessionRange(max(line.seq - line.filtered, 1), line.seq, 1)
    notice = decode_notice(raw, line.event_name or "")
    if isinstance(notice, Drop):
        return notice.session, SessionRange(notice.first - notice.filtered, notice.last, 0)
    if isinstance(notice, SessionEnd):
        return notice.session, SessionRange(notice.last, notice.last, 0, True)
    return None

"""A file of a spool: events as frames, one behind the other, each with its number.

What stands in it is untrusted. Every frame carries the segment's salt, so that bytes of an event
that look like a frame are none when a reader finds its way behind a broken record.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import msgspec

from mplog import _native
from mplog.event.codec import ENCODER
from mplog.event.event import Stamped
from mplog.event.level import name_of as level_name
from mplog.resilience.store import Held

SUFFIX = ".spool"
HEAD_KIND = 254
_RECORD = struct.Struct("<IIQQQIBBH")  # struct mpl_record of native/include/layout.h
_FRAME = struct.Struct("<II")
HEAD_BYTES = _FRAME.size + _RECORD.size
_SALT_AT = _FRAME.size + 16
_WORD = (1 << 64) - 1
Row = tuple[int, int, int, int, int, int, bytes]


class Body(msgspec.Struct, array_like=True, frozen=True):
    """What a record's header has no place for, and the event."""

    session: str
    seq: int
    pid: int
    process_name: str
    filtered: int
    payload: bytes


_BODY: msgspec.msgpack.Decoder[Body] = msgspec.msgpack.Decoder(Body)


class Record(msgspec.Struct, frozen=True):
    """An event of a segment: its number in the spool, itself, and where in the segment it ends."""

    number: int
    held: Held
    end: int


def name_of(first: int) -> str:
    """The name of the segment whose first event has that number."""
    return f"{first:020d}{SUFFIX}"


def first_of(name: str) -> int | None:
    """The number in a segment's name; None: it is none."""
    digits = name.removesuffix(SUFFIX)
    whole = name.endswith(SUFFIX) and len(digits) == 20 and digits.isascii() and digits.isdigit()
    return int(digits) if whole else None


def framed(number: int, salt: int, one: Held) -> bytes:
    """An event as it stands in a segment."""
    stamped, payload = one
    name = stamped.process_name
    rest = (stamped.filtered, payload)
    try:
        body = ENCODER.encode((stamped.session, stamped.seq, stamped.pid, name, *rest))
    except UnicodeEncodeError:  # a process may call itself anything
        name = name.encode("utf-8", "backslashreplace").decode()
        body = ENCODER.encode((stamped.session, stamped.seq, stamped.pid, name, *rest))
    stamps = (stamped.wall_ns & _WORD, stamped.level & 255, stamped.kind & 255, stamped.flags & 7)
    return _frame(number, salt, stamps, body)


def head(first: int, salt: int) -> bytes:
    """What a segment begins with."""
    return _frame(first, salt, (0, 0, HEAD_KIND, 0), b"")


def _frame(number: int, salt: int, stamps: tuple[int, int, int, int], body: bytes) -> bytes:
    wall_ns, level, kind, flags = stamps
    size = (_RECORD.size + len(body) + 7) & ~7
    record = _RECORD.pack(size, 0, number, salt, wall_ns, len(body), level, kind, flags) + body
    return _native.frame(record.ljust(size, b"\0"))


def salt_of(data: bytes) -> int | None:
    """The salt of the segment that begins with *data*; by its first event where its head is broken.
    None: not to be had, so nothing of it can be read.
    """
    for at in (0, HEAD_BYTES):
        row = _row(data, at, _length(data, at))
        if row is not None:
            return row[1]
    return None


def _length(data: bytes, at: int) -> int:
    """Bytes of the frame at *at* as it says itself; 0: no frame is whole there."""
    if len(data) - at < HEAD_BYTES:
        return 0
    length: int = _FRAME.unpack_from(data, at)[1]
    if length < _RECORD.size or length % 8 or at + _FRAME.size + length > len(data):
        return 0
    return _FRAME.size + length


def _row(data: bytes, at: int, length: int) -> Row | None:
    """The one frame at *at*, if it is whole."""
    if not length:
        return None
    try:
        (row,) = _native.frames(data[at : at + length])
    except ValueError:
        return None
    return row


def wants(data: bytes, at: int) -> int:
    """How many bytes the frame at *at*, which goes beyond *data*, says it has; 0: it is none."""
    if len(data) - at < _FRAME.size:
        return HEAD_BYTES
    length: int = _FRAME.unpack_from(data, at)[1]
    return _FRAME.size + length if length >= _RECORD.size and length % 8 == 0 else 0


def rows(data: bytes, salt: int, at: int = 0) -> Iterator[tuple[Row, int]]:
    """The frames of a segment from *at* on, up to the first place where none is whole; each with
    its end.
    """
    ends, end = [], at
    while length := _length(data, end):
        end += length
        ends.append(end)
    try:
        found: Iterator[Row | None] = iter(_native.frames(data[at:end]))
    except ValueError:
        starts = [at, *ends[:-1]]
        found = (_row(data, one, after - one) for one, after in zip(starts, ends, strict=True))
    for row, after in zip(found, ends, strict=False):
        if row is None or row[1] != salt:
            return
        yield row, after


def record(row: Row, end: int) -> Record | None:
    """The event of a frame; None: it is the segment's head, or holds no event."""
    number, _, wall_ns, level, kind, flags, body = row
    if kind == HEAD_KIND:
        return None
    try:
        session, seq, pid, name, filtered, payload = msgspec.structs.astuple(_BODY.decode(body))
    except (msgspec.MsgspecError, ValueError):
        return None
    stamped = Stamped(wall_ns, level, kind, flags, session, seq, pid, name, filtered)
    return Record(number, (stamped, payload), end)


def next_whole(data: bytes, salt: int, at: int) -> int:
    """Where behind a broken place at *at* the next frame of the segment stands; the end of *data*
    where there is none. *data* begins where a frame may begin.
    """
    mark = salt.to_bytes(8, "little")
    found = data.find(mark, at + 8)
    while found >= 0:
        start = found - _SALT_AT
        if start > at and start % 8 == 0:
            row = _row(data, start, _length(data, start))
            if row is not None and row[1] == salt:
                return start
        found = data.find(mark, found + 1)
    return len(data)


def whole(data: bytes, first: int, start: int = 0) -> Iterator[tuple[Row, int]]:
    """All frames of events that a segment holds, over broken places, each with its end.

    Args:
        data: all of the segment.
        first: its first number.
        start: only those from the first one on that begins there or later.
    """
    salt, at = salt_of(data), 0
    if salt is not None and start:
        at = next_whole(data, salt, (start & ~7) - 8)
    while salt is not None and at < len(data):
        for row, end in rows(data, salt, at):
            at = end
            if row[4] != HEAD_KIND and first <= row[0] <= first + most_in(len(data)):
                yield row, end
        at = next_whole(data, salt, at)


def most_in(size_bytes: int) -> int:
    """How many events a segment of that size can hold at most."""
    return size_bytes // HEAD_BYTES


def levels(data: bytes, first: int, start: int) -> tuple[dict[str, int], int, int]:
    """What the events of a segment from number *start* on are: of which levels, from when to when;
    what cannot be read is in there by no level. *first* is the segment's first number.
    """
    found: dict[str, int] = {}
    since_ns = until_ns = 0
    for row, _ in whole(data, first):
        if row[0] >= start:
            name = level_name(row[3])
            found[name] = found.get(name, 0) + 1
            since_ns, until_ns = since_ns or row[2], row[2]
    return found, since_ns, until_ns

"""The events that stand unread in shared memory of another layout (`relic.py` finds it)."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mplog.ring.relic import LAYOUTS, Journal, Relic, in_use, relics, settings_of, staged

_MAGIC = 0x31474553474F4C50
_PAGE, _SLOTS, _TAIL, _CHUNK = 4096, 8, 8, 1 << 20
_RECORD = struct.Struct("<IIQQQIBBH")
_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class Unread(NamedTuple):
    """A record that was never drained, and whose it is; `untold`: see `layout.h`."""

    session: str
    seq: int
    mono_ns: int
    wall_ns: int
    level: int
    kind: int
    flags: int
    payload: bytes
    pid: int
    name: str
    settled: int
    untold: int


class Lane(NamedTuple):
    """Where in a lane, and in its overflow, unread bytes begin and end."""

    number: int
    control: bytes
    pos: int
    tail: int
    ovf_pos: int
    ovf_end: int

    @property
    def bytes(self) -> int:
        """How many are unread."""
        return max(self.tail - self.pos, 0) + max(self.ovf_end - self.ovf_pos, 0)


def unread(relic: Relic) -> list[Unread]:
    """All events in it that no writer has taken, in the order of their time.

    Raises:
        OSError: a file cannot be read.
        ValueError: the layout is not known here.
    """
    found = [one for segment in _segments(relic) for one in segment.records()]
    return sorted(found, key=lambda one: one.mono_ns)  # stable: a lane's own order stays


def unread_bytes(relic: Relic) -> int:
    """How many bytes no writer has taken; 0 where the layout is not known.

    Raises:
        OSError: a file cannot be read.
    """
    if not relic.readable:
        return 0
    return sum(lane.bytes for segment in _segments(relic) for lane in segment.lanes())


def waiting(directory: str | os.PathLike[str], service: str) -> list[str]:
    """What to tell people who set a service up where another version has left events: never raises.

    Nothing where that version's processes still run: their own writer looks after it.
    """
    told = []
    try:
        for relic in relics(directory, service):
            place = f"of another version of mplog (layout {relic.abi}) in {directory}"
            if not relic.readable:
                right = "install that version and start `mplog serve` with it"
                told.append(f"shared memory {place} cannot be read by this one; {right}")
                continue
            size_bytes = 0 if in_use(relic) else unread_bytes(relic) + len(staged(relic)[0])
            if size_bytes:
                right = f"mplog recover --dir {directory} --service {service} -o FILE"
                wait = f"{size_bytes:,} bytes of events {place} wait"
                told.append(f"{wait}; get them out with: {right}")
    except (OSError, ValueError, struct.error) as error:
        told.append(f"shared memory of another version of mplog in {directory}: {error}")
    return told


def _segments(relic: Relic) -> list[_Segment]:
    if not relic.readable:
        raise ValueError(f"layout {relic.abi} is not known to this version")
    journal = Journal(relic)
    names = [name for name in relic.names if name.endswith(".ring")]
    return [_Segment(relic, relic.directory / name, journal) for name in names]


class _Segment:
    """One segment file, read piece by piece: it is sparse, and may have been cut."""

    def __init__(self, relic: Relic, path: Path, journal: Journal) -> None:
        self._relic, self._path, self._journal = relic, path, journal
        self._layout = LAYOUTS[relic.abi]
        head = self._read(0, _PAGE).ljust(_PAGE, b"\0")
        self._lanes, self._control_off, self._stride = struct.unpack_from("<3I", head, 20)
        self._data_off, self._data_stride, self.id = struct.unpack_from("<3Q", head, 32)
        self._number = struct.unpack_from("<I", head, 80)[0]
        whole = struct.unpack_from("<QI", head) == (_MAGIC, relic.abi) and self._stride == _PAGE
        self._lanes = min(self._lanes, 64) if whole and self._number < 32 else 0

    def lanes(self) -> Iterator[Lane]:
        """Those with anything unread."""
        layout = self._layout
        for number in range(self._lanes):
            control = self._read(self._control_off + number * self._stride, _PAGE)
            if len(control) < _PAGE:
                continue
            pos, ovf_pos = self._journal.heads(self._number, self.id, number)
            tail = _word(control, _TAIL)
            pos = max(pos, _word(control, layout.head))
            ovf_end = 0
            if layout.ovf_end >= 0:
                ovf_end = _word(control, layout.ovf_end)
                ovf_pos = max(ovf_pos, _word(control, layout.ovf_head))
            lane = Lane(number, control, pos, tail, ovf_pos, ovf_end)
            if lane.bytes:
                yield lane

    def records(self) -> Iterator[Unread]:
        """All that is unread, each lane in its own order."""
        for lane in self.lanes():
            yield from self._in_lane(lane)
            yield from self._in_overflow(lane)

    def _in_lane(self, lane: Lane) -> Iterator[Unread]:
        capacity = struct.unpack_from("<I", lane.control, self._layout.capacity)[0]
        start, pos = self._data_off + lane.number * self._data_stride, lane.pos
        if not 0 < capacity <= self._data_stride or lane.tail - pos > capacity:
            return
        data = self._read(start, capacity)
        while pos < lane.tail:
            at = pos % capacity
            length = struct.unpack_from("<I", data.ljust(capacity, b"\0"), at)[0]
            if length < 8 or length % 8 or at + length > capacity or pos + length > lane.tail:
                return
            yield from self._record(lane, data[at : at + length])
            pos += length

    def _in_overflow(self, lane: Lane) -> Iterator[Unread]:
        pos, place = lane.ovf_pos, settings_of(self._relic).get("overflow_dir")
        directory = Path(str(place)) if place else self._path.parent
        stem = f"{self._relic.service}.{self._relic.abi}.{self.id:012x}.{lane.number}"
        while pos < lane.ovf_end:
            data = self._read(0, _CHUNK, directory / f"{stem}.{pos // _CHUNK}.overflow")
            if not data:
                return  # it is gone, or ovf_end was never true
            at = pos % _CHUNK
            while at + 8 <= len(data) and pos < lane.ovf_end:
                length = struct.unpack_from("<I", data, at + 4)[0]
                if length == 0 or length % 8 or at + 8 + length > len(data):
                    break
                yield from self._record(lane, data[at + 8 : at + 8 + length])
                at, pos = at + 8 + length, pos + 8 + length
            else:
                if pos >= lane.ovf_end:
                    return
            pos = (pos // _CHUNK + 1) * _CHUNK

    def _record(self, lane: Lane, raw: bytes) -> Iterator[Unread]:
        if len(raw) < _RECORD.size:
            return  # a pad
        _, epoch, seq, mono, wall, size, level, kind, flags = _RECORD.unpack_from(raw)
        if epoch == 0 or size > len(raw) - _RECORD.size:
            return
        layout, payload = self._layout, raw[_RECORD.size : _RECORD.size + size]
        slot = layout.slots + epoch % _SLOTS * layout.slot_bytes
        pid, name, settled, untold = 0, "", 0, 0
        if _word(lane.control, slot) >> 32 == epoch:
            pid = struct.unpack_from("<I", lane.control, slot + 72)[0]
            name = lane.control[slot + 80 : slot + 128].split(b"\0")[0].decode(errors="replace")
            settled = _word(lane.control, slot + 24)
            untold = _word(lane.control, slot + layout.untold) if layout.untold >= 0 else 0
        session = f"{self.id:012x}-{lane.number}-{epoch}"
        yield Unread(
            session, seq, mono, wall, level, kind, flags, payload, pid, name, settled, untold
        )

    def _read(self, offset: int, size_bytes: int, path: Path | None = None) -> bytes:
        try:
            fd = os.open(path or self._path, _OPEN)
        except FileNotFoundError:
            return b""
        try:
            return os.pread(fd, size_bytes, offset)
        finally:
            os.close(fd)


def _word(data: bytes, at: int) -> int:
    return int(struct.unpack_from("<Q", data, at)[0])

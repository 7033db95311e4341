"""Shared memory that a version of mplog with another layout has left: read as bytes, never mapped
as our own.

Files carry the number of their layout in their names, so no version opens another's. What is
unread in them is found here, by a table of where the words stood; nothing in them is believed that
does not fit.
"""

from __future__ import annotations

import os
import re
import struct
from pathlib import Path
from typing import NamedTuple

import msgspec

from mplog import _native

_KINDS = (
    r"bell|journal|stderr|sinks(?:\.new)?|[0-9]{1,2}\.ring|"
    r"[0-9a-f]{12}\.[0-9]{1,2}\.[0-9]+\.overflow"
)
_NAME = re.compile(rf"(?P<service>.+)\.(?P<abi>[0-9]{{1,4}})\.(?:{_KINDS})", re.DOTALL)
_BELL = 0x314C4542474F4C50
_MOST_BATCHED = 512  # sessions that one batch of any layout can name
_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class Layout(NamedTuple):
    """Where the words of one layout stand, in bytes from the beginning of their struct.

    A word that a layout does not have is -1.
    """

    head: int
    ovf_end: int
    ovf_head: int
    capacity: int
    slots: int
    slot_bytes: int
    untold: int
    positions: int
    ovf_positions: int
    touches: int
    touch_bytes: int


LAYOUTS = {
    1: Layout(256, -1, -1, 644, 648, 128, -1, 1184, -1, 17568, 64),
    2: Layout(384, 16, 512, 772, 776, 136, 56, 1184, 17568, 33952, 72),
}
_TAIL = 8
_JOURNAL_STATE, _STAGING_OFF, _NWRITES, _NTOUCHES, _WRITES = 56, 24, 360, 364, 368
_COMMIT = 1


class Relic(msgspec.Struct, frozen=True):
    """What one service of another layout has left in a directory.

    Attributes:
        names: its files.
        readable: the layout is one that is known here.
    """

    directory: Path
    service: str
    abi: int
    names: tuple[str, ...]

    @property
    def readable(self) -> bool:
        """Its layout is one that is known here."""
        return self.abi in LAYOUTS


def relics(directory: str | os.PathLike[str], service: str | None = None) -> list[Relic]:
    """What other layouts have left in a directory: of one service, or of all.

    Raises:
        OSError: the directory cannot be read.
    """
    found: dict[tuple[str, int], list[str]] = {}
    for name in os.listdir(directory):
        match = _NAME.fullmatch(name)
        if match is None or int(match["abi"]) == _native.ABI:
            continue
        if service is None or match["service"] == service:
            found.setdefault((match["service"], int(match["abi"])), []).append(name)
    return [
        Relic(Path(directory), service, abi, tuple(sorted(names)))
        for (service, abi), names in sorted(found.items())
    ]


def in_use(relic: Relic) -> bool:
    """Whether a process of that version is still at work on it.

    Raises:
        OSError: a file cannot be opened.
    """
    for name in relic.names:
        many = _native.MAX_LANES if name.endswith(".ring") else 3 if name.endswith(".bell") else 0
        if not many:
            continue
        fd = os.open(relic.directory / name, _OPEN)
        try:
            if any(_native.locked(fd, byte) for byte in range(many)):
                return True
        finally:
            os.close(fd)
    return False


def staged(relic: Relic) -> tuple[bytes, int]:
    """The lines of a batch that was committed and that no writer has finished, and where in the log
    they were to begin; (b"", 0) when there is none.
    """
    return Journal(relic).batch()


def settings_of(relic: Relic) -> dict[str, object]:
    """The service's settings, as that version wrote them down; empty when they cannot be read."""
    for name in relic.names:
        if not name.endswith(".bell"):
            continue
        try:
            content = (relic.directory / name).read_bytes()
            magic, _, _, offset, length = struct.unpack_from("<QIIII", content)
            if magic == _BELL:
                said = content[offset : offset + length]
                return msgspec.json.decode(said, type=dict[str, object])
        except (OSError, struct.error, msgspec.MsgspecError, ValueError):
            continue
    return {}


class Journal:
    """What the journal adds: how far the writer was, and a batch that is under way."""

    def __init__(self, relic: Relic) -> None:
        self._layout = LAYOUTS[relic.abi]
        names = [name for name in relic.names if name.endswith(".journal")]
        self._bytes = (relic.directory / names[0]).read_bytes() if names else b""
        if len(self._bytes) < self._layout.touches:
            self._bytes = b""

    def heads(self, segment: int, segment_id: int, lane: int) -> tuple[int, int]:
        """How far lane and overflow were drained, as the journal says."""
        if not self._bytes:
            return 0, 0
        layout, at = self._layout, 8 * (segment * 64 + lane)
        head = self._word(layout.positions + at)
        ovf_head = self._word(layout.ovf_positions + at) if layout.ovf_positions >= 0 else 0
        if self._committed:
            for touch in range(min(self._word(_NTOUCHES, "<I"), _MOST_BATCHED)):
                start = layout.touches + touch * layout.touch_bytes
                if self._word(start) == segment_id and self._word(start + 8, "<I") == lane:
                    head = max(head, self._word(start + 24))
                    if layout.ovf_positions >= 0:
                        ovf_head = max(ovf_head, self._word(start + 32))
        return head, ovf_head

    def batch(self) -> tuple[bytes, int]:
        """See `staged`."""
        if not self._bytes or not self._committed or not self._word(_NWRITES, "<I"):
            return b"", 0
        place, length = self._word(_WRITES + 8), self._word(_WRITES + 16)
        flip = self._word(_WRITES + 24, "<I") & 1
        start = self._word(_STAGING_OFF) + place
        return self._bytes[start : start + length], self._word(_WRITES + 32 + 16 * flip)

    @property
    def _committed(self) -> bool:
        return self._word(_JOURNAL_STATE, "<I") == _COMMIT

    def _word(self, at: int, form: str = "<Q") -> int:
        try:
            return int(struct.unpack_from(form, self._bytes, at)[0])
        except struct.error:
            return 0

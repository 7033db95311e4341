"""How far a spool has been acknowledged: two slots in one file, written in turn.

A slot is a frame with its check sum, and smaller than what a disk writes at once: whoever is killed
while writing one leaves the other. It is written in place, so a full disk does not keep it from
being moved on.
"""

from __future__ import annotations

import contextlib
import os

import msgspec

from mplog import _native
from mplog.event.codec import ENCODER

_SLOT_BYTES = 256


class Position(msgspec.Struct, array_like=True, frozen=True):
    """The number of the next event that nobody has acknowledged, and where it stands.

    Attributes:
        segment: the first number of its segment.
        offset: in there.
    """

    number: int = 1
    segment: int = 1
    offset: int = 0


_DECODER: msgspec.msgpack.Decoder[Position] = msgspec.msgpack.Decoder(Position)


class PositionFile:
    """The file; it is open for as long as the spool.

    Raises:
        OSError: it cannot be made or opened.
    """

    def __init__(self, path: str) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self.fd = os.open(path, flags, 0o600)
        self._turn = 0

    def load(self) -> Position | None:
        """The later one of the two slots; None: neither is whole."""
        found: Position | None = None
        for slot in (0, 1):
            turn, position = _slot(os.pread(self.fd, _SLOT_BYTES, slot * _SLOT_BYTES))
            if position is not None and turn >= self._turn:
                self._turn, found = turn, position
        return found

    def store(self, position: Position) -> None:
        """Move on.

        Raises:
            OSError: it is as it was; what is acknowledged may be delivered again after a restart.
        """
        turn = self._turn + 1
        data = _native.frame_of(turn, ENCODER.encode(position)).ljust(_SLOT_BYTES, b"\0")
        os.pwrite(self.fd, data, turn % 2 * _SLOT_BYTES)
        self._turn = turn

    def close(self) -> None:
        """Let it go."""
        with contextlib.suppress(OSError):
            os.close(self.fd)


def _slot(data: bytes) -> tuple[int, Position | None]:
    try:
        row = _native.frames(data)[0]
        position = _DECODER.decode(row[6])
    except (ValueError, IndexError, msgspec.MsgspecError):
        return 0, None
    sane = position.number >= 1 and position.segment >= 1 and position.offset >= 0
    return (row[0], position) if sane else (0, None)

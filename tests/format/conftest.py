"""The formatters in C beside those in Python."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

from mplog import _native
from mplog.event.codec import ENCODER, decode
from mplog.event.event import Stamped
from mplog.format import formatter

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)

STAMPED = Stamped(1_795_334_400_123_456_789, 20, 0, 0, "0123456789ab-1-7", 42, 1234, "Main")


class Native:
    """The formatter of that *name* in C."""

    DECLINED, NO_ROOM = -1, -2

    def __init__(self, name):
        self.name = name

    def line(self, payload, room=1 << 20, **stamp):
        """What it answers: the line, or a code. *stamp*: what is other than usual."""
        s = msgspec.structs.replace(STAMPED, **stamp)
        head = (s.wall_ns, s.level, s.kind, s.flags, s.session, s.seq, s.pid, s.process_name)
        number = _native.FORMATS[self.name]
        return _native.format_line(number, *head, payload, room, s.filtered)

    def agrees(self, event, **stamp):
        """Whether C made the line; if it did, it is Python's."""
        payload = event if isinstance(event, bytes) else ENCODER.encode(event)
        line = self.line(payload, **stamp)
        if line == self.DECLINED:
            return False
        decoded = decode(payload)
        assert decoded is not None
        stamped = msgspec.structs.replace(STAMPED, **stamp)
        assert formatter(self.name).line(decoded, stamped) == line
        return True


@pytest.fixture(scope="session")
def native():
    """Makes the formatter in C of a name."""
    return Native

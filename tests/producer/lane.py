"""A lane of this process, and what a reader finds in it: the C way of a log call, end to end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from mplog import _native
from mplog.config import REDACTED, Settings
from mplog.event.codec import ENCODER
from mplog.event.event import Event
from mplog.producer.gate import GATE

POLICY = (_native.DROP_NEWEST, 0, 64 << 10)


class Lane:
    """The loggers of this process publish here; it stands in a Connection's place."""

    settings = Settings()

    def __init__(self, directory: Path) -> None:
        _native.bell_create(str(directory), "test", b"{}")
        self.producer = _native.Producer(str(directory), "test", "test", None, ENCODER.encode)
        self.producer.set_policy(*POLICY)
        self.producer.attach()
        self.reader = _native.Reader(str(directory), "test", True)
        self.journal = _native.Journal(str(directory), "test", 1 << 16)
        self.file = os.open(directory / "out", os.O_RDWR | os.O_CREAT, 0o600)
        where = os.fstat(self.file)
        self.journal.set_file(where.st_dev, where.st_ino, 0, 0)

    def items(self) -> list[Any]:
        """What has been published since the last look, as `Reader.drain` gives it; its space is
        free again.
        """
        self.reader.scan(self.journal)
        items = self.reader.drain(1 << 20)
        assert self.reader.accept(len(items))[0] == len(items)
        self.journal.commit(self.reader, self.file, 0)
        return items

    def close(self) -> None:
        """Give the lane back."""
        self.producer.close()
        os.close(self.file)

    def payloads(self) -> list[bytes]:
        """Their payloads."""
        return [item[6] for item in self.items()]

    def events(self) -> list[Event]:
        """Their events."""
        return [msgspec.msgpack.decode(payload, type=Event) for payload in self.payloads()]


@contextmanager
def lane_in(directory: Path) -> Iterator[Lane]:
    """Steer this process's loggers to a lane in *directory*, and back again."""
    lane = Lane(directory)
    GATE.connect(lane, 0)  # type: ignore[arg-type]
    try:
        yield lane
    finally:
        GATE.reset()
        _native.set_redaction(REDACTED)
        lane.close()

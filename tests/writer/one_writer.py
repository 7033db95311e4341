"""A service whose writer and producers are all one process: what the tests of a batch share."""

from __future__ import annotations

import re

from mplog import _native
from mplog._native import Journal, Producer, Reader
from mplog.config import Settings
from mplog.event.codec import ENCODER
from mplog.event.event import Event, ExceptionInfo
from mplog.files.active import ActiveFile
from mplog.format import formatter
from mplog.ring import create_bell, hold
from mplog.writer import account, stage
from mplog.writer.state import ARENA_BYTES, FileSink, Job, Signals

STAGING_BYTES = 64 << 10
TIME = re.compile(rb'"(timestamp|lost\.\w+)":"[^"]*"|, between [^"]*')
PLAIN = Event("shop", "user {user}", {"user": "ann", "n": 3, "x": [1.5]}, {"r": 1}, "f.py", 7)
PAYLOADS = [
    ENCODER.encode(PLAIN),
    ENCODER.encode(Event("shop", "failed", exception=ExceptionInfo("ValueError", "bad"))),
    ENCODER.encode(("shop", "two\nlines\x85")),
    ENCODER.encode(Event("shop", "bytes", {"b": b"x"})),
    b"\xc1 no event",
    ENCODER.encode(Event("shop", "x" * 3_000, {"a": {"b": [None, True]}})),
]


class Place:
    """A service with one writer, which is this process; every producer is one too."""

    def __init__(self, directory, log):
        self.directory, self.settings = directory, Settings(file=str(log))
        create_bell(directory, "shop", self.settings)
        self.supervisor = hold(directory, "shop", _native.LOCK_SUPERVISOR)
        reader = Reader(str(directory), "shop", True, ARENA_BYTES)
        journal = Journal(str(directory), "shop", STAGING_BYTES)
        file = ActiveFile(log, 0o600)
        journal.set_file(file.dev, file.ino, 0, 0)
        self.producers = []
        self.job = Job(
            directory, "shop", self.settings, reader, journal,
            [FileSink(0, self.settings, log, formatter("json"), file)], Signals(), None,
        )  # fmt: skip

    def producer(self, name="web", policy=None):
        producer = Producer(str(self.directory), "shop", name)
        producer.attach()
        if policy is not None:
            producer.set_policy(policy, 0, 1 << 18)
        self.producers.append(producer)
        self.job.reader.scan(self.job.journal)
        return producer

    def both(self, at=0, room_bytes=STAGING_BYTES):
        """The batch and its bytes, made in C; Python's are the same."""
        made = []
        for self.job.native in (False, True):
            self.job.reader.rewind()
            self.job.stage(0, bytes(STAGING_BYTES))
            batch = stage.drain(self.job, at, 1 << 20, room_bytes)
            staged = bytes(memoryview(self.job.journal))
            data = staged[at : at + batch.size_bytes]
            # Each drain reads the clocks anew.
            made.append((batch, TIME.sub(b"", data), staged[:at]))
        assert made[0] == made[1]
        return batch, data.splitlines()

    def deliver(self, batch):
        """What a commit does; the batch's account."""
        accepted = account.accept(self.job, batch)
        self.job.journal.commit(self.job.reader, self.job.file.fd, batch.size_bytes)
        return accepted

    def compose(self, fallback, at=0):
        """What the writer asks of the core, with another fallback."""
        number = _native.FORMATS["json"]
        return self.job.reader.compose(self.job.journal, at, 1_000, number, fallback)

"""A service of two log files whose writer and only producer are this process."""

from __future__ import annotations

import gc
import os
from contextlib import suppress

from mplog import _native
from mplog._native import Producer
from mplog.config import Settings
from mplog.config.file import FileSettings
from mplog.event.codec import ENCODER
from mplog.event.event import Event
from mplog.files.verify import verify
from mplog.ring import create_bell, hold
from mplog.ring.ownership import lock_path, take_ownership
from mplog.writer import recover
from mplog.writer.loop import Loop
from mplog.writer.state import Signals

FAR_S = 1e9  # monotonic: whatever waits for its time is tried


class Two:
    """The first file stands in *folder*; the second in a directory of its own below it.

    Args:
        rules: settings of the second file.
        settings: of the service.
    """

    def __init__(self, directory, folder, rules=None, **settings):
        self.directory = directory
        self.log, self.other = folder / "app.jsonl", folder / "other" / "other.jsonl"
        second = FileSettings(file=str(self.other), **(rules or {}))
        self.settings = Settings(file=str(self.log), files=(second,), **settings)
        create_bell(directory, "shop", self.settings)
        self.supervisor = hold(directory, "shop", _native.LOCK_SUPERVISOR)
        self.producer = Producer(str(directory), "shop", "web")
        self.producer.attach()
        self.signals, self.held = Signals(), []
        self.begin()

    def begin(self):
        """A new writer."""
        self.job = recover.begin(self.directory, "shop", self.settings, self.signals, None)
        self.first, self.second = self.job.sinks
        self.loop = Loop(self.job)

    def end(self):
        """The writer is gone, as one that is killed."""
        for sink in self.job.sinks:
            sink.file.close()
            if sink.lock >= 0:
                os.close(sink.lock)
        del self.loop, self.job, self.first, self.second
        gc.collect()

    def log_one(self, text="one"):
        assert self.producer.publish(20, ENCODER.encode(Event("shop", text)))

    def turn(self):
        """What a turn of the loop does with files that are owed, and a batch."""
        self.loop.owing.look(FAR_S)
        return self.loop._pass()

    def take_away(self, log):
        """The lock beside *log* is deleted, and another service takes it."""
        with suppress(FileNotFoundError):
            os.unlink(lock_path(log))
        self.held.append(take_ownership(log, "other", self.directory))

    def refuse(self):
        """The second file takes nothing until `give_back`: it is open for reading alone."""
        self.take_away(self.other)
        fd = os.open(self.other, os.O_RDONLY)
        os.dup2(fd, self.second.file.fd, inheritable=False)
        os.close(fd)

    @property
    def owed_bytes(self):
        """What the second file has not got."""
        return self.job.journal.apart(1)[0]

    def give_back(self):
        """It leaves again."""
        while self.held:
            os.close(self.held.pop())

    def whole(self):
        """How many events stand in each file; each of them is right."""
        found = []
        for log in (self.log, self.other):
            report = verify(sorted(log.parent.glob(f"{log.stem}*.jsonl")))
            assert (0, 0, 0) == (report.exit_code, report.missing, report.doubled), report.findings
            found.append(report.events)
        return found

    def close(self):
        """All that is open here."""
        self.give_back()
        self.producer.close()
        if hasattr(self, "job"):
            self.end()
        os.close(self.supervisor)

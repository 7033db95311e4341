"""The next batch, made while a large one is written: in which order, in whose room, and when it is
forgotten.
"""

from __future__ import annotations

import os

import msgspec
import one_writer
import pytest

from mplog import _native
from mplog.config import KEYS
from mplog.files.verify import verify
from mplog.writer import ahead
from mplog.writer.loop import Loop

EVENTS = 3_000
LEAST_BYTES = 4 << 10  # what is a large batch here
DRAIN_BYTES = 8 << 10


class Writer:
    """A writer with one producer; what is worth it on a machine with time to spare is done here.

    Attributes:
        made: how many batches were made during a write; `used`: and committed.
    """

    def __init__(self, place):
        self.place, self.job, self.sink = place, place.job, place.job.sinks[0]
        self.producer = place.producer(policy=_native.BLOCK)
        self.made, self.used, self.areas = 0, 0, set()
        self.during = lambda: None
        self.loop = Loop(self.job)

    def rules(self, **settings):
        parsed = {name: KEYS[name].parse(value) for name, value in settings.items()}
        self.sink.settings = msgspec.structs.replace(self.sink.settings, **parsed)
        self.loop = Loop(self.job)

    def publish(self, count=EVENTS):
        for _ in range(count):
            assert self.producer.publish(20, one_writer.PAYLOADS[0])

    def write_all(self):
        """Until nothing is left, the end of the session included."""
        while self.job.reader.pending():
            self.loop._pass()
        self.producer.detach(True)
        while self.job.reader.pending() or self.loop._pass():
            pass

    def report(self):
        folder = self.job.path.parent
        return verify(sorted(folder.glob("app*jsonl")))


@pytest.fixture
def writer(shm, logdir, monkeypatch):
    monkeypatch.setattr(one_writer, "STAGING_BYTES", 4 << 20)
    monkeypatch.setattr(ahead, "LARGE_BYTES", LEAST_BYTES)
    monkeypatch.setattr("mplog.writer.loop.DRAIN_BYTES", DRAIN_BYTES)
    place = one_writer.Place(shm, logdir / "app.jsonl")
    place.job.sinks[0].ranges = {}
    one = Writer(place)
    begin, prepare, take = ahead.Ahead._begin, ahead.Ahead._prepare, ahead.Ahead.take

    def begun(self, parts):
        begin(self, parts)
        one.areas.add(parts[0][1])
        one.during()
        return True  # also where no thread has it

    def prepared(self, size):
        one.made += 1
        return prepare(self, size)

    def taken(self):
        made = take(self)
        one.used += made is not None
        return made

    monkeypatch.setattr(ahead.Ahead, "_begin", begun)
    monkeypatch.setattr(ahead.Ahead, "_prepare", prepared)
    monkeypatch.setattr(ahead.Ahead, "take", taken)
    yield one
    place.job.file.close()
    os.close(place.supervisor)


def is_whole(report, events=EVENTS):
    return (report.events, report.missing, report.doubled, report.ended_clean) == (
        events, 0, 0, 1,
    )  # fmt: skip


def test_batches_follow_each_other_from_two_areas(writer):
    """Each event stands in the file once and in order, and its session ends right."""
    writer.publish()
    writer.write_all()

    assert is_whole(writer.report())
    assert writer.used > 10
    assert {0, writer.job.share_bytes} == writer.areas


def test_a_small_batch_is_written_at_once(writer, monkeypatch):
    """Also one of a format that is Python's, and one that goes onto the disk."""
    for number, change in enumerate(("size", "native", "fsync")):
        with monkeypatch.context() as changed:
            if change == "size":
                changed.setattr(ahead, "LARGE_BYTES", 1 << 30)
            elif change == "native":
                changed.setattr(writer.job, "native", False)
            else:
                settings = msgspec.structs.replace(writer.job.settings, fsync="batch")
                changed.setattr(writer.job, "settings", settings)
            writer.publish(1_000)
            while writer.job.reader.pending():
                writer.loop._pass()
        assert 0 == writer.made, number
    writer.publish(1_000)
    writer.write_all()

    assert writer.made > 0
    assert is_whole(writer.report(), 4_000)


def test_no_file_gets_larger_than_its_limit(writer):
    """The room counts the bytes that are under way."""
    limit = 200_000
    writer.rules(rotation=f"{limit} B")
    writer.publish()
    writer.write_all()
    files = sorted(writer.job.path.parent.glob("app*jsonl"))

    assert is_whole(writer.report())
    assert writer.used > 10
    assert len(files) > 3
    assert all(file.stat().st_size <= limit for file in files)


def test_what_a_write_finds_is_told_before_the_batch_that_was_made_meanwhile(writer):
    """Somebody has cut the file: that batch is made anew, behind the notice."""
    writer.publish()
    writer.loop._pass()
    assert writer.made == 1
    assert writer.loop.ahead._kept is not None
    os.truncate(writer.job.path, 0)
    writer.write_all()
    lines = writer.job.path.read_bytes().splitlines()
    told = [number for number, line in enumerate(lines) if b"truncated" in line]
    numbers = [msgspec.json.decode(line).get("seq") for line in lines]

    assert len(told) == 1
    behind = [number for number in numbers if number is not None]
    assert behind == sorted(set(behind))
    assert 0 < told[0] < len(lines) - 1
    assert writer.used < writer.made


def test_a_write_that_fails_is_done_again_and_what_was_made_meanwhile_is_forgotten(writer):
    """The descriptor takes no bytes; the one opened anew does."""
    failed = []

    def spoil():
        if not failed:
            failed.append(writer.made)

    writer.publish()
    fd = os.open(writer.job.path, os.O_RDONLY)
    os.dup2(fd, writer.sink.file.fd)
    os.close(fd)
    writer.during = spoil
    writer.loop._pass()

    assert failed == [0]
    assert 1 == writer.made
    assert writer.loop.ahead._kept is None
    assert writer.job.reader.counters()["errors"] > 0
    writer.write_all()
    assert is_whole(writer.report())


def test_a_signal_voids_what_was_made(writer):
    """It may bring other settings."""
    writer.publish()
    writer.loop._pass()
    assert writer.loop.ahead._kept is not None
    writer.job.signals.rotate = True
    writer.loop._signals()

    assert writer.loop.ahead.take() is None
    writer.write_all()
    assert is_whole(writer.report())
    assert len(list(writer.job.path.parent.glob("app*jsonl"))) == 2


def test_a_formatter_that_fails_meanwhile_fails_once_the_write_is_over(writer, monkeypatch):
    """The batch that was under way stands in the file then."""
    from mplog.writer import stage

    drain_all = stage.drain_all
    writer.publish()

    def fails(*arguments):
        if writer.made:
            raise MemoryError
        return drain_all(*arguments)

    with monkeypatch.context() as changed:
        changed.setattr(stage, "drain_all", fails)
        writer.loop._pass()
        assert writer.job.journal.state == _native.IDLE
        with pytest.raises(MemoryError):
            writer.loop._pass()
    writer.write_all()
    assert is_whole(writer.report())


def test_a_small_staging_area_is_not_halved(shm, logdir):
    """The longest line must fit."""
    place = one_writer.Place(shm, logdir / "app.jsonl")

    assert 1 == place.job.areas
    assert one_writer.STAGING_BYTES == place.job.share_bytes
    place.job.file.close()
    os.close(place.supervisor)

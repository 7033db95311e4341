"""When a file's time is over, and who is asked; with a clock of its own."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import zoneinfo

import msgspec
import pytest
from one_writer import PAYLOADS

from mplog.config import KEYS
from mplog.files.archive import archive_name, list_archives
from mplog.format.own import OwnFormat
from mplog.producer.trouble import code_of
from mplog.writer import deliver, upkeep
from mplog.writer.loop import Loop
from mplog.writer.upkeep import FileState

HOUR_NS = 3600 * 10**9
ASKED: list[FileState] = []
ANSWERS: list[object] = []


def wanted(state):
    """A callable for rotation, as a user has one."""
    ASKED.append(state)
    answer = ANSWERS.pop(0) if ANSWERS else False
    if isinstance(answer, Exception):
        raise answer
    return answer


@pytest.fixture
def clock(monkeypatch):
    """Nanoseconds that are added to the time of day."""
    ahead = [0]

    def now_ns():
        return time.time_ns() + ahead[0]

    monkeypatch.setattr(upkeep, "now_ns", now_ns)
    monkeypatch.setattr(deliver, "now_ns", now_ns)
    ASKED.clear()
    ANSWERS.clear()
    return ahead


class Writer:
    """One writer after the other on a file with one producer."""

    def __init__(self, place):
        self.place, self.job = place, place.job
        self.sink = self.job.sinks[0]
        self.producer = place.producer()
        self.loop = Loop(self.job)

    def rules(self, **settings):
        parsed = {name: KEYS[name].parse(value) for name, value in settings.items()}
        self.sink.settings = msgspec.structs.replace(self.sink.settings, **parsed)
        self.loop = Loop(self.job)
        return self

    def log_one(self):
        assert self.producer.publish(20, PAYLOADS[0])
        assert self.loop._pass()

    def turn(self, now_s=None):
        """Whether a turn of the loop sets the file aside; then it does."""
        due = self.loop.upkeeps[0].due(time.monotonic() if now_s is None else now_s)
        if due:
            self.loop._rotate(self.sink)
        return due

    def again(self):
        """A new writer that knows nothing."""
        self.sink.rotated_ns = 0
        self.loop = Loop(self.job)

    def archives(self):
        return len(list_archives(self.job.path.parent, self.job.path.name))


@pytest.fixture
def writer(place):
    return Writer(place)


def test_an_interval_counts_from_the_first_event(writer, clock):
    """Not from the start of the writer, nor from the last event."""
    writer.rules(rotation="1 h")
    clock[0] = -5 * HOUR_NS
    assert not writer.turn()
    clock[0] = 0
    writer.log_one()
    clock[0] = HOUR_NS - 10**10
    writer.log_one()
    assert not writer.turn()
    clock[0] = HOUR_NS
    assert writer.turn()
    assert not writer.turn()
    assert 1 == writer.archives()


def test_an_empty_file_is_left_as_it_is(writer, clock):
    """However long: no empty archives; and its time begins with its first event."""
    writer.rules(rotation=["1 h", "hourly"])
    for _ in range(5):
        clock[0] += 24 * HOUR_NS
        assert not writer.turn()
    assert 0 == writer.archives()


@pytest.mark.parametrize("rotation", ["1 h", "hourly UTC", "00:00 UTC", "monthly UTC"])
def test_what_fell_due_while_nobody_was_there_is_made_once(writer, clock, rotation):
    """A year later the next writer sets the file aside, and the one after that does nothing."""
    writer.rules(rotation=rotation)
    writer.log_one()
    clock[0] = 365 * 24 * HOUR_NS
    writer.again()
    assert writer.turn()
    # Events that had waited in shared memory all that time are the first of the new file.
    writer.log_one()
    assert not writer.turn()
    writer.again()
    assert not writer.turn()
    assert 1 == writer.archives()


def test_a_file_that_somebody_has_emptied_is_not_set_aside(writer, clock):
    """Its bytes are gone: there is nothing to keep."""
    writer.rules(rotation="1 h")
    writer.log_one()
    os.truncate(writer.job.path, 0)
    clock[0] = 2 * HOUR_NS

    assert not writer.turn()


def test_a_clock_that_was_years_ahead_holds_nothing_up(writer, clock):
    """The file's time counts anew from when the clock is right again."""
    writer.rules(rotation="1 h")
    writer.log_one()
    clock[0] = -(10**4) * HOUR_NS
    assert not writer.turn()
    clock[0] += HOUR_NS + 10**9
    assert writer.turn()


def test_a_size_alone_asks_no_clock(writer, clock, monkeypatch):
    """The usual turn of the loop costs nothing."""
    writer.rules(rotation="1 MB")
    writer.log_one()
    monkeypatch.setattr(upkeep, "now_ns", None)

    assert not writer.turn()


def test_a_callable_is_asked(writer, clock):
    """It gets the file's state, and what it says is done."""
    writer.rules(rotation=wanted)
    assert not writer.turn()
    assert [] == ASKED
    writer.log_one()
    ANSWERS[:] = [False, True]
    assert not writer.turn(1.0)
    assert writer.turn(2.5)
    size_bytes = (writer.job.path.parent / list_archives(
        writer.job.path.parent, writer.job.path.name
    )[0].name).stat().st_size  # fmt: skip

    assert [(writer.job.path, size_bytes)] * 2 == [(s.path, s.size_bytes) for s in ASKED]
    assert all(0 <= s.now_ns - s.begun_ns < 60 * 10**9 for s in ASKED)


def test_a_callable_is_asked_when_the_file_has_grown_and_once_a_second(writer, clock):
    """Not a thousand times a second."""
    writer.rules(rotation=wanted)
    writer.log_one()
    for now_s in (1.0, 1.1, 1.9, 2.0, 2.5):
        writer.turn(now_s)
    assert 2 == len(ASKED)
    writer.log_one()
    writer.turn(2.6)
    assert 3 == len(ASKED)


def test_a_callable_that_raises_counts_as_no(writer, clock):
    """Told and counted; the other rules hold."""
    writer.rules(rotation=["1 h", wanted])
    writer.log_one()
    ANSWERS[:] = [ValueError("no idea")]
    assert not writer.turn()
    told, code = code_of(writer.job.reader.problem)
    assert "wanted of " in told
    assert "it has raised ValueError: no idea; that counts as no" in told
    assert "MPL-U004" == code
    clock[0] = 2 * HOUR_NS
    assert writer.turn()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("no_such_module.anywhere:x", "ModuleNotFoundError"),
        ("json:no_such_name", "AttributeError"),
        ("json:__doc__", "it is no callable"),
    ],
)
def test_a_callable_that_is_not_there_is_told(writer, clock, name, why):
    """By name and reason; the file goes on by the other rules."""
    writer.rules(rotation=[name, "1 h"])
    assert name in writer.job.reader.problem
    assert why in writer.job.reader.problem
    writer.log_one()
    clock[0] = 2 * HOUR_NS
    assert writer.turn()


def test_archives_that_become_too_old_go_without_a_rotation(writer, clock):
    """Looked at every ten seconds, where an age or the disk is a limit."""
    writer.rules(retention={"age": "1 h"})
    folder, name = writer.job.path.parent, writer.job.path.name
    old = folder / archive_name(name, 1, time.time_ns() - 2 * HOUR_NS)
    old.write_text("{}\n")
    writer.loop.upkeeps[0].look(100.0)
    assert not old.exists()
    old.write_text("{}\n")
    writer.loop.upkeeps[0].look(109.0)
    assert old.exists()


def test_a_count_alone_is_not_looked_at_again(writer, monkeypatch):
    """Only a rotation can change it."""
    writer.rules(retention=0)
    monkeypatch.setattr(upkeep, "delete_old", None)
    writer.loop.upkeeps[0].look(100.0)


def test_what_a_format_of_the_users_own_does_wrong_is_told(writer):
    """Counted, and told once a minute, whatever it says each time; the lines are text instead."""
    failed = iter(range(100))

    def make(line):
        raise LookupError(next(failed))

    writer.rules(format="shop.lines:tabs")
    writer.sink.fmt = OwnFormat(make)
    writer.log_one()
    writer.loop.upkeeps[0].look(100.0)
    told, code = code_of(writer.job.problem)
    assert told.startswith(f"format shop.lines:tabs of {writer.job.path}: it has raised LookupErr")
    assert told.endswith("; such lines are text instead")
    assert "MPL-U004" == code
    assert writer.job.reader.counters()["errors"] == 1
    writer.log_one()
    writer.loop.upkeeps[0].look(110.0)
    assert told in writer.job.problem
    writer.loop.upkeeps[0].look(161.0)
    assert told not in writer.job.problem
    assert b"INFO" in writer.job.path.read_bytes()


def test_a_time_zone_that_is_not_known_here_is_told(writer, clock):
    """The machine of the writer may lack what the program's had; the file goes on, by size."""
    writer.rules(rotation=["00:00 Europe/Rome", "1 MB"])
    writer.log_one()
    zoneinfo.reset_tzpath(to=[])
    zoneinfo.ZoneInfo.clear_cache()
    try:
        with without_module("tzdata"):
            clock[0] = 48 * HOUR_NS
            assert not writer.turn()
    finally:
        zoneinfo.reset_tzpath()
    told, code = code_of(writer.job.reader.problem)

    assert told.startswith(f"rotation of {writer.job.path}: a time zone is not known here")
    assert "MPL-S001" == code
    assert 1 == writer.job.reader.counters()["errors"]
    writer.again()
    assert writer.turn()


@contextlib.contextmanager
def without_module(name):
    """It cannot be imported, as where it is not installed; nor any part of it that has been."""
    before = {
        key: sys.modules.pop(key) for key in list(sys.modules) if f"{key}.".startswith(f"{name}.")
    }
    sys.modules[name] = None
    try:
        yield
    finally:
        del sys.modules[name]
        sys.modules.update(before)

"""A writer that cannot begin waits and tells why; what it has waited for is then told no more."""

from __future__ import annotations

import errno
import os

import pytest

from mplog import _native
from mplog._native import Producer, Reader
from mplog.config import Retention, Settings
from mplog.event.codec import ENCODER
from mplog.event.event import Event
from mplog.files import rotation
from mplog.files.archive import list_archives
from mplog.files.manifest import manifest_path
from mplog.files.verify import verify
from mplog.ring import create_bell, hold
from mplog.writer import another, deliver, loop, recover, retiring
from mplog.writer import work as working
from mplog.writer.loop import Loop
from mplog.writer.state import Signals
from mplog.writer.work import work


class Place:
    """A service whose only producer and only writer is this process."""

    def __init__(self, directory, log, **settings):
        self.directory, self.log = directory, log
        self.settings = Settings(file=str(log), **settings)
        create_bell(directory, "shop", self.settings)
        self.supervisor = hold(directory, "shop", _native.LOCK_SUPERVISOR)
        self.producer = Producer(str(directory), "shop", "web")
        self.producer.attach()
        self.watch = Reader(str(directory), "shop", False, 1 << 16)
        self.told, self.signals = [], Signals()

    def see(self, seconds=0.0):
        """In place of time.sleep: what a program would be told now."""
        self.told.append(self.watch.problem)

    def begin(self):
        job = recover.begin(self.directory, "shop", self.settings, self.signals, None)
        return job, job.sinks[0].lock

    def log_one(self, text="one"):
        assert self.producer.publish(20, ENCODER.encode(Event("shop", text)))


@pytest.fixture
def make(shm, logdir, monkeypatch):
    made = []

    def place(**settings):
        made.append(Place(shm, logdir / "app.jsonl", **settings))
        for module in (recover, deliver):
            monkeypatch.setattr(module.time, "sleep", made[0].see)
        return made[0]

    yield place
    for one in made:
        one.producer.close()
        os.close(one.supervisor)


def failing(times, real, number=errno.ENOSPC):
    """*real*, but that its first *times* calls fail."""
    left = [number] * times

    def call(*args, **named):
        if left:
            raise OSError(left.pop(), os.strerror(number))
        return real(*args, **named)

    return call


def test_full_shared_memory_is_waited_for_and_told(make, monkeypatch):
    """A journal has no room: told, tried again, and told no more once it is there."""
    place = make()
    monkeypatch.setattr(recover, "Journal", failing(2, recover.Journal))
    _, lock = place.begin()
    os.close(lock)

    assert 2 == len(place.told)
    assert all("is full" in text and "ENOSPC" in text for text in place.told)
    assert "" == place.watch.problem


def test_what_a_dead_writer_has_told_is_told_no_more(make):
    """Its successor has begun."""
    place = make()
    place.watch.tell_problem("the writer failed")
    _, lock = place.begin()
    os.close(lock)

    assert "" == place.watch.problem


def test_a_file_that_can_be_opened_again_is_told_no_more(make, monkeypatch):
    """After a reopening that had to wait."""
    place = make()
    job, lock = place.begin()
    monkeypatch.setattr(another, "ActiveFile", failing(1, another.ActiveFile, errno.EACCES))
    deliver.reopen(job, job.sinks[0], None)
    os.close(lock)

    assert ["EACCES" in text for text in place.told] == [True]
    assert "" == place.watch.problem


def test_a_batch_begun_by_a_dead_writer_waits_for_its_file(make, monkeypatch):
    """The redo is tried again, told, and told no more."""
    place = make()
    place.log_one()
    job, lock = place.begin()
    monkeypatch.setattr(job.file, "fd", os.open("/dev/full", os.O_WRONLY))
    place.signals.stop = True
    monkeypatch.setattr(deliver, "GIVE_UP_S", -1.0)
    with pytest.raises(deliver.Abandoned):
        Loop(job)._pass()
    os.close(lock)
    monkeypatch.undo()
    monkeypatch.setattr(deliver.time, "sleep", place.see)
    place.signals.stop = False
    find = recover._find
    monkeypatch.setattr(recover, "_find", failing(1, find, errno.EIO))
    _, lock = place.begin()
    os.close(lock)

    assert "EIO" in place.told[-1]
    assert "" == place.watch.problem
    assert 1 == verify([place.log]).events


def test_an_entry_that_vanishes_during_the_search_is_passed_over(make, monkeypatch):
    """Somebody else's temporary file is no reason not to begin."""
    place = make()
    job, lock = place.begin()
    scandir = os.scandir

    class Vanished:
        def stat(self, follow_symlinks):
            raise FileNotFoundError

    class Entries:
        def __init__(self, path):
            self.found = list(scandir(path))

        def __enter__(self):
            return iter([Vanished(), *self.found])

        def __exit__(self, *args):
            return None

    other = place.log.with_name("renamed")
    other.touch()
    job.journal.set_file(other.stat().st_dev, other.stat().st_ino, 0, 1)
    with monkeypatch.context() as patched:
        patched.setattr(recover.os, "scandir", Entries)
        fd = recover._find(job, job.sinks[0])
    os.close(lock)

    assert fd is not None
    os.close(fd)


def test_a_manifest_that_cannot_be_read_keeps_no_writer_from_beginning(make):
    """Rotation waits until it can be, and says so; events do not."""
    place = make()
    manifest_path(place.log.parent, place.log.name).mkdir()
    job, lock = place.begin()
    place.log_one()
    Loop(job)._pass()
    told = place.watch.problem
    assert not deliver.rotate(job)
    os.close(lock)

    assert "cannot read the manifest" in told
    assert 1 == verify([place.log]).events
    assert "cannot rotate" in place.watch.problem


def test_a_manifest_that_cannot_be_added_to_holds_up_no_event(make, monkeypatch):
    """Told and counted; the archive itself still knows what retention has to know."""
    place = make(retention=Retention(count=0))
    job, lock = place.begin()
    place.log_one("first")
    Loop(job)._pass()
    monkeypatch.setattr(rotation, "append", failing(9, rotation.append, errno.EPERM))
    monkeypatch.setattr(retiring, "retire", failing(9, retiring.retire, errno.EPERM))
    deliver.rotate(job)
    told, kept = place.watch.problem, list_archives(place.log.parent, place.log.name)
    place.log_one("second")
    Loop(job)._pass()
    os.close(lock)

    assert "EPERM" in told
    assert 1 == len(kept)
    assert 2 == verify([place.log]).events
    assert job.reader.counters()["errors"]


def test_a_writer_that_waits_for_its_predecessor_leaves_when_told_to(make):
    """The lock W is not waited for in the kernel."""
    place = make()
    held = hold(place.directory, "shop", _native.LOCK_WRITER)
    place.signals.stop = True

    assert 0 == work(place.directory, "shop", place.signals, os.getppid())
    os.close(held)


def test_a_writer_that_waits_leaves_when_its_supervisor_is_dead_and_another_is_there(make):
    """Else supervisors that are killed one after the other would leave one each, waiting."""
    place = make()
    held = hold(place.directory, "shop", _native.LOCK_WRITER)

    assert 0 == work(place.directory, "shop", place.signals, os.getppid() + 1)
    os.close(held)


def test_a_writer_whose_supervisor_is_dead_waits_on_where_no_other_is_there(make, monkeypatch):
    """Nobody else would deliver what its predecessor leaves."""
    place = make()
    os.close(place.supervisor)
    held = hold(place.directory, "shop", _native.LOCK_WRITER)
    waits = []

    def wait(pause_s):
        waits.append(pause_s)
        place.signals.stop = len(waits) > 3

    monkeypatch.setattr(working.time, "sleep", wait)
    assert 0 == work(place.directory, "shop", place.signals, os.getppid() + 1)
    os.close(held)
    place.supervisor = hold(place.directory, "shop", _native.LOCK_SUPERVISOR)

    assert 4 == len(waits)


def test_a_writer_that_is_told_to_stop_stops_under_any_load(make, monkeypatch):
    """Also when every batch is followed by the next one at once."""
    place = make()
    job, lock = place.begin()
    one = Loop(job)
    passes = []

    def busy():
        passes.append(1)
        assert len(passes) < 1000, "it goes on"
        place.signals.stop = True
        return loop.BUSY_BYTES

    monkeypatch.setattr(one, "_pass", busy)
    monkeypatch.setattr(loop, "STOP_S", 0.0)
    one.run()
    os.close(lock)

    assert passes


def test_segments_that_cannot_be_mapped_now_are_tried_again_and_told(make, monkeypatch):
    """The writer goes on with those it has."""
    place = make()
    job, lock = place.begin()
    one = Loop(job)
    place.log_one()
    real = job.reader

    class Blind:
        def __getattr__(self, name):
            return getattr(real, name)

        def scan(self, journal):
            raise OSError(errno.EMFILE, "Too many open files")

    job.reader = Blind()
    one.endings.scan()
    told = place.watch.problem
    job.reader = real
    one.endings.scan()
    one._pass()
    os.close(lock)

    assert "EMFILE" in told
    assert "" == place.watch.problem
    assert 1 == verify([place.log]).events

"""Another file at the path than the one that is open: taken, or left where it cannot be had."""

from __future__ import annotations

import errno
import os

import msgspec
import pytest
from bounded_files import files_of
from one_writer import PAYLOADS

from mplog.files.verify import verify
from mplog.ring.ownership import lock_path, still_owned, take_ownership
from mplog.writer import another, deliver
from mplog.writer.loop import Loop


def refusing(number):
    """In place of a call of the system that fails."""

    def call(*args, **named):
        raise OSError(number, os.strerror(number))

    return call


def care(job, fsync):
    """The settings of the service ask for so much."""
    job.settings = msgspec.structs.replace(job.settings, fsync=fsync, fsync_interval_s=1e12)


def replace(job, text=b""):
    """Somebody moves the log away, and puts a file of his own there; where the old one is."""
    away = job.path.with_name("moved")
    os.rename(job.path, away)
    job.path.write_bytes(text)
    return away


def test_a_file_that_cannot_be_put_in_force_leaves_the_open_one_there(place):
    """Its last line has no end, and nothing can be written behind it."""
    job, sink = place.job, place.job.sinks[0]
    before, known = sink.file, job.journal.file(0)
    replace(job, b"half a line")
    with files_of(len("half a line")), pytest.raises(OSError, match="File too large"):
        another.take(job, sink, "replaced")

    assert (before, known, []) == (sink.file, job.journal.file(0), sink.notices)
    assert os.fstat(before.fd).st_nlink == 1
    assert b"half a line" == job.path.read_bytes()
    assert another.take(job, sink, "replaced")
    assert ["newline_added", "replaced"] == [notice[0] for notice in sink.notices]


@pytest.mark.parametrize("fsync", ["none", "interval"])
@pytest.mark.parametrize("refused", [False, True])
def test_what_is_left_in_a_file_that_was_moved_away_is_synced_or_in_doubt(
    place, monkeypatch, fsync, refused
):
    """Whoever waits for the disk is not told that it is there, unless it is."""
    job, synced = place.job, []
    producer = place.producer()
    care(job, fsync)
    assert producer.publish(20, PAYLOADS[0])
    Loop(job)._pass()
    old = os.stat(replace(job)).st_ino
    monkeypatch.setattr(
        another.os,
        "fsync",
        refusing(errno.EIO) if refused else lambda fd: synced.append(os.fstat(fd).st_ino),
    )
    assert another.take(job, job.sinks[0], "replaced")

    assert deliver.sync(job)  # all that is in the new file

    cared = fsync == "interval"
    assert [old] * (cared and not refused) == synced
    assert int(cared and refused) == job.reader.counters()["unsynced"]
    assert (cared and not refused) == producer.sync(1.0)


def test_bytes_of_somebody_else_are_not_taken_back(place):
    """Only what is staged now goes whole into the next file; the rest stands where it stood."""
    job, sink = place.job, place.job.sinks[0]
    job.stage(0, b"ours ours")
    for there, left in ((b"theirs", b"theirs"), (b"ours", b""), (b"ours ours", b"")):
        os.pwrite(sink.file.fd, there, 0)
        another.take_back(job, sink, 0)
        assert left == job.path.read_bytes()
        os.ftruncate(sink.file.fd, 0)


def test_a_file_beside_another_services_lock_is_not_taken(place):
    """The lock has been deleted, and another service was faster."""
    job, sink = place.job, place.job.sinks[0]
    sink.lock = take_ownership(job.path, "shop", place.directory)
    os.unlink(lock_path(job.path))
    other = take_ownership(job.path, "other", place.directory)
    replace(job, b"theirs\n")
    before = sink.file
    with pytest.raises(OSError, match="another service writes it"):
        another.take(job, sink, "replaced")
    left = sink.file, job.path.read_bytes()
    os.close(other)
    assert another.take(job, sink, "replaced")
    held = still_owned(job.path, sink.lock)
    os.close(sink.lock)

    assert (before, b"theirs\n") == left
    assert held


def test_a_file_that_says_nothing_may_hold_all_that_was_written(place):
    """Its file system is gone: what is told as in doubt is the whole write."""
    job, sink = place.job, place.job.sinks[0]
    os.pwrite(sink.file.fd, b"x" * 30, 0)
    assert 30 == another.in_doubt(sink, 10, 100)
    kept = os.dup(sink.file.fd)
    os.close(sink.file.fd)
    try:
        assert 100 == another.in_doubt(sink, 10, 100)
    finally:
        os.dup2(kept, sink.file.fd, inheritable=False)
        os.close(kept)
    assert 0 == verify([job.path]).events

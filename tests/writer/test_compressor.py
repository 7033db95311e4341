"""The program that compresses, as the writer sees it: started, never waited for, told about."""

from __future__ import annotations

import errno
import os

import msgspec
import pytest

from mplog.config import Retention
from mplog.files.archive import archive_name, list_archives
from mplog.files.compress import BUSY, CRASHED, NO_LIBRARY
from mplog.writer import compressor
from mplog.writer.compressor import Compressor
from mplog.writer.state import Job

SPAWN = compressor._spawn


@pytest.fixture
def waiting(place, monkeypatch):
    """A compressor with an archive to do, and what its program does instead."""
    job, sink = place.job, place.job.sinks[0]
    changes = {"compression": "gzip", "retention": Retention()}
    sink.settings = msgspec.structs.replace(sink.settings, **changes)
    folder, name = job.path.parent, job.path.name
    (folder / archive_name(name, 1, 0)).write_text("{}\n")
    started = []

    def instead(kind, log):
        started.append((kind, log))
        return os.posix_spawn("/bin/sh", ["sh", "-c", instead.does], {})

    instead.does = "exit 0"
    monkeypatch.setattr(compressor, "_spawn", instead)
    made = Compressor(job, sink)
    made.started, made.program = started, instead
    return made


def over(waiting, now_s, wait_for):
    """Wait until its program has ended and it knows."""
    wait_for(lambda: (waiting.look(now_s), waiting._child == 0)[1], 20.0, "the program's end")


def test_one_program_at_a_time(waiting, wait_for):
    """Started when an archive waits; not again while it works, nor when it is done."""
    waiting.program.does = "sleep 0.2"
    for now_s in (1.0, 1.1, 1.2):
        waiting.look(now_s)
    assert 1 == len(waiting.started)
    over(waiting, 2.0, wait_for)
    waiting.look(3.0)
    assert 1 == len(waiting.started)
    assert not waiting._sink.untidy


def test_without_archives_nothing_is_started(waiting):
    """Nor without a wish."""
    for archive in list_archives(waiting._job.path.parent, waiting._job.path.name):
        (waiting._job.path.parent / archive.name).unlink()
    waiting.look(1.0)
    assert [] == waiting.started
    assert not waiting._sink.untidy


@pytest.mark.parametrize(
    ("does", "told"),
    [
        (f"exit {errno.ENOSPC}", "No space left on device (ENOSPC)"),
        (f"exit {NO_LIBRARY}", "pip install 'mplog[zstd]'"),
        (f"exit {CRASHED}", "the writer's stderr says how"),
        ("kill -9 $$", "killed by signal 9"),
    ],
)
def test_what_goes_wrong_is_told_and_tried_again(waiting, wait_for, does, told):
    """After a pause that grows; and told no more once it is right."""
    job: Job = waiting._job
    waiting.program.does = does
    waiting.look(1.0)
    over(waiting, 1.0, wait_for)
    assert told in job.reader.problem
    waiting.look(1.9)
    assert 1 == len(waiting.started)
    waiting.look(2.1)
    over(waiting, 2.1, wait_for)
    waiting.look(4.0)
    assert 2 == len(waiting.started)
    waiting.program.does = "exit 0"
    waiting.look(4.2)
    over(waiting, 4.2, wait_for)
    assert "" == job.reader.problem


def test_another_one_at_work_is_no_error(waiting, wait_for):
    """It is tried again, in silence."""
    waiting.program.does = f"exit {BUSY}"
    waiting.look(1.0)
    over(waiting, 1.0, wait_for)
    assert "" == waiting._job.reader.problem
    assert waiting._sink.untidy


def test_a_writer_that_leaves_has_it_done(waiting, wait_for):
    """What came since the last start may not have been seen: one more is started."""
    waiting.program.does = "sleep 0.2"
    waiting.look(1.0)
    waiting._sink.untidy = True
    waiting.close()
    assert 2 == len(waiting.started)
    for _ in waiting.started:
        os.wait()


def test_a_program_that_cannot_be_started_is_told_and_tried_again(waiting, monkeypatch, wait_for):
    """There is no such interpreter any more; then it is back."""
    job: Job = waiting._job
    with monkeypatch.context() as patched:
        patched.setattr(compressor, "_spawn", SPAWN)
        patched.setattr("sys.executable", "/nowhere/python")
        patched.setattr(compressor.time, "monotonic", lambda: 1.0)
        waiting.look(1.0)
    told = job.problem
    waiting.look(1.9)
    assert [] == waiting.started
    waiting.look(2.1)
    over(waiting, 2.2, wait_for)

    assert f"cannot compress archives of {job.path}: No such file or directory" in told
    assert 1 == len(waiting.started)
    assert "" == job.problem


def test_a_program_that_somebody_else_has_buried_is_over(waiting):
    """A user's own code in the writer may wait for any child."""
    waiting.look(1.0)
    os.waitpid(waiting._child, 0)
    waiting.look(1.1)

    assert 0 == waiting._child
    assert "" == waiting._job.problem
    waiting._sink.untidy = True
    waiting.look(1.2)
    assert 2 == len(waiting.started)
    os.waitpid(waiting._child, 0)

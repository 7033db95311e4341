"""The writer's loop: when it looks, and what it need not wait for."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mplog.files.verify import verify
from mplog.ring import bell_id
from mplog.writer import deliver
from mplog.writer.loop import BUSY_BYTES, Loop

# The writer comes when all is over, and looks around of itself only once in ten minutes.
LATE_WRITER = """
import os
import sys
from pathlib import Path

import mplog
from mplog import _native
from mplog.config.load import load
from mplog.producer.connection import Connection
from mplog.producer.gate import GATE
from mplog.ring import create_bell, hold
from mplog.writer import endings
from mplog.writer.work import work
from mplog.writer.state import Signals

directory, settings = Path(sys.argv[1]), load(arguments={"file": sys.argv[2]}).settings
create_bell(directory, "late", settings)
supervisor = hold(directory, "late", _native.LOCK_SUPERVISOR)  # so that nobody starts a writer
connection = Connection(directory, "late", settings)
GATE.connect(connection, 20)
assert mplog.get_logger("a").info("first and last")
connection.detach()
os.close(supervisor)
endings.LOOK_S = 600.0
sys.exit(work(directory, "late", Signals(), 0))
"""


@pytest.mark.process
def test_session_that_ends_with_its_last_batch_is_closed_without_another_look(shm, logdir):
    """A program that logs and ends at once would else wait at its exit for the writer's look."""
    log = logdir / "app.jsonl"
    command = [sys.executable, "-c", LATE_WRITER, str(shm), str(log)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    report = verify([log])

    assert (done.returncode, done.stderr) == (0, "")
    assert (report.events, report.ended_clean, report.open_sessions) == (1, 1, [])


def test_archives_are_begun_with_before_the_service_is_taken_down(place, monkeypatch):
    """Once it is down, nobody starts a writer after one that is killed: they would stay plain."""
    place.job.bell = bell_id(place.directory, "shop")
    loop, bells = Loop(place.job), []
    bell = next(place.job.directory.glob("*.bell"))
    monkeypatch.setattr(loop.upkeeps[0], "close", lambda: bells.append(bell.exists()))
    loop.run()

    assert ([True], False) == (bells[:1], bell.exists())


def test_a_writer_says_that_its_supervisor_is_gone(place, monkeypatch):
    """By the word in the bell that names it, however busy it is; producers look then."""
    place.job.bell = bell_id(place.directory, "shop")
    reader = place.job.reader
    reader.set_pids(os.getpid(), 77)
    monkeypatch.setattr(os, "getppid", lambda: 77)
    busy = Loop(place.job)
    moved = busy._look_around(1.0)
    before = reader.supervisor_pid
    monkeypatch.setattr(os, "getppid", lambda: 1)
    busy._look_around(1.5)
    between = reader.supervisor_pid
    busy._look_around(2.5)

    assert (moved, before, between, reader.supervisor_pid) == (False, 77, 77, 0)


def test_a_writer_that_is_never_idle_sees_that_the_service_has_moved(place, monkeypatch):
    """Batch after batch is full, and the bell is another one: it drains the rest, and leaves."""
    loop, passes = Loop(place.job), []

    def full():
        passes.append(1)
        return BUSY_BYTES if len(passes) < 9 else 0

    monkeypatch.setattr(loop, "_pass", full)
    place.job.bell = (0, 0)
    loop.run()
    loop.close()

    assert 9 == len(passes)


def test_a_writer_that_has_an_heir_leaves_the_service_to_it(place, monkeypatch):
    """Its own supervisor was killed, and another one is there, whose writer waits: the service
    stands, and nobody has to begin it anew.
    """
    job = place.job
    job.bell, job.signals.resident = bell_id(place.directory, "shop"), True
    job.signals.supervisor = 77
    monkeypatch.setattr(os, "getppid", lambda: 1)
    loop = Loop(job)
    loop.run()  # `place` holds the lock of a supervisor

    assert next(place.directory.glob("*.bell")).exists()
    loop.close()


def test_a_file_that_is_owed_its_lines_is_waited_for_only_so_long(two, monkeypatch):
    """Where nobody is attached any more; they wait in shared memory for the next writer."""
    one = two()
    one.log_one()
    one.turn()
    one.refuse()
    one.log_one()
    one.turn()
    assert not one.loop._leave(1e6)
    assert one.loop.owing_since_s is None
    one.producer.detach(True)
    one.turn()
    start_s = 2e6
    assert not one.loop._leave(start_s)
    one.job.signals.resident = True  # it is there for whoever comes
    assert not one.loop._leave(start_s + deliver.GIVE_UP_S + 1)
    one.job.signals.resident, start_s = False, 3e6
    assert not one.loop._leave(start_s)
    assert not one.loop._leave(start_s + deliver.GIVE_UP_S)
    with pytest.raises(deliver.Abandoned):
        one.loop._leave(start_s + deliver.GIVE_UP_S + 1)
    assert one.owed_bytes
    one.end()
    one.give_back()
    one.begin()
    one.turn()

    assert [2, 2] == one.whole()

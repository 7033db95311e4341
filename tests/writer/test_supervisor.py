"""The supervisor brings a writer back: at once when it was killed, with pauses when it fails."""

from __future__ import annotations

import os
import signal

import pytest

from mplog import _native
from mplog.config import Settings
from mplog.ring import create_bell, hold
from mplog.writer import supervisor as module
from mplog.writer.supervisor import FIRST_PAUSE_S, LONGEST_PAUSE_S, Supervisor, pause_after


def test_pauses_grow_with_failed_starts_and_end_with_a_steady_life():
    """From the first pause to the longest, doubling; none after a life that was no failed start."""
    pauses = [0.0]
    for _ in range(12):
        pauses.append(pause_after(0.0, pauses[-1]))

    assert FIRST_PAUSE_S == pauses[1]
    assert LONGEST_PAUSE_S == pauses[-1]
    assert sorted(pauses) == pauses
    assert 0.0 == pause_after(module.STEADY_S, LONGEST_PAUSE_S)


@pytest.fixture
def lives(shm, tmp_path, monkeypatch):
    """Run a supervisor here; each life of its writer leaves a line and does what the list says."""
    create_bell(shm, "shop", Settings(file="/logs/app.jsonl"))
    log = tmp_path / "lives"
    slept = []
    monkeypatch.setattr(module.time, "sleep", slept.append)
    handlers = {number: signal.getsignal(number) for number in range(1, 20)}

    def run(*ends):
        def work(directory, service, signals, pid):
            with log.open("a") as file:
                file.write("life\n")
            end = ends[len(log.read_text().splitlines()) - 1]
            if end == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if end == "raise":
                raise RuntimeError("a broken start")
            return end

        code = Supervisor(shm, "shop", worker=work).run()
        return code, len(log.read_text().splitlines()) if log.exists() else 0, slept

    yield run
    for number, handler in handlers.items():
        if number not in (signal.SIGKILL, signal.SIGSTOP) and signal.getsignal(number) != handler:
            signal.signal(number, handler)


def test_it_ends_with_its_writers_work(lives):
    """A writer that is done is not started again."""
    assert (0, 1, []) == lives(0)


def test_a_killed_writer_is_back_without_a_pause(lives):
    """Twice killed, then done: three lives, no pause that is longer than nothing."""
    code, count, slept = lives("kill", "kill", 0)

    assert (0, 3) == (code, count)
    assert {0.0} >= set(slept)


def test_a_writer_that_fails_is_started_again_after_growing_pauses(lives, capfd):
    """What it raised is on its stderr."""
    code, count, slept = lives("raise", 1, "raise", 0)

    assert (0, 4) == (code, count)
    assert slept == sorted(slept)
    assert slept[0] > 0
    assert 2 == capfd.readouterr().err.count("RuntimeError: a broken start")


def test_a_second_supervisor_leaves_at_once(lives, shm):
    """The lock is the election."""
    held = hold(shm, "shop", _native.LOCK_SUPERVISOR)
    try:
        assert (0, 0, []) == lives(0)
    finally:
        os.close(held)

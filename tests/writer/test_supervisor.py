"""The supervisor brings a writer back: at once when it was killed, with pauses when it fails."""

from __future__ import annotations

import os
import resource
import signal
import threading

import pytest

from mplog import _native
from mplog._native import Producer
from mplog.config import Settings
from mplog.ring import create_bell, hold
from mplog.writer import supervisor as module
from mplog.writer.supervisor import (
    FIRST_PAUSE_S,
    KILLED_PAUSE_S,
    LONGEST_PAUSE_S,
    Supervisor,
    pause_after,
)


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
            if end == "deliver":
                with open(_native.bell_path(str(shm), "shop"), "r+b", 0) as bell:
                    done = int.from_bytes(os.pread(bell.fileno(), 8, _native.BELL_DONE), "little")
                    os.pwrite(bell.fileno(), (done + 1).to_bytes(8, "little"), _native.BELL_DONE)
            if end in ("kill", "deliver"):
                os.kill(os.getpid(), signal.SIGKILL)
            if end == "raise":
                raise RuntimeError("a broken start")
            return end

        code = Supervisor(shm, "shop", worker=work).run()
        return code, len(log.read_text().splitlines()) if log.exists() else 0, slept

    yield run
    restore(handlers)


def restore(handlers):
    """The test's own signal handlers are there again."""
    for number, handler in handlers.items():
        if number not in (signal.SIGKILL, signal.SIGSTOP) and signal.getsignal(number) != handler:
            signal.signal(number, handler)


@pytest.mark.parametrize("wish", ["reopen", "rotate", "reload"])
def test_what_is_asked_for_between_two_writers_is_done_by_the_next(
    shm, tmp_path, monkeypatch, wish
):
    """The signal comes while the supervisor pauses after a failed start."""
    number = {"reopen": signal.SIGUSR1, "rotate": signal.SIGUSR2, "reload": signal.SIGHUP}[wish]
    create_bell(shm, "shop", Settings(file="/logs/app.jsonl"))
    supervisor, began, seen = os.getpid(), tmp_path / "began", tmp_path / "seen"
    handlers = {number: signal.getsignal(number) for number in range(1, 20)}
    monkeypatch.setattr(module.time, "sleep", lambda seconds: os.kill(supervisor, number))

    def work(directory, service, signals, pid):
        if not began.exists():
            began.touch()
            raise RuntimeError("a broken start")
        while not getattr(signals, wish):
            os.sched_yield()
        seen.touch()
        return 0

    try:
        assert 0 == Supervisor(shm, "shop", worker=work).run()
    finally:
        restore(handlers)
    assert seen.exists()


def test_it_ends_with_its_writers_work(lives):
    """A writer that is done is not started again."""
    assert (0, 1, []) == lives(0)


def test_a_writer_that_has_left_is_started_for_who_came_meanwhile(lives, shm, monkeypatch):
    """It has found the supervisor's lock held; once nobody is here the supervisor leaves too."""
    real, held = module.hold, []
    producer = Producer(str(shm), "shop", "web")
    producer.attach()

    def hold_again(*args):
        held.append(args)
        if len(held) == 2:
            producer.detach(True)
        return real(*args)

    monkeypatch.setattr(module, "hold", hold_again)

    assert (0, 2, []) == lives(0, 0)
    producer.close()


def test_a_killed_writer_is_back_without_a_pause(lives):
    """The first time, and whenever it had delivered something before."""
    code, count, slept = lives("kill", "deliver", "deliver", "kill", "deliver", 0)

    assert (0, 6) == (code, count)
    assert {0.0} == set(slept)


def test_a_writer_that_dies_at_once_again_and_again_is_back_after_growing_pauses(lives):
    """A crash in its start must not become a tight loop; one delivery ends the row."""
    code, count, slept = lives("kill", "kill", "kill", "kill", "deliver", "kill", 0)

    assert (0, 7) == (code, count)
    assert [0.0, 0.0, 0.0] == [slept[0], slept[4], slept[5]]
    assert FIRST_PAUSE_S == slept[1] < slept[2] < slept[3]


def test_pauses_stay_short_however_often_a_writer_is_killed(lives):
    """Somebody else ended it: its events are not to wait for half a minute."""
    code, count, slept = lives(*["kill"] * 9, 0)

    assert (0, 10) == (code, count)
    assert KILLED_PAUSE_S == max(slept) == slept[-1]


def test_a_writer_that_fails_is_started_again_after_growing_pauses(lives, capfd):
    """What it raised is on its stderr."""
    code, count, slept = lives("raise", 1, "raise", 0)

    assert (0, 4) == (code, count)
    assert slept == sorted(slept)
    assert slept[0] > 0
    assert 2 == capfd.readouterr().err.count("RuntimeError: a broken start")


def test_what_a_writer_raised_is_told_to_the_programs(lives, shm, capfd):
    """Its last line stands in the bell, whatever bytes are in it."""
    lives("raise", 0)
    told = _native.Reader(str(shm), "shop", False, 1 << 16).problem

    assert "the writer failed" in told
    assert "RuntimeError: a broken start" in told


def test_a_problem_with_bytes_that_are_no_text_can_be_told(shm):
    """A path may hold them; telling it must not be what ends the writer."""
    create_bell(shm, "shop", Settings(file="/logs/app.jsonl"))
    reader = _native.Reader(str(shm), "shop", False, 1 << 16)
    reader.tell_problem("cannot write /logs/\udcff.jsonl")

    assert "cannot write /logs/\\udcff.jsonl" == reader.problem


def test_a_supervisor_that_ignores_its_children_still_sees_them_die(lives):
    """SIGCHLD may be inherited as ignored: a killed writer is not one that is done."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    code, count, _ = lives("kill", "kill", 0)

    assert (0, 3) == (code, count)


def test_a_supervisor_that_cannot_fork_tries_again_soon(lives, monkeypatch, shm):
    """However often; and it tells why there is no writer."""
    fork, refused = os.fork, []

    def refusing():
        if len(refused) < 9:
            refused.append(1)
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return fork()

    monkeypatch.setattr(module.os, "fork", refusing)
    code, count, slept = lives(0)

    assert (0, 1, 9) == (code, count, len(slept))
    assert FIRST_PAUSE_S == slept[0]
    assert KILLED_PAUSE_S == max(slept) == slept[-1]
    assert "Resource temporarily" in _native.Reader(str(shm), "shop", False, 1 << 16).problem


def test_a_signal_for_a_writer_that_is_gone_is_no_error(shm):
    """It may come between the writer's death and the next start."""
    one = Supervisor(shm, "shop")
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    one._child = child
    one._pass_on(signal.SIGHUP, None)


def test_a_supervisor_leaves_from_a_pause_when_told_to_stop(shm):
    """A pause may be half a minute long."""
    create_bell(shm, "shop", Settings(file="/logs/app.jsonl"))
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    one = Supervisor(shm, "shop")
    signal.signal(signal.SIGTERM, one._pass_on)
    try:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM)).start()
        with pytest.raises(module._Stopped):
            one._pause(60.0)
        with pytest.raises(module._Stopped):
            one._pause(60.0)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_the_writer_works_up_to_the_hard_limits(tmp_path):
    """A soft limit of the application's own is none of its log's."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 512), hard))
    try:
        seen = tmp_path / "seen"

        def work(*_):
            seen.write_text(str(resource.getrlimit(resource.RLIMIT_NOFILE)[0]))
            return 0

        child = os.fork()
        if child == 0:
            os._exit(module._writer_proper(work, tmp_path, "shop", 0, False))
        os.waitpid(child, 0)
        assert str(hard) == seen.read_text()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_second_supervisor_leaves_at_once(lives, shm):
    """The lock is the election."""
    held = hold(shm, "shop", _native.LOCK_SUPERVISOR)
    try:
        assert (0, 0, []) == lives(0)
    finally:
        os.close(held)


def test_a_supervisor_that_is_told_to_stop_in_a_pause_starts_no_writer(lives, monkeypatch):
    """The signal comes between the death of one and the start of the next."""
    monkeypatch.setattr(module.time, "sleep", lambda seconds: os.kill(os.getpid(), signal.SIGTERM))
    try:
        code, count, _ = lives("raise", 0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)  # of the time that a stop has

    assert (0, 1) == (code, count)


def test_a_writer_that_somebody_else_has_buried_has_failed(shm):
    """How it ended is not known: it is started again, after a pause."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    one = Supervisor(shm, "shop")

    assert module.FAILED == one._wait(child)
    assert 0 == one._child


def test_nobody_is_ended_where_there_is_no_writer(shm, monkeypatch):
    """The time to stop is over while none lives."""
    monkeypatch.setattr(module.os, "kill", None)
    Supervisor(shm, "shop")._end(signal.SIGALRM, None)


def test_a_bell_that_cannot_be_read_tells_of_no_delivery(tmp_path):
    """Its lock's descriptor is of no file."""
    fd = os.open(tmp_path, os.O_RDONLY)
    assert 0 == module._delivered(fd)
    os.close(fd)

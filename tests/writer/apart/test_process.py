"""The process of a sink: what it has of the writer's, what disturbs it, and its end."""

from __future__ import annotations

import errno
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from apart_batches import batch, failure_of
from apartside import left
from descriptors import descriptors


def test_the_end_closes_the_sink_and_lets_it_say_goodbye(apart, place):
    """What its code has registered for the exit is called, in its process."""
    sink = apart("with_farewell")
    sink.open()
    sink.close()

    assert ["open", "close", "farewell"] == left(place, "calls")


def test_a_close_that_never_returns_is_ended(apart, place, monkeypatch):
    """In its time."""
    monkeypatch.setattr("mplog.writer.apart.process.CLOSE_S", 0.5)
    sink = apart("Stubborn")
    sink.open()
    pid = sink._process.pid

    assert "has lasted" in str(failure_of(sink.close))
    assert not Path("/proc", str(pid)).exists()


def test_another_thread_can_end_it_in_whatever_call_it_is(apart, place, wait_for):
    """The write returns with a fault."""
    sink, errors = apart("hold", limit_s=0.0), []
    sink.open()
    thread = threading.Thread(target=lambda: errors.append(failure_of(sink.write, batch("a"))))
    thread.start()
    wait_for(lambda: left(place, "held"), 20.0, "the call")
    sink.kill()
    thread.join(60)

    assert "SIGKILL" in str(errors[0])


def test_a_batch_larger_than_any_buffer_crosses(apart, place):
    """Both ways of the socket are looked at meanwhile."""
    sink = apart("Whole")
    sink.open()
    sink.write(batch(*["x" * 100_000] * 40))

    assert [40, 100_000] == [len(left(place)), len(left(place)[39].split()[1])]


def test_where_somebody_else_has_buried_it_it_has_ended_all_the_same(apart, place):
    """Its status is not known."""
    sink = apart("does")
    sink.open()
    pid = sink._process.pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)

    assert "its process has ended." in str(failure_of(sink.write, batch("a")))
    sink.write(batch("a"))
    assert ["1 a"] == left(place)


def test_one_that_cannot_be_watched_is_not_kept(apart, place, monkeypatch):
    """Neither it nor a descriptor stays; the fault comes out."""
    pids = []

    def no_more(pid):
        pids.append(pid)
        raise OSError(errno.EMFILE, "too many open files")

    monkeypatch.setattr(os, "pidfd_open", no_more)
    before = descriptors()
    error = failure_of(apart("does").open)

    assert errno.EMFILE == error.errno
    assert len(before) == len(os.listdir("/proc/self/fd"))
    assert [False] == [Path("/proc", str(pid)).exists() for pid in pids]


def test_of_ours_it_has_no_descriptor_but_its_own(apart, place):
    """No lock of the writer's among them, even where one may be inherited."""
    ours = os.open("/etc/hostname", os.O_RDONLY)
    os.set_inheritable(ours, True)
    try:
        sink = apart("does")
        sink.open()
        fds = Path("/proc", str(sink._process.pid), "fd")
        found = {int(one.name): os.readlink(one) for one in fds.iterdir()}
    finally:
        os.close(ours)
    kinds = sorted(what.split(":")[0].split(" ")[0] for fd, what in found.items() if fd > 2)

    assert "/dev/null" == found[0]
    assert ["/memfd", "pipe", "socket"] == kinds
    assert {1: os.readlink("/proc/self/fd/1"), 2: os.readlink("/proc/self/fd/2")} == {
        fd: found[fd] for fd in (1, 2)
    }


def test_what_it_prints_goes_where_the_writers_prints_go(apart, place, capfd):
    """And disturbs no answer."""
    sink = apart("Loud")
    sink.open()
    sink.write(batch("a"))

    assert ("printed\n", "told\n") == capfd.readouterr()
    assert ["1 a"] == left(place)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_signals_that_are_meant_for_the_writer_do_nothing(apart, place, number):
    """It has a session of its own, and those that are sent to all do not end it either."""
    sink = apart("does")
    sink.open()
    pid = sink._process.pid
    os.kill(pid, number)
    sink.write(batch("a"))

    assert ["1 a"] == left(place)
    assert (pid, pid) == (os.getsid(pid), sink._process.pid)


def test_it_is_the_first_to_go_where_memory_is_short(apart, place):
    """Before the writer, and before those who log."""
    sink = apart("does")
    sink.open()
    mine = int(Path("/proc/self/oom_score_adj").read_text())

    assert max(mine, 500) == int(Path(f"/proc/{sink._process.pid}/oom_score_adj").read_text())


def test_without_something_to_do_it_sleeps(apart, place, wait_for):
    """No look at anything now and then."""
    sink = apart("does")
    sink.open()
    stat = Path("/proc", str(sink._process.pid), "status")

    def switches():
        return [line for line in stat.read_text().splitlines() if "ctxt_switches" in line]

    wait_for(lambda: "State:\tS" in stat.read_text(), 20.0, "its sleep")
    before = switches()
    time.sleep(0.5)
    assert before == switches()

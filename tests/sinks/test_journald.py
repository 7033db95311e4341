"""The native protocol of journald, with the real journald, journalctl and its --verify."""

from __future__ import annotations

import gc
import os
import socket

import pytest
import told
from journal import Journald
from journal import read_entry as read

from mplog.errors import TargetError, UsageError
from mplog.format.text import visible
from mplog.sinks.base import Sink
from mplog.sinks.journald import JournaldSettings, JournaldSink, entry


@pytest.fixture
def journald(short_path):
    """One that listens."""
    one = Journald(short_path)
    yield one.start()
    one.stop()


def sink_of(one):
    """A sink that leads to it."""
    return JournaldSink(JournaldSettings(socket=str(one.socket)))


@pytest.mark.parametrize("options", [{"socket": "run/x"}, {"timeout_s": 0}, {"timeout_s": 1e9}])
def test_wrong_settings_are_named(options):
    """The place, the value, and what would be right."""
    with pytest.raises(UsageError, match=rf"journald {next(iter(options))}: .*; give "):
        JournaldSink(JournaldSettings(**options))


def test_no_journald_is_an_error_that_may_pass(short_path):
    """Named by its socket."""
    sink = JournaldSink(JournaldSettings(socket=str(short_path / "nobody")))

    assert isinstance(sink, Sink)
    with pytest.raises(TargetError, match="nobody") as caught:
        sink.write([told.outgoing(1)])
    assert caught.value.temporary
    assert 0 == caught.value.done


def test_a_journald_that_takes_nothing_is_given_up_in_time(short_path):
    """Its queue is full: what it has is said, what waits is not sent."""
    path = str(short_path / "s")
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind(path)
    sink = JournaldSink(JournaldSettings(socket=path, timeout_s=0.1))

    with pytest.raises(TargetError) as caught:
        sink.write(told.batch(1, 2_000))

    server.setblocking(False)
    taken = 0
    try:
        while server.recv(65_536):
            taken += 1
    except BlockingIOError:
        pass
    server.close()
    sink.close()
    assert taken == caught.value.done > 0
    assert caught.value.temporary


@pytest.mark.process
@pytest.mark.needs_root
def test_the_real_journald_has_every_event_once_in_order(journald, wait_for):
    """Field by field, hostile content too; its files verify."""
    sink = sink_of(journald)

    sink.open()
    sink.write(told.batch(1, 100))
    sink.write(told.batch(101, 200))
    sink.flush()
    sink.close()

    wait_for(lambda: len(journald.entries()) >= 200, 20, "the last entry")
    journald.stop()
    entries = journald.entries()
    assert list(range(1, 201)) == [int(one["MPLOG_SEQ"]) for one in entries]
    for found, one in zip(entries, told.batch(1, 200), strict=True):
        meant = read(entry(one.event, one.stamped, "mplog"))
        assert meant == {key: found[key] for key in meant}
        assert str(os.getpid()) == found["_PID"]
    assert "PASS" in journald.journalctl("--verify")
    assert "FAIL" not in journald.journalctl("--verify")


@pytest.mark.process
@pytest.mark.needs_root
def test_no_line_of_journalctl_is_forged(journald, wait_for):
    """One line an event, in the short form and in the bare one, and no escape sequence."""
    sink = sink_of(journald)
    sink.write(told.batch(1, 50))
    wait_for(lambda: len(journald.entries()) >= 50, 20, "the last entry")

    for form in ("cat", "short-iso", "with-unit"):
        lines = journald.journalctl("-o", form, "--all", "SYSLOG_IDENTIFIER=mplog").split("\n")
        assert 50 == len(lines) - 1
        assert all(visible(line) == line for line in lines)
    sink.close()


@pytest.mark.process
@pytest.mark.needs_root
def test_an_entry_too_large_for_a_datagram_goes_as_a_sealed_file(journald, wait_for):
    """The kernel's EMSGSIZE, at the real limit and far above it; events before and behind stay in
    their order.
    """
    sink = sink_of(journald)
    sink.open()
    size = sink._sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    large = [told.outgoing(2, "x" * (size + 1_000)), told.outgoing(3, "é" * 3_000_000)]

    sink.write([told.outgoing(1), *large, told.outgoing(4)])

    wait_for(lambda: len(journald.entries()) >= 4, 20, "the last entry")
    entries = journald.entries()
    assert [1, 2, 3, 4] == [int(one["MPLOG_SEQ"]) for one in entries]
    assert ["x" * (size + 1_000), "é" * 3_000_000] == [entries[1]["V"], entries[2]["V"]]
    sink.close()


def test_the_kernel_refuses_such_a_datagram_and_gets_a_file(short_path):
    """What arrives is empty, with one descriptor of a file that nobody can change any more."""
    path = str(short_path / "s")
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind(path)
    sink = JournaldSink(JournaldSettings(socket=path))
    one = told.outgoing(1, "x" * 1_000_000)

    sink.write([one])
    data, files, _, _ = socket.recv_fds(server, 10, 2)

    assert b"" == data
    (file,) = files
    assert entry(one.event, one.stamped, "mplog") == os.pread(file, 8 << 20, 0)
    with pytest.raises(PermissionError):
        os.pwrite(file, b"x", 0)
    with pytest.raises(PermissionError):
        os.ftruncate(file, 0)
    os.close(file)
    server.close()
    sink.close()


@pytest.mark.process
@pytest.mark.needs_root
def test_a_journald_that_is_killed_and_comes_back_is_gone_on_with(journald, wait_for):
    """The first write after its death says so; the next one after its return arrives."""
    sink = sink_of(journald)
    sink.write([told.outgoing(1)])
    wait_for(lambda: len(journald.entries()) >= 1, 20, "the first entry")
    journald.kill()

    with pytest.raises(TargetError) as caught:
        sink.write([told.outgoing(2)])
    assert 0 == caught.value.done
    with pytest.raises(TargetError):
        sink.write([told.outgoing(2)])
    journald.start()
    sink.write([told.outgoing(2), told.outgoing(3)])

    wait_for(lambda: len(journald.entries()) >= 3, 20, "the last entry")
    assert [1, 2, 3] == [int(one["MPLOG_SEQ"]) for one in journald.entries()]
    sink.close()


def test_no_descriptor_is_left_behind(short_path):
    """Neither of sockets nor of files in memory, also where nobody is there."""
    path = str(short_path / "s")
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind(path)
    sink = JournaldSink(JournaldSettings(socket=path, timeout_s=0.05))
    gc.collect()  # what other tests have left is none of this one's
    before = len(os.listdir("/proc/self/fd"))

    sink.write([told.outgoing(1, "x" * 1_000_000)])
    server.close()
    for _ in range(5):
        with pytest.raises(TargetError):
            sink.write([told.outgoing(1)])

    assert before - 1 == len(os.listdir("/proc/self/fd"))

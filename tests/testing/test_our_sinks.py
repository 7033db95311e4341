"""Our own sinks pass the kit that users' sinks have to pass."""

from __future__ import annotations

import socket

import pytest
from listeners import Datagrams, Stream

from mplog.sinks.console import ConsoleSink
from mplog.sinks.journald import JournaldSettings, JournaldSink
from mplog.sinks.syslog import SyslogSettings, SyslogSink
from mplog.testing import check_sink

ALL = 7


def test_syslog_over_udp_is_a_sink():
    """With an outage that the kernel tells by ECONNREFUSED, or not at all."""
    with Datagrams(socket.AF_INET, ("127.0.0.1", 0)) as far:
        settings = SyslogSettings(target=f"udp://127.0.0.1:{far.address[1]}")
        assert ALL == len(check_sink(lambda: SyslogSink(settings), lambda: far.items, far.away))


@pytest.mark.parametrize("kind", ["unix", "unix-dgram"])
def test_syslog_over_unix_datagrams_is_a_sink(tmp_path, kind):
    """As to /dev/log."""
    with Datagrams(socket.AF_UNIX, str(tmp_path / "log")) as far:
        settings = SyslogSettings(target=f"{kind}:{tmp_path}/log")
        assert ALL == len(check_sink(lambda: SyslogSink(settings), lambda: far.items, far.away))


@pytest.mark.parametrize("framing", ["octets", "lf"])
def test_syslog_over_a_unix_stream_is_a_sink(tmp_path, framing):
    """Frames of both kinds; a line feed in an event ends no message."""
    with Stream(socket.AF_UNIX, str(tmp_path / "log"), counted=framing == "octets") as far:
        settings = SyslogSettings(target=f"unix-stream:{tmp_path}/log", framing=framing)
        assert ALL == len(check_sink(lambda: SyslogSink(settings), lambda: far.items, far.away))


def test_syslog_over_tcp_is_a_sink():
    """With a far side that closes its connections and refuses new ones."""
    with Stream(socket.AF_INET, ("127.0.0.1", 0), counted=True) as far:
        settings = SyslogSettings(target=f"tcp://127.0.0.1:{far.address[1]}")
        assert ALL == len(check_sink(lambda: SyslogSink(settings), lambda: far.items, far.away))


def test_journald_is_a_sink(tmp_path):
    """By its native protocol; what is too large for a datagram comes in a sealed file."""
    with Datagrams(socket.AF_UNIX, str(tmp_path / "socket")) as far:
        settings = JournaldSettings(socket=str(tmp_path / "socket"))
        assert ALL == len(check_sink(lambda: JournaldSink(settings), lambda: far.items, far.away))


def test_the_console_is_a_sink(tmp_path):
    """To a file, in which one event is one line that begins at the margin."""
    path = tmp_path / "out"
    path.touch()

    def lines():
        return [line for line in path.read_bytes().split(b"\n")[:-1] if line[:1] != b" "]

    assert ALL - 1 == len(check_sink(lambda: ConsoleSink(str(path), environ={}), lines))

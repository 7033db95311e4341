"""The syslog sink over UDP and local datagrams: what was taken is said, to the event."""

from __future__ import annotations

import os
import socket

import pytest
import rfc5424
import told

from mplog.errors import TargetError
from mplog.sinks.syslog import SyslogSettings, SyslogSink


def sink_of(target, **options):
    """A sink that leads there."""
    return SyslogSink(SyslogSettings(target=target, **{"timeout_s": 20, **options}))


def refused(sink, batch):
    """The error of a write that must fail."""
    with pytest.raises(TargetError) as caught:
        sink.write(batch)
    assert caught.value.temporary
    return caught.value


def test_udp_to_nobody_is_noticed_with_the_batch():
    """The kernel says that nobody listens; the one datagram that it is about is not delivered."""
    with socket.socket(type=socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        held.connect(("127.0.0.1", 9))  # so it takes nothing of us, and nobody else has the port
        sink = sink_of(f"udp://127.0.0.1:{held.getsockname()[1]}")

        assert 0 == refused(sink, told.batch(1, 1)).done
        assert 0 == refused(sink, told.batch(1, 3)).done


@pytest.mark.parametrize("kind", ["unix-dgram", "udp"])
def test_a_datagram_that_is_too_large_is_cut_and_marked(kind, short_path):
    """The kernel's EMSGSIZE: what arrives is as long as it takes, and whole by the grammar."""
    unix = kind == "unix-dgram"
    with socket.socket(socket.AF_UNIX if unix else socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(str(short_path / "s") if unix else ("127.0.0.1", 0))
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        target = f"unix:{short_path}/s" if unix else f"udp://127.0.0.1:{server.getsockname()[1]}"
        sink = sink_of(target, max_bytes=1 << 20)
        sink.open()
        if unix:
            sink._link._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)

        sink.write([told.outgoing(1, "é" * 300_000)])
        first = server.recv(1 << 21)
        sink.write([told.outgoing(2)])
        second = server.recv(1 << 21)
        sink.close()
    read = rfc5424.read(first)
    assert "true" == read.data["mplog@32473"]["cut"]
    assert 30_000 < len(first) <= 131_072
    assert "2" == rfc5424.read(second).data["mplog@32473"]["seq"]


def test_a_full_queue_of_datagrams_is_given_up_in_time(short_path):
    """What has been taken is said, to the event."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(short_path / "s"))
        sink = sink_of(f"unix:{short_path}/s", timeout_s=0.1)
        error = refused(sink, told.batch(1, 2_000))
        server.setblocking(False)
        seqs = [1 for _ in iter(lambda: _received(server), b"")]
        assert len(seqs) == error.done > 0


def _received(server):
    try:
        return server.recv(65_536)
    except BlockingIOError:
        return b""


def test_a_local_server_that_comes_back_is_found_again(short_path):
    """Another socket stands at the path: the write that meets the old one fails, the next not."""
    path = str(short_path / "s")
    first = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    first.bind(path)
    sink = sink_of(f"unix:{path}")
    sink.write([told.outgoing(1)])
    first.close()
    os.unlink(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as second:
        second.bind(path)
        assert 0 == refused(sink, told.batch(2, 3)).done
        sink.write(told.batch(2, 3))
        seqs = [rfc5424.read(second.recv(65_536)).data["mplog@32473"]["seq"] for _ in range(2)]
        assert ["2", "3"] == seqs
    sink.close()

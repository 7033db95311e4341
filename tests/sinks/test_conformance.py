"""The sinks keep to what is asked of every sink, beside the real servers: `check_sink`."""

from __future__ import annotations

import contextlib

import pytest
from journal import Journald
from test_syslog_servers import SERVERS, sink_for

from mplog.sinks.journald import JournaldSettings, JournaldSink
from mplog.testing.conformance import check_sink

pytestmark = pytest.mark.process


@pytest.mark.parametrize("kind", ["unix-dgram", "udp", "tcp", "lf", "tls"])
@pytest.mark.parametrize("name", SERVERS)
def test_syslog_conforms(name, kind, receiver, certs):
    """Order, close, any content, an outage (SIGKILL and a new start), and nothing left behind."""
    server = receiver(name)

    @contextlib.contextmanager
    def outage():
        server.kill()
        yield
        server.start()

    def received():
        return server.out.read_bytes().split(b"\n")[:-1] if server.out.exists() else []

    looked_at = check_sink(lambda: sink_for(server, kind, certs), received, outage)
    assert "survives_an_outage" in looked_at


@pytest.mark.needs_root
def test_journald_conforms(short_path):
    """The same, with the real journald."""
    journald = Journald(short_path).start()

    @contextlib.contextmanager
    def outage():
        journald.kill()
        yield
        journald.start()

    def received():
        return [one["MESSAGE"] for one in journald.entries()]

    def made():
        return JournaldSink(JournaldSettings(socket=str(journald.socket)))

    try:
        assert "survives_an_outage" in check_sink(made, received, outage)
    finally:
        journald.stop()

"""rsyslog and syslog-ng as Debian has them take every event once, in order, as it was."""

from __future__ import annotations

import pytest
import rfc5424
import told

from mplog.sinks.syslog import SyslogSettings, SyslogSink

SERVERS = ["rsyslog", "syslog-ng"]
WAYS = ["unix-dgram", "udp", "tcp", "lf", "tls"]
COUNT = 200


def sink_for(server, kind, certs, **options):
    """A sink that leads to *server*."""
    ca_file = str(certs / "ca.pem") if kind == "tls" else ""
    settings = {"host": "host.example", "ca_file": ca_file, **server.target(kind), **options}
    return SyslogSink(SyslogSettings(**settings))


def meant(one):
    """What the server should have understood."""
    message = SyslogSink(SyslogSettings(host="host.example"))._form.message(one.event, one.stamped)
    return rfc5424.read(message)


def agrees(line, one):
    """What is wrong with *line*, nothing if all is right."""
    read = meant(one)
    (params,) = read.data.values()
    text = read.text
    expected = (read.host, read.app, read.procid, read.msgid, params, text)
    assert expected == (line.host, line.app, line.procid, line.msgid, line.data, line.text)
    assert read.time.removesuffix("Z") == line.time.removesuffix("Z").removesuffix("+00:00")


@pytest.mark.process
@pytest.mark.parametrize("kind", [*WAYS, "unix-stream"])
@pytest.mark.parametrize("name", SERVERS)
def test_every_event_arrives_once_in_order_and_as_it_was(name, kind, receiver, certs, wait_for):
    """Hostile content too, one line each, with every word of the header and every field."""
    if (name, kind) == ("rsyslog", "unix-stream"):
        kind = "unix"  # rsyslog knows datagrams only
    server = receiver(name)
    sink = sink_for(server, kind, certs)

    sink.open()
    for first in range(1, COUNT, 50):
        sink.write(told.batch(first, first + 49))
    sink.flush()
    sink.close()

    wait_for(lambda: len(server.lines()) >= COUNT, 20, "the last line")
    lines = server.lines()
    assert list(range(1, COUNT + 1)) == [line.seq for line in lines]
    for line, one in zip(lines, told.batch(1, COUNT), strict=True):
        agrees(line, one)

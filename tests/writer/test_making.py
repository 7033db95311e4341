"""Sinks as they are configured, made."""

from __future__ import annotations

import pytest

from mplog.config.sink import parse_sinks
from mplog.event.event import Event, Stamped
from mplog.writer.making import make_sink
from mplog.writer.notices import Notices


@pytest.mark.parametrize(
    ("given", "environment", "expected"),
    [({}, "", "mplog"), ({}, "shop", "shop"), ({"app": "till"}, "shop", "till")],
)
def test_the_application_is_called_as_opentelemetry_calls_it_unless_it_is_named(
    monkeypatch, given, environment, expected
):
    """In syslog and in the journal."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", environment)
    syslog, journald = (
        make_sink(parse_sinks([{"type": kind, **given}])[0], {}) for kind in ("syslog", "journald")
    )

    line = syslog._form.message(Event("l", "x"), Stamped(1, 20, 0, 0, "s", 1, 7, "p"))
    assert expected == line.split()[3].decode()
    assert expected == journald._settings.app


def test_what_the_service_tells_comes_from_no_process_that_logs():
    """A worker's name stands in its keys where it is about one."""
    told = Notices()
    told.notice(1, 20, "mplog.session.end", "ended", {"process.name": "worker 3"})
    (one,) = told.take()

    assert ("", 0, "") == (one.stamped.session, one.stamped.pid, one.stamped.process_name)
    assert "worker 3" == one.event.fields["process.name"]

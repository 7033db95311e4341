"""What the service itself has to say to sinks that are no files."""

from __future__ import annotations

import pytest

from mplog.config.sink import parse_sinks
from mplog.sinks.base import Outgoing
from mplog.writer.notices import Notices, is_for, level_for


def test_notices_go_with_their_batch_or_wait():
    """What is dropped is told again by a later batch."""
    notices = Notices()
    notices.notice(1, 20, "a", "one", {})
    notices.drop()
    notices.notice(2, 20, "b", "two", {"n": 1})
    (one,) = notices.take()

    assert isinstance(one, Outgoing)
    assert {"event_name": "b", "message": "two", "n": 1} == one.event.fields
    assert [] == notices.take()
    assert (b"", b"") == (
        notices.line(one.event, one.stamped),
        notices.unreadable(b"", one.stamped),
    )


@pytest.mark.parametrize(
    ("given", "gets"),
    [
        ({}, True),
        ({"level": "ERROR"}, False),
        ({"filter": "level >= ERROR"}, False),
        ({"filter": 'event_name == "mplog.drop"'}, True),
        ({"filter": 'event_name == "mplog.session.end"'}, False),
        ({"standby": True}, False),
    ],
)
def test_level_and_filter_hold_for_notices_too(given, gets):
    """A sink that is to raise alarms is not told of each session's end."""
    notices = Notices()
    notices.notice(1, 30, "mplog.drop", "3 events dropped", {"count": 3})
    (told,) = notices.take()
    (settings,) = parse_sinks([{"type": "null", **given}])

    assert gets == is_for(settings, told)


@pytest.mark.parametrize(
    ("logger", "level"), [("a", 30), ("a.b", 40), ("a.b.c", 40), ("a.bc", 30), ("b", 20), ("", 20)]
)
def test_the_longest_prefix_decides(logger, level):
    """As in C."""
    assert level == level_for(20, (("a", 30), ("a.b", 40)), logger)

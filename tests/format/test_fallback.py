"""An event that a format cannot show still has its line, with its number and no secret."""

from __future__ import annotations

import pytest

from mplog import _native
from mplog.config.limits import REDACTED as NAMES
from mplog.event.event import Event, Stamped
from mplog.format import formatter
from mplog.format.console import ConsoleFormat

STAMPED = Stamped(1_795_334_400_123_456_789, 20, 0, 0, "0123456789ab-1-7", 42, 1234, "Main")


class Raising:
    """What no payload brings, but whoever calls a format or a sink by himself may."""

    def __repr__(self):
        raise ValueError("no")


class Unhashable(str):
    __slots__ = ()
    __hash__ = None


@pytest.mark.parametrize("form", [*map(formatter, ("json", "logfmt", "text")), ConsoleFormat()])
@pytest.mark.parametrize(
    "event",
    [
        Event("shop", "sold", {"item": Raising()}),
        Event("shop", "sold {item}", {"item": [Raising()]}),
        Event("shop", "sold", {}, {"item": {Raising(): 1}}),
    ],
    ids=["field", "message", "key of the context"],
)
def test_what_cannot_be_shown_is_an_unreadable_event_with_its_number(form, event):
    """One whole line, in every format; the next event is shown as ever."""
    line = form.line(event, STAMPED)

    assert (1, True) == (line.count(b"\n"), line.endswith(b"\n"))
    assert b"unreadable event" in line
    assert b"0123456789ab-1-7" in line
    assert b"42" in line
    assert b"sold" in form.line(Event("shop", "sold"), STAMPED)


@pytest.mark.parametrize("name", ["json", "logfmt", "text"])
def test_an_event_that_redaction_cannot_go_through_is_not_shown(name):
    """Rather no text than a secret: the line says what was raised, under the event's number."""
    _native.set_redaction(NAMES)
    event = Event("shop", "password=S3", {"k": Unhashable("token=S4")})
    line = formatter(name, redacts=True).line(event, STAMPED)

    assert b"[redacted]: TypeError in redaction" in line
    assert b"S3" not in line
    assert b"S4" not in line

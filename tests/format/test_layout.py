"""Lines by a layout of the user's: names in braces, and nothing else in them means anything."""

from __future__ import annotations

import pytest

from mplog.config.file import FILE_KEYS
from mplog.config.wrong import WrongValue
from mplog.event.event import Event, ExceptionInfo, Stamped
from mplog.format import formatter

STAMPED = Stamped(1_795_334_400_123_456_789, 30, 0, 0, "0123456789ab-1-7", 42, 1234, "Main")


def line(layout, event, stamped=STAMPED):
    """The line of *event*."""
    return formatter(f"template:{layout}").line(event, stamped).decode()


def test_names_are_an_event_s_own_and_its_fields():
    """The event's win; what it has not stays as it stands, and so does what is no name."""
    event = Event("shop", "user {user}", {"user": "ann", "level": 7}, {"request": "r"}, "f.py", 3)
    layout = (
        "{timestamp} {level} {logger}[{pid}] {message} {user} {request} {file}:{line} {no} {{}}"
    )

    told = "2026-11-22T08:00:00.123456789Z WARNING shop[1234] user ann ann r f.py:3 {no} {}\n"
    assert told == line(layout, event)
    for odd in ("{user.__class__}", "{user!r}", "{user:>10}", "{0}", "%s"):
        assert f"{odd}ann\n" == line(odd + "{user}", event)


def test_one_event_is_one_line_whatever_it_holds():
    """Escaped as text is; a value is no template; an exception not named comes last."""
    error = ExceptionInfo("ValueError", "a\nb")
    event = Event("l", "x\n\x1b[2J{v}", {"v": "{logger}\u2028"}, exception=error)

    assert "x\\n\\x1b[2J{logger}\\u2028 ValueError: a\\nb\n" == line("{message}", event)
    assert "ValueError: a\\nb|\n" == line("{exception}|", event)


def test_the_service_s_own_lines_have_it_too():
    """With their keys as fields."""
    form = formatter("template:{level} {logger} {message} {what}")

    assert b"INFO mplog text truncated\n" == form.notice(1, 20, "e", "text", {"what": "truncated"})


def test_the_setting():
    """On one line, with a name; what is none is told."""
    (key,) = [key for key in FILE_KEYS if key.name == "format"]

    assert "template:{message}" == key.parse("template:{message}")
    for wrong in ("template:", "template:x", "template:{a}\n", "template:{a}" + "x" * 1_000):
        with pytest.raises(WrongValue, match="no template of a line"):
            key.parse(wrong)

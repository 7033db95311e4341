"""Text lines: for people, and safe to look at."""

from __future__ import annotations

import datetime

import msgspec
import pytest

from mplog.event.event import Event, ExceptionInfo, Frame, Stamped
from mplog.format import FORMATS, formatter
from mplog.format.text import TextFormat, visible

STAMPED = Stamped(1_795_334_400_123_456_789, 20, 0, 0, "0123456789ab-1-7", 42, 1234, "Main")


def shown(event, **changes):
    return TextFormat().line(event, msgspec.structs.replace(STAMPED, **changes)).decode()


def test_a_line():
    """Time, level, logger and pid, message, then what the message does not show."""
    event = Event(
        "shop", "user {user} in", {"user": "bo", "n": 1, "s": "a b"}, {"request_id": "r-1"}
    )

    assert (
        '2026-11-22T08:00:00.123456Z INFO     shop[1234] user bo in  request_id=r-1 n=1 s="a b"\n'
        == shown(event)
    )


def test_fields_of_percent_templates_are_all_shown():
    """`{name}` in a `%` template is text, so the field is shown."""
    assert shown(Event("l", "{a} %s", {"a": 1}, args=["x"]), kind=1).endswith("{a} x  a=1\n")


def test_flags_are_told():
    """A cut, late or recovered event says so."""
    assert shown(Event("l", "m"), flags=7).endswith("m (cut) (late) (recovered)\n")


def test_exceptions_and_stacks_stand_indented():
    """Nothing but the first line of an event starts at the margin."""
    info = ExceptionInfo("E", "a\n2026-11-22 forged\r\x1b[2J", [Frame("f\n.py", 1, "g")])

    lines = shown(Event("l", "m", exception=info, stack="Stack:\n  File")).splitlines()

    assert [
        "    Traceback (most recent call last):",
        '      File "f',
        '    .py", line 1, in g',
        "    E: a",
        "    2026-11-22 forged\\r\\x1b[2J",
        "    Stack:",
        "      File",
    ] == lines[1:]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", '""'),
        ("a", "a"),
        ("a=b", '"a=b"'),
        ('say "x"', '"say \\"x\\""'),
        (None, "None"),
        (1.0, "1.0"),
        (["a", 1], "['a', 1]"),
        ("a\nb", "a\\nb"),
        ("ü", "ü"),
    ],
    ids=str,
)
def test_values(value, expected):
    """Values read as they are; what could be mistaken stands in quotes."""
    assert shown(Event("l", "m", {"k": value})).endswith(f"m  k={expected}\n")


def test_visible_leaves_letters_alone():
    """Letters of any script stay; what steers or hides is shown by its code."""
    assert "üß漢😀 \\x1b\\u202e\\x85" == visible("üß漢😀 \x1b\u202e\x85")


def test_unreadable_and_notice():
    """The two other kinds of lines."""
    form = TextFormat()

    assert (
        b"2026-11-22T08:00:00.123456Z INFO     [1234] unreadable event  "
        b"session=0123456789ab-1-7 seq=42 bytes=2 head=c1c1\n"
    ) == form.unreadable(b"\xc1\xc1", STAMPED)
    assert (
        b"1970-01-01T00:00:00.000000Z WARNING  mplog 2\\n dropped  event_name=mplog.drop count=2\n"
    ) == form.notice(0, 30, "mplog.drop", "2\n dropped", {"count": 2})


def test_formats_by_name():
    """Each name gives a formatter; an unknown one is refused with the names there are."""
    assert {"json", "logfmt", "text"} == set(FORMATS)
    assert isinstance(formatter("text"), TextFormat)
    with pytest.raises(ValueError, match="'xml' is unknown; use one of json, logfmt, text"):
        formatter("xml")


def test_a_time_in_a_field_reads_as_a_time():
    """In UTC with its Z; within a list or a map it stands in quotes."""
    at = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    text = shown(Event("l", "m", {"at": at, "all": [at]}))

    assert text.endswith("m  at=2026-01-02T03:04:05Z all=['2026-01-02T03:04:05Z']\n")


def test_what_is_nested_without_end_is_shown_to_its_depth():
    """64 lists or maps deep; what lies deeper is `…`."""
    value = 5
    for _ in range(100):
        value = [value]

    assert shown(Event("l", "m", {"k": value})).endswith(f"m  k={'[' * 65}…{']' * 65}\n")

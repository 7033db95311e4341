"""Events as entries of the journal, read back by a strict reader of its protocol."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from journal import read_entry as read

from mplog.event.event import Event, Stamped
from mplog.format.json import JsonFormat
from mplog.format.text import visible
from mplog.sinks.journald import entry, field_name

STAMPED = Stamped(1_795_334_400_123_456_789, 20, 0, 0, "0123456789ab-1-7", 42, 1234, "Main")


HOSTILE = st.text(st.one_of(st.sampled_from("\n\r\x00\x1b=_ÿ\u2028"), st.characters()), max_size=80)
FIELDS = st.dictionaries(
    HOSTILE, st.one_of(HOSTILE, st.integers(), st.floats(), st.lists(HOSTILE, max_size=3))
)


@settings(max_examples=200, deadline=None)
@given(HOSTILE, HOSTILE, FIELDS, st.none() | FIELDS)
def test_every_event_is_one_entry(logger, template, fields, context):
    """Whatever it holds: names that journald takes, our own not forged, nothing for a terminal."""
    event = Event(logger, template, fields, context)

    found = read(entry(event, STAMPED, "app"))

    assert ("6", "42", "1234") == tuple(
        found[key] for key in ("PRIORITY", "MPLOG_SEQ", "SYSLOG_PID")
    )
    assert "\n" not in found["MESSAGE"]
    for value in found.values():
        assert all(visible(line) == line for line in value.split("\n"))
    shown = [
        "\n".join(visible(line) for line in value.split("\n"))
        for value in {**(context or {}), **fields}.values()
        if isinstance(value, str)
    ]
    left = list(found.values())
    for value in shown:
        left.remove(value)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("user", "USER"),
        ("http.status", "HTTP_STATUS"),
        ("_pid", "F__PID"),
        ("1st", "F_1ST"),
        ("", "F_"),
        ("é", "F__"),
        ("message", "F_MESSAGE"),
        ("Priority", "F_PRIORITY"),
        ("x" * 70, "X" * 64),
    ],
)
def test_names_are_held_to_the_journal_s_rules(key, expected):
    """Capitals, digits and underscores; what would be trusted, or mean something, is set apart."""
    assert expected == field_name(key)


def test_names_that_become_equal_are_numbered():
    """No value is lost, and none appears twice under a name."""
    found = read(entry(Event("l", "m", {"a b": 1, "a_b": 2, "A.B": 3}), STAMPED, "app"))

    assert ["1", "2", "3"] == [found[key] for key in ("A_B", "A_B_2", "A_B_3")]


def test_more_fields_than_an_entry_may_have_are_left_out_and_that_is_said():
    """journald would refuse the entry whole."""
    found = read(entry(Event("l", "m", {f"k{n}": n for n in range(1_500)}), STAMPED, "app"))

    assert "1" == found["MPLOG_CUT"]
    assert 990 < len(found) <= 1_000


def test_another_format_can_make_the_message():
    """A line of JSON."""
    found = read(entry(Event("l", "m", {"a": 1}), STAMPED, "app", JsonFormat()))

    assert 1 == json.loads(found["MESSAGE"])["a"]


class Unshowable:
    """Raises where it is to be shown."""

    def __repr__(self):
        raise RuntimeError

    def line(self, event, stamped):
        """A format that breaks its word."""
        raise RuntimeError


def test_what_cannot_be_shown_leaves_an_entry_with_its_number():
    """A value, or a format, that raises."""
    value = read(entry(Event("l", "m", {"x": Unshowable()}), STAMPED, "app"))
    whole = read(entry(Event("l", "m"), STAMPED, "app", Unshowable()))

    assert ("m", "42") == (value["MESSAGE"], value["MPLOG_SEQ"])
    assert "unrepresentable" in value["X"]
    assert ("unreadable event", "42") == (whole["MESSAGE"], whole["MPLOG_SEQ"])

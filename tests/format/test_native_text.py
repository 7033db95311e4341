"""The formatter of text lines in C: which events it formats, and which it leaves to Python."""

from __future__ import annotations

import datetime
import math

import pytest

from mplog.event.codec import ENCODER
from mplog.event.event import ExceptionInfo

PLACE = ("/srv/app.py", 7, "login", 99, "MainThread", None, None, None)


@pytest.fixture(scope="module")
def form(native):
    """The formatter in C."""
    return native("text")


def event(template="user {user}", fields=None, context=None):
    return ("shop", template, fields or {}, context, *PLACE)


ORDINARY = {
    "three fields": event("user {user} from {ip}", {"user": "ann", "ip": "10.0.0.1", "n": 3}),
    "all of them in the message": event("{user} {n}", {"user": "ann", "n": 3}),
    "no fields": event("started"),
    "braces without fields": event("a {b} {{c}}"),
    "bound context": event("{user} {tenant}", {"user": "ann"}, {"request_id": "r", "tenant": 7}),
    "field over context": event("{n}", {"n": 1, "x": None}, {"a": True, "n": [1, "b"], "z": 0}),
    "numbers": event("x", {"a": -1, "b": 2**64 - 1, "c": -(2**63), "d": 0.5, "e": -0.0}),
    "constants": event("{a}", {"a": True, "b": False, "c": None, "d": True}),
    "unknown names": event("{user} {nobody} {}", {"user": "x"}),
    "doubled braces": event("{{}} {{user}} {user}} {{{user}", {"user": "x"}),
    "escaped name": event("{{a}}", {"a": 1}),
    "keys of any kind": event("x", {"": 1, "a b": 2, "seq": 3, "\n": 4, "é\u202e": 5, 'a="': 6}),
    "wide spaces": event("x", {"a": "\u3000", "b": "x\xa0y", "c": "\u2003", "d": "\u205f"}),
    "escaped spaces": event("x", {"a": "\x1c", "b": "\x85", "c": "\u2028", "d": "\t", "e": "\x00"}),
    "quotes": event("x", {"a": "", "b": '"', "c": "it's", "d": "=", "e": '\\ "\n"' * 4}),
    "long and clean": event("x", {"a": "0123456789abcdef" * 9, "b": "é" * 99, "c": '"' * 99}),
    "logger": ("sh\nop \x1b", "t"),
    "no text anywhere": ("", "", {}, {}, "", 0, "", 0, "", ""),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_event_is_formatted_in_c(form, name):
    """It is not declined, and the line is Python's byte for byte."""
    assert form.agrees(ORDINARY[name])


@pytest.mark.parametrize("args", [None, [], ["x", 5], [None, 5]])
def test_a_percent_template_shows_all_its_fields(form, args):
    """`{a}` in it is text, so the field `a` is shown beside it."""
    parts = (*event("{a} %s %d", {"a": 1, "b": 2}), args)

    assert form.agrees(parts, kind=1)
    assert form.line(ENCODER.encode(parts), kind=1).endswith(b"  a=1 b=2\n")


@pytest.mark.parametrize(
    ("pid", "flags", "process_name"), [(2**32 - 1, 7, "x"), (0, 1, "\n"), (7, 6, "")]
)
def test_the_stamp_is_shown(form, pid, flags, process_name):
    """The process by its number, the flags behind the fields."""
    assert form.agrees(event("x", {"a": 1}), pid=pid, flags=flags, process_name=process_name)


DECLINED_EVENTS = {
    "exception": (*event()[:10], ExceptionInfo("E", "m"), None),
    "stack": (*event()[:10], None, "Stack"),
    "bytes": event("x", {"a": b"x"}),
    "date": event("x", {"a": datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)}),
    "NaN": event("x", {"a": math.nan}),
    "small float": event("x", {"a": 1e-7}),
    "list": event("x", {"a": []}),
    "map": event("x", {"a": {}}),
    "list in the message": event("{a}", {"a": [1]}),
    "many placeholders": event("{a}" * 9, {"a": 1}),
}


@pytest.mark.parametrize("name", DECLINED_EVENTS)
def test_what_is_unusual_is_left_to_python(form, name):
    """The formatter says so instead of writing something else."""
    assert form.DECLINED == form.line(ENCODER.encode(DECLINED_EVENTS[name]))

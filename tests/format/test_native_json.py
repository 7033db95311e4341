"""The formatter of JSON lines in C: which events it formats, and which it leaves to Python."""

from __future__ import annotations

import datetime
import math

import pytest

from mplog.event.codec import ENCODER
from mplog.event.event import Event, ExceptionInfo
from mplog.format.flat import RESERVED

PLACE = ("/srv/app.py", 7, "login", 99, "MainThread", None, None, None)


@pytest.fixture(scope="module")
def form(native):
    """The formatter in C."""
    return native("json")


def event(template="user {user}", fields=None, context=None):
    return ("shop", template, fields or {}, context, *PLACE)


def percent(template, *args):
    return (*event(template), list(args))


ORDINARY = {
    "three fields": event("user {user} from {ip}", {"user": "ann", "ip": "10.0.0.1", "n": 3}),
    "no fields": event("started"),
    "braces without fields": event("a {b} {{c}}"),
    "bound context": event("{user}", {"user": "ann"}, {"request_id": "r-1", "tenant": 7}),
    "field over context": event("{n}", {"n": 1, "x": None}, {"a": True, "n": [1, "b"], "z": 0}),
    "integers": event("{a}", {"a": -1, "b": 2**64 - 1, "c": -(2**63), "d": 65_536, "e": 0}),
    "bools and none": event("{a} {b} {c}", {"a": True, "b": False, "c": None}),
    "nested": event("x", {"a": [1, [], {}, {"k": {"l": [None, -0.0]}}], "m": {"": ""}}),
    "floats": event("{a} {b}", {"a": 0.25, "b": 1 / 3, "c": 1e15, "d": 123.456, "e": -0.0}),
    "unknown names": event("{user} {nobody} {}", {"user": "x"}),
    "doubled braces": event("{{}} {{user}} {user}} {{{user}", {"user": "x"}),
    "odd braces": event("} { {a {b{user}} }{", {"user": "x"}),
    "signs": event("100 % %s %(a)s {%s}", {"%s": "y"}),
    "value like its place": event("{a}", {"a": "{a}"}),
    "values that add up to the template": event("{a}{b}", {"a": "{a}{", "b": "b}"}),
    "empty key": event("{a}", {"": 1, "a": "", " ": "\n"}),
    "reserved keys": event("{seq}", {key: index for index, key in enumerate(sorted(RESERVED))}),
    "all items": Event("", "m", {"a": 1}, None, "", 0, "", 0, "", "Task-1"),
    "two items": ("shop", "started"),
    "three items": ("shop", "{a}", {"a": 1}),
    "four items": ("shop", "{a}", {"a": 1}, {"b": 2}),
    "no text anywhere": ("", "", {}, {}, "", 0, "", 0, "", ""),
}
PERCENT = {
    "text": percent("listening on %s:%d", "::1", 8080),
    "signs": percent("%d%% of %i", 3, -4),
    "plain values": percent("%s %s %s %s %d", True, None, 2**64 - 1, 0.5, False),
    "no args": percent("100% sure"),
    "args are nil": event("100% sure"),
    "braces": percent("{a} %s", 1),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_event_is_formatted_in_c(form, name):
    """It is not declined, and the line is Python's byte for byte."""
    assert form.agrees(ORDINARY[name])


@pytest.mark.parametrize("name", PERCENT)
def test_a_percent_template_of_plain_arguments_is_formatted_in_c(form, name):
    """`%s`, `%d`, `%i` and `%%`, as Python's `%` renders them."""
    assert form.agrees(PERCENT[name], kind=1)


DECLINED_EVENTS = {
    "exception": (*event()[:10], ExceptionInfo("E", "m"), None),
    "stack": (*event()[:10], None, "Stack"),
    "bytes": event("x", {"a": b"x"}),
    "date": event("x", {"a": datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)}),
    "NaN": event("x", {"a": math.nan}),
    "infinity inside": event("x", {"a": [math.inf]}),
    "small float": event("{a}", {"a": 1e-7}),
    "list in the message": event("{a}", {"a": [1]}),
    "number as a key": event("x", {"a": {1: 2}}),
    "deep": event("x", {"a": [[[[[[[[[1]]]]]]]]]}),
    "reserved key beside its new name": event("x", {"seq": 1, "field.seq": 2}),
    "many placeholders": event("{a}" * 9, {"a": 1}),
    "arguments without a percent template": percent("%s", 1),
    "fourteen items": (*event(), None, "more"),
    "one item": ("shop",),
    "a number as the template": ("shop", 5),
    "text as a line": ("shop", "x", {}, None, "f.py", "7"),
    "no event": 5,
}


@pytest.mark.parametrize("name", DECLINED_EVENTS)
def test_what_is_unusual_is_left_to_python(form, name):
    """The formatter says so instead of writing something else."""
    assert form.DECLINED == form.line(ENCODER.encode(DECLINED_EVENTS[name]))


@pytest.mark.parametrize(
    "conversion", ["%r", "%5d", "%-3s", "%.2f", "%f", "%x", "%c", "%(a)s", "%ld", "%", "%d", "%*d"]
)
def test_other_conversions_are_left_to_python(form, conversion):
    """So is `%d` of a text."""
    payload = ENCODER.encode(percent(conversion, "text"))
    assert form.DECLINED == form.line(payload, kind=1)


@pytest.mark.parametrize("args", [(), (1, 2)])
def test_arguments_that_do_not_match_are_left_to_python(form, args):
    """Too few, or too many."""
    payload = ENCODER.encode(percent("%d %d %d" if args else "%d", *(args or (1, 2))))
    assert form.DECLINED == form.line(payload, kind=1)

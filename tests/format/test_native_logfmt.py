"""The formatter of logfmt lines in C: which events it formats, and which it leaves to Python."""

from __future__ import annotations

import math

import pytest

from mplog.event.codec import ENCODER
from mplog.event.event import Event, ExceptionInfo
from mplog.format.flat import RESERVED

PLACE = ("/srv/app.py", 7, "login", 99, "MainThread", None, None, None)


@pytest.fixture(scope="module")
def form(native):
    """The formatter in C."""
    return native("logfmt")


def event(template="user {user}", fields=None, context=None):
    return ("shop", template, fields or {}, context, *PLACE)


NESTED = {"k": ['a"b\\', {"\u2028": None}, "\n"], "": {}}
ORDINARY = {
    "three fields": event("user {user} from {ip}", {"user": "ann", "ip": "10.0.0.1", "n": 3}),
    "no fields": event("started"),
    "one word": event("{a}", {"a": "started"}),
    "no message": event("{a}", {"a": ""}),
    "braces without fields": event("a {b} {{c}}"),
    "bound context": event("{user}", {"user": "ann"}, {"request_id": "r-1", "tenant": 7}),
    "field over context": event("{n}", {"n": 1, "x": None}, {"a": True, "n": [1, "b"], "z": 0}),
    "numbers": event("x", {"a": -1, "b": 2**64 - 1, "c": -(2**63), "d": 0.5, "e": 1e15}),
    "constants": event("{a}", {"a": True, "b": False, "c": None}),
    "nested": event("x", {"a": [1, 2], "b": [], "c": {}, "d": NESTED, "e": [True, None, 0.5]}),
    "nested quotes": event("x", {"a": ['"' * 99], "b": ["\\" * 99], "c": ["a b"], "d": ["="]}),
    "bare": event("x", {"a": "it's", "b": "a/b:c,[d]{e}~!#$%&'()*+-.;<>?@^_`|", "c": "-"}),
    "quoted": event("x", {"a": "", "b": "=", "c": "a b", "d": '"', "e": "\\", "f": "é", "g": "\0"}),
    "reserved keys": event("{seq}", {key: index for index, key in enumerate(sorted(RESERVED))}),
    "keys with anything but four": event("x", {"a.b-c/d'e\\f[g]": 1, "~!": 2}),
    "all items": Event("", "m", {"a": 1}, None, "", 0, "", 0, "", "Task-1"),
    "names in quotes": ("a b", "x", {}, None, "/a b.py", 1, "<lambda> =", 9, "T 1", "Task é"),
    "two items": ("shop", "started"),
    "no text anywhere": ("", "", {}, {}, "", 0, "", 0, "", ""),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_event_is_formatted_in_c(form, name):
    """It is not declined, and the line is Python's byte for byte."""
    assert form.agrees(ORDINARY[name], process_name="a b")


DECLINED_EVENTS = {
    "exception": (*event()[:10], ExceptionInfo("E", "m"), None),
    "bytes": event("x", {"a": b"x"}),
    "NaN": event("x", {"a": math.nan}),
    "number as a key": event("x", {"a": {1: 2}}),
    "key with a space": event("x", {"a b": 1}),
    "key with a sign": event("x", {"a=b": 1}),
    "key with a quote": event("x", {'a"': 1}),
    "key with a control": event("x", {"a\x7f": 1}),
    "key beyond ASCII": event("x", {"é": 1}),
    "empty key": event("x", {"": 1}),
    "reserved key beside its new name": event("x", {"seq": 1, "field.seq": 2}),
    "many placeholders": event("{a}" * 9, {"a": 1}),
}


@pytest.mark.parametrize("name", DECLINED_EVENTS)
def test_what_is_unusual_is_left_to_python(form, name):
    """The formatter says so instead of writing something else."""
    assert form.DECLINED == form.line(ENCODER.encode(DECLINED_EVENTS[name]))


@pytest.mark.parametrize("name", ["a", "quoted value", "[1,2]", '["x"]'])
def test_there_is_no_line_in_less_room_than_it_takes(form, name):
    """Also where a quote is put first and found to be of no use."""
    value = [1, 2] if name == "[1,2]" else [name] if name.startswith("[") else name
    payload = ENCODER.encode(("l", name.replace(" ", ""), {"v": value}))
    length = len(form.line(payload))

    assert form.line(payload) == form.line(payload, length)
    assert {form.NO_ROOM} == {form.line(payload, room) for room in range(length)}

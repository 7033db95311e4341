"""logfmt lines: whatever the event holds, any reader of logfmt gets each value back."""

from __future__ import annotations

import datetime
import json
import math
import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mplog.event import codec
from mplog.event.event import Event, ExceptionInfo, Frame, Stamped
from mplog.format import formatter
from mplog.format.flat import RESERVED
from mplog.format.logfmt import LogfmtFormat

STAMPED = Stamped(1_795_334_400_123_456_789, 20, 0, 0, "0123456789ab-1-7", 42, 1234, "Main")
PAIR = re.compile(r'([^\s="]+)=("(?:[^"\\\x00-\x1f]|\\.)*"|[^\s="]+)(?: |$)')


def parsed(line):
    """The pairs of the line, as a strict reader of logfmt sees them: each in its place."""
    text = line.decode()
    assert text.endswith("\n")
    assert 1 == len(text.splitlines())
    out, at = {}, 0
    while at < len(text) - 1:
        match = PAIR.match(text, at, len(text) - 1)
        assert match, text[at:]
        key, value = match.groups()
        assert key not in out
        out[key] = json.loads(value) if value.startswith('"') else value
        at = match.end()
    return out


def shown(event, **stamp):
    return parsed(LogfmtFormat().line(event, msgspec.structs.replace(STAMPED, **stamp)))


def test_a_line():
    """The names and the order of the JSON lines."""
    event = Event("shop", "user {user} in", {"user": "bo", "n": 1}, {"r": "a b"}, "/app.py", 7, "f")

    assert (
        b'timestamp=2026-11-22T08:00:00.123456789Z level=INFO logger=shop message="user bo in" '
        b'template="user {user} in" r="a b" user=bo n=1 code.file.path=/app.py '
        b"code.line.number=7 code.function.name=f process.pid=1234 process.name=Main "
        b"session=0123456789ab-1-7 seq=42\n"
    ) == LogfmtFormat().line(event, STAMPED)


def test_the_keys_are_those_of_json_in_their_order():
    """Whoever knows one of the two formats knows the other's names."""
    info = ExceptionInfo("ValueError", "bad", [Frame("f.py", 3, "g", "x()")])
    event = Event(
        "l", "m {a}", {"a": 1, "seq": 2}, {"c": 3}, "f", 7, "g", 99, "T", "Task", info, "S"
    )
    stamped = msgspec.structs.replace(STAMPED, flags=7)

    line = json.loads(formatter("json").line(event, stamped))

    told = parsed(formatter("logfmt").line(event, stamped))
    assert list(line) == list(told)
    assert line["exception.stacktrace"] == told["exception.stacktrace"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", "a"),
        ("", '""'),
        ("a b", '"a b"'),
        ("a=b", '"a=b"'),
        ('say "x"', r'"say \"x\""'),
        ("a\\b", r'"a\\b"'),
        ("a\nb\t\x1b", r'"a\nb\t\u001b"'),
        ("\x7f\x85\u2028\u202e", r'"\u007f\u0085\u2028\u202e"'),
        ("ü漢", '"ü漢"'),
        ("it's/[x]{y}", "it's/[x]{y}"),
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (-5, "-5"),
        (1.0, "1.0"),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
        (b"\0\xff\0", "AP8A"),
        (b"\0\xff", '"AP8="'),
        (datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc), "2026-01-02T00:00:00Z"),
        ([1, 2], "[1,2]"),
        ([], "[]"),
        ({"k": ['"', None, math.nan]}, r'"{\"k\":[\"\\\"\",null,\"NaN\"]}"'),
        (["\u2028"], r'"[\"\\u2028\"]"'),
        ({1: "a", "1": "b"}, r'"{\"1\":\"a\",\"1~2\":\"b\"}"'),
        ("\ud800", r'"\\ud800"'),
        (10**5_000, hex(10**5_000)[:100]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values(value, expected):
    """Bare where every reader takes it so, else a JSON string; a container is its JSON."""
    line = LogfmtFormat().line(Event("l", "m", {"k": value}), STAMPED).decode()

    assert f"message=m k={expected} process.pid" in line


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("a.b-c/d", "a.b-c/d"),
        ("größe", "größe"),
        ("a b", "a_b"),
        ('a="b"', "a__b_"),
        ("", "_"),
        ("a\n\x1b\x85\u2028\u202e\u3000\xa0", "a_______"),
        ("event name", "field.event_name"),
        ("seq", "field.seq"),
    ],
    ids=ascii,
)
def test_keys(key, expected):
    """What would end a key becomes `_`, and a key that then is one of ours gets its prefix."""
    assert "x" == shown(Event("l", "m", {key: "x"}))[expected]
    assert "x" == shown(Event("l", "m", {}, {key: "x"}))[expected]


@pytest.mark.parametrize("keys", [["a b", "a_b", "a=b"], ["a=b", "a b", "a_b~2"], ["", "_", " "]])
def test_keys_that_become_the_same_stay_apart(keys):
    """No value is lost, and a key that needs no change has none."""
    line = shown(Event("l", "m", {key: f"v{key}" for key in keys}))

    values = {f"v{key}" for key in keys}
    assert values == values & set(line.values())
    assert all(line[key] == f"v{key}" for key in keys if re.fullmatch(r"[\w~]+", key))


@pytest.mark.parametrize("key", sorted(RESERVED))
def test_no_reserved_key_can_be_taken(key):
    """Every reserved name is renamed when a user has it."""
    assert "x" == shown(Event("l", "m", {key: "x"}))[f"field.{key}"]


def test_unreadable_payloads_keep_their_number():
    """What does not decode is a line all the same: session, number, and the head of its bytes."""
    assert (
        b'timestamp=2026-11-22T08:00:00.123456789Z level=INFO message="unreadable event" '
        b"unreadable=true unreadable.bytes=2 unreadable.head=c1c1 process.pid=1234 "
        b"process.name=Main session=0123456789ab-1-7 seq=42\n"
    ) == LogfmtFormat().unreadable(b"\xc1\xc1", STAMPED)


def test_notices_have_no_number():
    """The service's own lines: logger `mplog`, an event name, their keys as they are, no `seq`."""
    keys = {"session": "s", "count": 2, "clean": False, "reasons": {"lane_full": {"INFO": 2}}}

    assert (
        b"timestamp=1970-01-01T00:00:01.000000000Z level=WARNING logger=mplog "
        b'event_name=mplog.drop message="2 dropped" session=s count=2 clean=false '
        b'reasons="{\\"lane_full\\":{\\"INFO\\":2}}"\n'
    ) == LogfmtFormat().notice(10**9, 30, "mplog.drop", "2 dropped", keys)


TEXTS = st.text() | st.text(' ="\\\n\x85\u2028a', max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(TEXTS, st.dictionaries(TEXTS | st.sampled_from(sorted(RESERVED)), VALUES, max_size=5), TEXTS)
def test_any_event_is_one_line_of_pairs(template, fields, name):
    """Through the wire and into a line: no key twice, and what is text comes back as it was."""
    event = Event(name, template, fields, {name: 1}, name, 1, name, 1, name, name)

    decoded = codec.decode(codec.encode(event, 65_536)[0])

    line = shown(decoded)
    assert ("0123456789ab-1-7", "42") == (line["session"], line["seq"])
    assert name == line.get("logger", "")
    values = {value for value in decoded.fields.values() if type(value) is str}
    assert values <= set(line.values())

"""JSON lines: strict, flat, in the agreed order, whatever the event holds."""

from __future__ import annotations

import datetime
import json
import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mplog.event import codec
from mplog.event.event import Event, ExceptionInfo, Frame, Stamped
from mplog.format.flat import RESERVED
from mplog.format.json import JsonFormat

STAMPED = Stamped(1_795_334_400_123_456_789, 20, 0, 0, "0123456789ab-1-7", 42, 1234, "Main")
END = {"session": "0123456789ab-1-7", "seq": 42}
HEAD = {"timestamp": "2026-11-22T08:00:00.123456789Z", "level": "INFO"}


def parsed(line):
    """The one object of the line: strict JSON without doubled keys."""

    def unique(pairs):
        assert len(pairs) == len(dict(pairs)), pairs
        return dict(pairs)

    def never(constant):
        raise AssertionError(constant)

    assert line.endswith(b"\n")
    assert 1 == len(line.decode().splitlines())
    return json.loads(line, object_pairs_hook=unique, parse_constant=never)


def shown(event, stamped=STAMPED):
    return parsed(JsonFormat().line(event, stamped))


def test_a_whole_line_in_its_order():
    """Every key of the contract, in the contract's order."""
    info = ExceptionInfo("ValueError", "bad", [Frame("f.py", 3, "g", "x()")])
    event = Event(
        "shop",
        "user {user}",
        {"user": "alice", "n": 1},
        {"request_id": "r", "n": 9},
        "/srv/app.py",
        7,
        "login",
        99,
        "T",
        "Task-1",
        info,
        "Stack",
    )
    stamped = msgspec.structs.replace(STAMPED, flags=7, filtered=3)

    line = shown(event, stamped)

    assert [
        "timestamp",
        "level",
        "logger",
        "message",
        "template",
        "request_id",
        "n",
        "user",
        "exception.type",
        "exception.message",
        "exception.stacktrace",
        "stack",
        "code.file.path",
        "code.line.number",
        "code.function.name",
        "process.pid",
        "process.name",
        "thread.id",
        "thread.name",
        "task_name",
        "cut",
        "late",
        "recovered",
        "filtered",
        "session",
        "seq",
    ] == list(line)
    assert ("user alice", "user {user}", 1) == (line["message"], line["template"], line["n"])
    assert line["exception.stacktrace"].endswith("    x()\nValueError: bad")


def test_empty_parts_are_left_out():
    """What is empty is not in the line; the template only where it differs from the message."""
    expected = HEAD | {"message": "m", "process.pid": 1234, "process.name": "Main"} | END

    assert expected == shown(Event("", "m"))


def test_clashing_keys_are_renamed_and_never_doubled():
    """A key of the contract, used by the user, becomes `field.<key>`, also where that is taken."""
    fields = {"level": 1, "field.level": 2, "seq": 3, "ok": 4, "event_name": 5}

    line = shown(Event("l", "m", fields))

    assert (2, 1, 3, 4, 5) == (
        line["field.level"],
        line["field.field.level"],
        line["field.seq"],
        line["ok"],
        line["field.event_name"],
    )
    assert ("INFO", 42) == (line["level"], line["seq"])


@pytest.mark.parametrize("key", sorted(RESERVED))
def test_no_reserved_key_can_be_taken(key):
    """Every reserved name is renamed when a user has it, in fields and context alike."""
    assert "x" == shown(Event("l", "m", {key: "x"}))[f"field.{key}"]
    assert "x" == shown(Event("l", "m", {}, {key: "x"}))[f"field.{key}"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (None, None),
        ("null", "null"),
        ([math.nan, {"a": math.inf}], ["NaN", {"a": "Infinity"}]),
        (b"\0\xff", "AP8="),
        ([b"a"], ["YQ=="]),
        ({1: "a", "1": "b"}, {"1": "a", "1~2": "b"}),
        ({None: 1, True: 2, 1.5: 3}, {"None": 1, "True": 2, "1.5": 3}),
        ({(1, 2): 3, b"x": 4}, {"[1, 2]": 3, "b'x'": 4}),
        (2**64 - 1, 2**64 - 1),
        (1e300, 1e300),
        (datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc), "2026-01-02T00:00:00Z"),
        (
            [datetime.datetime(2026, 1, 2, 3, 4, 5, 6, datetime.timezone.utc)],
            ["2026-01-02T03:04:05.000006Z"],
        ),
        ("\ud800", "\\ud800"),
        (10**5_000, hex(10**5_000)[:100]),
        (object, "<class 'object'>"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values(value, expected):
    """Whatever strict JSON has no form for takes one that it has."""
    assert expected == shown(Event("l", "m", {"k": value, "none": None}))["k"]


@pytest.mark.parametrize(
    "event",
    [
        Event(
            "\ud800",
            "\ud800 {a}",
            {"\ud800": "\ud800"},
            {"\udc80": 1},
            "\ud800",
            1,
            "\ud800",
            1,
            "\ud800",
            "\ud800",
            ExceptionInfo("\ud800", "\ud800", [Frame("\ud800", 1, "\ud800")]),
            "\ud800",
            ["\ud800"],
        ),
        Event("l", "m", {"k": [[[]]]}, None, "", None, None, None),
    ],
)
def test_events_that_no_payload_holds_are_lines_too(event):
    """An event that never went over the wire is bent into a line."""
    assert 42 == shown(event)["seq"]


def test_depth_is_bounded():
    """Nesting beyond the bound ends in a mark, not in an error."""
    value: list = []
    for _ in range(900):
        value = [value]

    assert "…" in json.dumps(shown(Event("l", "m", {"k": value}))["k"], ensure_ascii=False)


@pytest.mark.parametrize("wall_ns", [0, -1, -(2**63), 2**64 - 1, 2**80, 253_402_300_800 * 10**9])
def test_any_time_is_a_time(wall_ns):
    """A broken clock costs neither the line nor its form."""
    stamp = shown(Event("l", "m"), msgspec.structs.replace(STAMPED, wall_ns=wall_ns))["timestamp"]

    assert ("T", "Z", 30) == (stamp[10], stamp[-1], len(stamp))


def test_levels_have_names_or_numbers():
    """A level without a name is told by its number."""
    assert "LEVEL 35" == shown(Event("l", "m"), msgspec.structs.replace(STAMPED, level=35))["level"]


def test_percent_templates_are_rendered_from_args():
    """A record of kind 1 is rendered as the standard library does."""
    event = Event("l", "%s is {a} %d%%", {"a": 1}, args=["x", 5])

    line = shown(event, msgspec.structs.replace(STAMPED, kind=1))

    assert ("x is {a} 5%", "%s is {a} %d%%") == (line["message"], line["template"])


def test_unreadable_payloads_keep_their_number():
    """What does not decode is a line all the same: session, number, and the head of its bytes."""
    line = parsed(JsonFormat().unreadable(memoryview(b"\xc1" * 100), STAMPED))

    assert ("unreadable event", True, 100, "c1" * 64) == (
        line["message"],
        line["unreadable"],
        line["unreadable.bytes"],
        line["unreadable.head"],
    )
    assert END == {key: line[key] for key in END}


def test_notices_have_no_number():
    """The service's own lines: logger `mplog`, an event name, their keys, no `seq`."""
    keys = {"session": "s", "count": 2, "reasons": {"lane_full": {"INFO": 2}}, "level": "x"}

    line = parsed(JsonFormat().notice(10**9, 30, "mplog.drop", "2 dropped", keys))

    assert {
        "timestamp": "1970-01-01T00:00:01.000000000Z",
        "level": "WARNING",
        "logger": "mplog",
        "event_name": "mplog.drop",
        "message": "2 dropped",
        "session": "s",
        "count": 2,
        "reasons": {"lane_full": {"INFO": 2}},
    } == line


def test_repeated_lines_do_not_mix_their_fragments():
    """What is kept from one event to the next never shows in another one's line."""
    form = JsonFormat()
    events = [
        (Event("a", "m", {}, None, "f", 1, "g", 1, "T"), STAMPED),
        (Event("b", "m", {}, None, "f", 2, "g", 2, "T", "task"), STAMPED),
        (Event("a", "m"), msgspec.structs.replace(STAMPED, level=30, session="other", pid=5)),
    ]

    assert [JsonFormat().line(*e) for e in events * 3] == [form.line(*e) for e in events * 3]


def test_what_is_kept_is_bounded():
    """Data that decides on file names and loggers does not fill the memory."""
    form = JsonFormat()
    for number in range(10_000):
        form.line(Event(f"l{number}", "m", {}, None, "x" * number, number), STAMPED)

    assert len(form._places) <= 4_096
    assert len(form._heads) <= 4_096
    assert all(len(fragment) <= 2_048 for fragment in form._places.values())


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text() | st.integers(0, 9) | st.none(), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(
    st.text(),
    st.dictionaries(st.text() | st.sampled_from(sorted(RESERVED)), VALUES, max_size=5),
    st.lists(VALUES, max_size=3),
    st.integers(0, 1),
    st.text(),
)
def test_any_event_is_one_strict_line(template, fields, args, kind, name):
    """Through the wire and into a line: strict JSON, one object, no key twice."""
    event = Event(name, template, fields, {name: 1}, name, 1, name, 1, name, name, args=args)

    decoded = codec.decode(codec.encode(event, 65_536)[0])

    line = shown(decoded, msgspec.structs.replace(STAMPED, kind=kind))
    assert 42 == line["seq"]

"""Hostile values, from the call to the line: each is one event, one valid line, in every format."""

from __future__ import annotations

import decimal
import enum
import io
import json
import sys
import threading
import types

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mplog.event import codec
from mplog.event.event import Event, Stamped
from mplog.format import FORMATS, formatter

STAMPED = Stamped(1_795_334_400_123_456_789, 20, 0, 0, "0123456789ab-1-7", 42, 1234, "Main")


class Raising:
    def __repr__(self):
        raise ValueError("no")


class NoText:
    def __repr__(self):
        return 5


class Logging:
    def __repr__(self):
        codec.encode(Event("inner", "inner", {"x": Raising()}), 65_536)
        return "logged"


class Array:
    """As numpy's arrays behave: no truth value, and comparison by element."""

    shape = (2, 2)

    def __bool__(self):
        raise ValueError("ambiguous")

    def __eq__(self, other):
        return self

    __hash__ = None

    def __len__(self):
        return 2

    def __repr__(self):
        return "array([[1, 2],\n       [3, 4]])"


class Words(str):
    __slots__ = ()

    def __str__(self):
        raise ValueError("str")

    def __repr__(self):
        raise ValueError("repr")


class Number(int):
    def __repr__(self):
        raise ValueError("repr")


class Level(enum.Enum):
    HIGH = object()


def nested(depth):
    value: dict = {}
    for _ in range(depth):
        value = {"d": [value]}
    return value


def cyclic():
    value: dict = {}
    value["self"] = [value, value]
    return value


VALUES = {
    "surrogate": "\ud800",
    "surrogate key": {"\udc80": "\udfff"},
    "nan": [float("nan"), float("-inf")],
    "2**64": 2**64,
    "10**5000": 10**5_000,
    "10,000 keys": {f"k{i}": i for i in range(10_000)},
    "depth 1,000": nested(500),
    "cyclic": cyclic(),
    "raising": Raising(),
    "no text": NoText(),
    "logging": Logging(),
    "deep raising": [{"a": (Raising(),)}],
    "str subclass": Words("w\n"),
    "int subclass": Number(2**70),
    "enum": Level.HIGH,
    "generator": (x for x in ()),
    "lock": threading.RLock(),
    "file": sys.__stdin__,
    "closed file": io.StringIO(),
    "memoryview": memoryview(b"abcd")[::2],
    "array": Array(),
    "1 MB": "ü" * 500_000,
    "nul bytes": b"\0" * 10,
    "mixed keys": {1: 1, "1": 2, 1.5: 3, None: 4, (1, 2): 5, b"\0": 6, frozenset({1}): 7},
    "set": {1, "a", None},
    "module": types,
    "class": Array,
    "function": nested,
    "decimal": decimal.Decimal("sNaN"),
    "ellipsis": ...,
    "exception": ValueError("a\nb"),
    "raw": msgspec.msgpack.Ext(5, b"x" * 500),
    "proxy": types.MappingProxyType({"a": 1}),
    "controls": "".join(map(chr, range(0xA0))),
    "astral": "\U0010ffff\ufffe\uffff",
}


@pytest.mark.parametrize("max_bytes", [16_300, 65_536])
@pytest.mark.parametrize("name", VALUES)
def test_one_valid_line_each(name, max_bytes):
    """Encoded, decoded and formatted, the event is there, beside a field that is whole."""
    event = Event("l", "is {v} {w}", {"v": VALUES[name], "w": "whole"}, {"c": VALUES[name]})

    payload, _ = codec.encode(event, max_bytes)
    decoded = codec.decode(payload)
    line = formatter("json").line(decoded, STAMPED).decode()
    text = formatter("text").line(decoded, STAMPED).decode()
    logfmt = formatter("logfmt").line(decoded, STAMPED).decode()

    assert len(payload) <= max_bytes
    assert [1] * 3 == [len(lines.splitlines()) for lines in (line, text, logfmt)]
    told = json.loads(line, parse_constant=pytest.fail)
    assert ("whole", 42) == (told["w"], told["seq"])
    assert "unreadable" not in told
    assert text.startswith("2026-11-22T08:00:00.123456Z INFO     l[1234] is ")
    assert ' template="is {v} {w}" ' in logfmt
    assert " w=whole process.pid=1234 " in logfmt


@pytest.mark.parametrize("name", VALUES)
def test_as_argument_of_a_percent_template(name):
    """The same values as `%s` arguments."""
    payload, _ = codec.encode(Event("l", "is %s", args=[VALUES[name]]), 65_536)

    line = formatter("json").line(codec.decode(payload), msgspec.structs.replace(STAMPED, kind=1))

    assert json.loads(line)["message"].startswith("is ")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 60), st.integers(0, 2**64 - 1), st.integers(0, 255))
def test_any_payload_is_one_line(data, at, wall_ns, number):
    """A damaged payload in a record with any header is one strict line, in every format."""
    good = codec.ENCODER.encode(
        Event("l", "m {a} %s", {"a": [1, {"b": 2.5}]}, None, "f", 1, args=["x"])
    )
    payload = good[:at] + data + good[at + len(data) // 2 :]
    stamped = Stamped(wall_ns, number, number, number, "s", number, number, "p")

    event = codec.decode(payload)

    for form in map(formatter, FORMATS):
        line = form.unreadable(payload, stamped) if event is None else form.line(event, stamped)
        _, *rest = line.decode().splitlines()
        assert all(more.startswith("    ") for more in rest)
        assert not rest or not line.startswith((b"{", b"timestamp="))
        if line.startswith(b"{"):
            assert number == json.loads(line, parse_constant=pytest.fail)["seq"]

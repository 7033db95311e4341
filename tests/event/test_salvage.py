"""Hostile and unusual bytes: decoded to something harmless, or refused, quickly."""

from __future__ import annotations

import datetime
import struct

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mplog.event import codec
from mplog.event.event import Event
from mplog.event.salvage import salvage

PREFIX = b"\x93\xa1l\xa1m\x81\xa1k"  # logger "l", template "m", fields {"k": …}


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"\xc1", b"\xc0", b"\x90", b"\x91\xa1x", b"\x80", b"{}", b"\xff" * 100,
        PREFIX + b"\xdd\xff\xff\xff\xff\xc0", PREFIX + b"\xdf\xff\xff\xff\xff\xa1a",
        PREFIX + b"\xdb\xff\xff\xff\xff", PREFIX + b"\xc6\xff\xff\xff\xffab",
        PREFIX + b"\xc9\xff\xff\xff\xff\x05",
        PREFIX + b"\x91" * 60_000, PREFIX + b"\xdd\x0f\xff\xff\xff" * 1_000, PREFIX,
    ],
    ids=lambda payload: payload[:12].hex(),
)  # fmt: skip
def test_what_is_no_event_is_refused(payload):
    """Bytes that are no whole msgpack array of two items and more decode to None."""
    assert codec.decode(payload) is None


@pytest.mark.parametrize(
    ("packed", "expected"),
    [
        (b"\xd4\x05\x00", "<extension 5: 00>"),
        (b"\xc7\x64\x07" + b"\xab" * 100, "<extension 7: " + "ab" * 64 + "…>"),
        (b"\xc7\x0c\xff" + b"\xff" * 12, "<extension -1: " + "ff" * 12 + ">"),
        (b"\xd6\xff\x00\x00\x00\x00", datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)),
        (b"\xa2\xff\xfe", "\\xff\\xfe"),
        (b"\x81\x91\x90\x01", {((),): 1}),
        (b"\x81\x80\x01", {"{}": 1}),
        (b"\x81\x01\x02", {1: 2}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_unusual_values_are_harmless(packed, expected):
    """Extensions, broken text and keys of any kind become plain values."""
    assert {"k": expected} == codec.decode(PREFIX + packed).fields


def test_depth_beyond_the_decoder_is_an_event():
    """What was encoded deeper than the typed decoder goes is cut there, and the rest is kept."""
    payload = b"\x94\xa1l\xa1m\x81\xa1k" + b"\x91" * 50_000 + b"\x01" + b"\x81\xa1r\x05"

    event = codec.decode(payload)

    assert {"r": 5} == event.context
    assert "…" in str(event.fields)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False)
        | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=30,
    )
)  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_both_readers_agree(value):
    """The reader for unusual payloads reads a usual one as msgspec does."""
    payload = codec.ENCODER.encode(Event("l", "m", {"k": value}))

    assert codec.decoder().decode(payload) == salvage(payload)


def test_numbers_of_every_width_are_read():
    """Every number form of msgpack, 32-bit floats included."""
    forms = [
        b"\xca" + struct.pack(">f", 0.5),
        b"\xd0\x80",
        b"\xd1\x80\x00",
        b"\xcd\x01\x00",
        b"\xe0",
    ]
    body = bytes([0x90 + len(forms)]) + b"".join(forms)

    assert [0.5, -128, -32768, 256, -32] == salvage(PREFIX + body).fields["k"]


def test_parts_of_wrong_type_are_kept_in_sight():
    """A part that its place does not take becomes a field; more items than known are ignored."""
    payload = msgspec.msgpack.encode([1, 2, {3: 4}, None, "f", "x", *[None] * 20])

    event = codec.decode(payload)

    assert ("1", "2", 4, "x") == (
        event.logger, event.template, event.fields["3"], event.fields["unexpected.line"],
    )  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 40))
def test_any_bytes_are_an_event_or_none(data, at):
    """Neither random bytes nor a damaged payload raise."""
    good = codec.ENCODER.encode(Event("l", "m {a}", {"a": [1, {"b": "c"}]}, line=4))

    for payload in (data, PREFIX + data, good[:at] + data + good[at:]):
        assert isinstance(codec.decode(payload), (Event, type(None)))


def test_what_lies_too_deep_is_stepped_over_whatever_it_is():
    """Maps, texts, bytes and extensions beyond the depth are left out, and what follows is read."""
    deep = (
        b"\x95" + b"\x82\x01\xa2ab\x02\x91\x05" + b"\xa3abc" + b"\xc4\x02\x00\x00" + b"\xd4\x05\x00"
    )
    deep += b"\xcd\x01\x00"
    payload = b"\x94\xa1l\xa1m\x81\xa1k" + b"\x91" * 60 + deep + b"\x81\xa1r\x05"

    event = salvage(payload)

    assert ({"r": 5}, True) == (event.context, "…" in str(event.fields))
    assert salvage(payload[:-5]) is None

"""The formatters in C against those in Python: the same bytes, or they leave it to Python."""

from __future__ import annotations

import datetime
import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mplog import _native
from mplog.event.codec import ENCODER
from mplog.format import FORMATS
from mplog.format.flat import RESERVED

PLACE = ("/srv/app.py", 7, "login", 99, "MainThread", None, None, None)


@pytest.fixture(scope="session", params=sorted(FORMATS))
def form(request, native):
    """A formatter in C."""
    return native(request.param)


def event(template="user {user}", fields=None, context=None):
    return ("shop", template, fields or {}, context, *PLACE)


def test_every_format_is_in_c():
    """Both sides know the same names."""
    assert set(FORMATS) == set(_native.FORMATS)


def test_a_format_that_is_none_is_refused():
    """A number that is nobody's is an error, not a line."""
    with pytest.raises(ValueError, match="no format 77"):
        _native.format_line(77, 1, 20, 0, 0, "s", 1, 1, "p", b"")


def packed(*parts):
    """A payload made by hand: an array of two texts and a map."""
    return bytes([0x93]) + ENCODER.encode("l") + ENCODER.encode("t") + b"".join(parts)


HAND_MADE = [
    b"\x82\xa1a\x01\xa1a\x02", b"\x81\xa1m\x82\xa1a\x01\xa1a\x02", b"\x81\x01\x02",
    b"\x81\xa1a\xa2\xc3\x28", b"\x81\xa1a\xa3\xed\xa0\x80", b"\x81\xa1a\xa2\xc0\xaf",
    b"\x81\xa1a\xa4\xf4\x90\x80\x80", b"\x81\xa1a\xa1\xe2", b"\x81\xa1a\xc1",
    b"\x81\xa1a\xa4\xf0\x80\x80\x80", b"\x81\xa1a\xa4\xf0\x9f\x41\x80",
    b"\x81\xa1a\xa4\xf0\x9f\x80\x41", b"\x81\xa1a\xa4\xf0\x41\x80\x80",
    b"\x81\xa1a\xd4\x00\x00", b"\x81\xa1a\xca\x3f\x80\x00\x00", b"\x81\xa1a\xdd\xff\xff\xff\xff",
    b"\x81\xa1a\xdf\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\x80\x00", b"\xc0",
]  # fmt: skip


@pytest.mark.parametrize("rest", HAND_MADE)
def test_a_payload_that_no_producer_makes_is_left_to_python(form, rest):
    """Doubled keys, keys that are no text, text that is not UTF-8, lengths that lie."""
    assert form.DECLINED == form.line(packed(rest))


def test_nothing_at_all_is_left_to_python(form):
    """An empty payload holds no event."""
    assert form.DECLINED == form.line(b"")


PLAIN = (b"\xa1l", b"\xa1t")
PARTS = {
    "logger": (b"\xa1\xff", b"\xa1t"),
    "template": (b"\xa1l", b"\xa1\xff"),
    "key": (*PLAIN, b"\x81\xa1\xff\x01"),
    "key in the message": (b"\xa1l", b"\xa3{\xff}", b"\x81\xa1\xff\x01"),
    "context below a field": (*PLAIN, b"\x81\xa1a\x01", b"\x81\xa1a\xa1\xff"),
    "key inside of it": (*PLAIN, b"\x81\xa1a\x01", b"\x81\xa1a\x81\xa1\xff\x01"),
    "file": (*PLAIN, b"\x80", b"\xc0", b"\xa1\xff"),
    "function": (*PLAIN, b"\x80", b"\xc0", b"\xa0", b"\x01", b"\xa1\xff"),
    "thread": (*PLAIN, b"\x80", b"\xc0", b"\xa0", b"\x01", b"\xa0", b"\x01", b"\xa1\xff"),
}


@pytest.mark.parametrize("part", PARTS)
def test_text_that_is_not_utf_8_is_left_to_python(form, part):
    """Wherever it stands, and whether the line shows it or not: such a payload does not decode."""
    items = PARTS[part]
    assert form.DECLINED == form.line(bytes([0x90 + len(items)]) + b"".join(items))


def test_a_task_that_is_not_utf_8_is_left_to_python(form):
    """It is the last of the texts."""
    payload = ENCODER.encode((*event("x")[:9], "\x7f"))
    assert form.DECLINED == form.line(payload.replace(b"\xa1\x7f", b"\xa1\xff"))


UNDER = {
    "a field that stands twice": (b"\x82\xa1a\x01\xa1a\x02", b"\x81\xa1a\x00"),
    "a value of ten lists": (b"\x81\xa1a\x01", b"\x81\xa1a" + b"\x91" * 10 + b"\x01"),
    "a key that is none": (b"\x81\xa1a\x01", b"\x81\xa1a\x81\x01\x02"),
}


@pytest.mark.parametrize("what", UNDER)
def test_what_is_odd_in_a_context_below_a_field_is_left_to_python(form, what):
    """The line would not show it."""
    assert form.DECLINED == form.line(b"\x94" + b"".join((*PLAIN, *UNDER[what])))


def test_arguments_of_a_message_that_may_have_to_be_cut_are_left_to_python(form):
    """A payload that long may make a message above its bound."""
    long = ENCODER.encode((*event("%s")[:2], {}, None, *PLACE, ["x" * 131_072]))

    assert form.DECLINED == form.line(long, kind=1)
    assert form.agrees((*event("%s")[:2], {}, None, *PLACE, ["x" * 130_000]), kind=1)


def test_no_percent_message_is_made_in_less_room_than_it_takes(form):
    """Wherever the room ends: in a text, a number, a sign."""
    payload = ENCODER.encode((*event("a%s%%%d")[:2], {}, None, *PLACE, ["x\u2068\u2069", 1234]))
    length = len(form.line(payload, kind=1))

    assert {form.NO_ROOM} == {form.line(payload, room, kind=1) for room in range(length)}


def test_no_line_that_tells_all_is_made_in_less_room_than_it_takes(form):
    """Cut, late, recovered, and what a filter took."""
    payload = ENCODER.encode(event("\u2028\x7f")[:2])
    told = {"flags": 15, "filtered": 12}
    length = len(form.line(payload, **told))

    assert {form.NO_ROOM} == {form.line(payload, room, **told) for room in range(length)}


@pytest.mark.parametrize("number", [b"\x01", b"\xcc\x01", b"\xcf\0\0\0\0\0\0\0\x01", b"\xd0\x01"])
def test_a_number_may_be_longer_than_it_must(form, number):
    """Every width of an integer is the same integer."""
    assert form.agrees(packed(b"\x81\xa1a" + number))


def test_every_character_is_escaped_as_python_does_it(form):
    """All of the first 3,000 and those beyond that matter, alone and in a run of plain ones."""
    borders = [0x3000, 0xD7FF, 0xE000, 0xFEFF, 0xFFFF, 0x10000, 0x10FFFF]
    for code in (*range(3_000), *range(0x1680, 0x1690), *range(0x2000, 0x2100), *borders):
        char = chr(code)
        run = f"0123456{char}{char}plain"
        assert form.agrees(event("{a}" + char, {"a": char, "k": run, "b": char}))


@pytest.mark.parametrize("level", range(256))
def test_every_level_has_its_name(form, level):
    """`LEVEL 35` for a number without one."""
    assert form.agrees(event("x"), level=level)


@pytest.mark.parametrize("flags", range(16))
def test_every_flag_is_told(form, flags):
    """Cut, late, recovered; a flag without a name is not."""
    assert form.agrees(event("x", {"a": 1}), flags=flags)


@pytest.mark.parametrize("filtered", [1, 2**32, 2**64 - 1])
def test_what_a_filter_took_is_told(form, filtered):
    """How many numbers before this one; people's text has no numbers."""
    assert form.agrees(event("x", {"filtered": 1}), filtered=filtered)


@settings(max_examples=100)
@given(wall_ns=st.integers(0, 2**64 - 1))
@example(wall_ns=2**64 - 1)
def test_every_time_is_shown(form, wall_ns):
    """Up to the last one that 64 bits of nanoseconds can say, in 2554."""
    assert form.agrees(event("x"), wall_ns=wall_ns)


def test_the_first_of_each_month_for_centuries(native):
    """The calendar is the one of the standard library."""
    form = native("text")
    for year in range(1970, 2500):
        for month in (1, 2, 3, 12):
            day = datetime.datetime(year, month, 28, tzinfo=datetime.timezone.utc)
            for after in (day, day + datetime.timedelta(days=1, seconds=86_399)):
                assert form.agrees(("l", "t"), wall_ns=int(after.timestamp()) * 10**9)


FLOATS = [
    80_000_000_000_000.125,  # as near to …12 as to …13, and both read back
    70_400_000_000_000.375, 2.0**53, 2.0**-12, 9_999_999_999_999_998.0, 999_999_999_999_999.9,
    0.0001, 0.00010000000000000002, 5e-324, 1e16, 1.7976931348623157e308,
]  # fmt: skip


@settings(max_examples=200)
@given(number=st.floats() | st.floats(1e-4, 1e16) | st.decimals(0, 10**6, places=3).map(float))
def test_a_float_is_shown_as_python_does(form, number):
    """In the message and as a value; the shortest text that reads back."""
    shown = form.agrees(event("{a}", {"a": number, "b": number}))

    assert shown or math.frexp(number)[0] in (0.5, -0.5) or not 1e-4 <= abs(number) < 1e16


@pytest.mark.parametrize("number", FLOATS + [k / 10**e for e in range(6) for k in (1, 15, 101)])
def test_a_float_at_a_border_is_shown_alike(form, number):
    """Halves, powers of two, the ends of the range; those in the range are not declined."""
    shown = form.agrees(event("{a}", {"a": number}))

    assert shown or math.frexp(number)[0] == 0.5 or not 1e-4 <= number < 1e16


texts = st.text(max_size=12) | st.text('ab{}%s"\\\x7f\x85\u2028\n', max_size=12)
numbers = st.integers(-(2**63), 2**64 - 1) | st.floats() | st.booleans()
leaves = texts | st.none() | numbers | st.binary(max_size=3)
values = st.recursive(
    leaves, lambda v: st.lists(v, max_size=4) | st.dictionaries(texts, v, max_size=4)
)
keys = texts | st.sampled_from(sorted(RESERVED)) | st.sampled_from(["a", "b", "field.seq"])
maps = st.dictionaries(keys, values, max_size=6)
pieces = st.sampled_from(["{a}", "{b}", "{", "}", "{{", "}}", "%s", "%d", "%%", "{seq}"])
templates = st.lists(pieces | texts, max_size=8).map("".join)
events = st.tuples(
    texts, templates, maps, st.none() | maps, texts, st.integers(0, 2**64 - 1), texts,
    st.integers(0, 2**64 - 1), texts, st.none() | texts, st.none(), st.none(),
    st.none() | st.lists(leaves, max_size=3),
)  # fmt: skip
stamps = st.fixed_dictionaries(
    {
        "wall_ns": st.integers(0, 2**64 - 1),
        "level": st.integers(0, 255),
        "kind": st.integers(0, 2),
        "flags": st.integers(0, 65_535),
        "seq": st.integers(1, 2**64 - 1),
        "filtered": st.integers(0, 2**64 - 1),
        "pid": st.integers(0, 2**32 - 1),
        "process_name": texts,
    }
)


@settings(max_examples=200)
@given(parts=events, stamp=stamps)
def test_any_event_is_the_same_line_or_declined(form, parts, stamp):
    """Whatever its items hold."""
    form.agrees(parts, **stamp)


@settings(max_examples=200)
@given(parts=events, place=st.integers(0, 500), byte=st.integers(0, 255))
def test_a_damaged_payload_is_the_same_line_or_declined(form, parts, place, byte):
    """A byte of it has another value."""
    payload = bytearray(ENCODER.encode(parts))
    payload[place % len(payload)] = byte

    form.agrees(bytes(payload))


def test_there_is_no_line_in_less_room_than_it_takes(form):
    """A room of its length is enough, one byte less is not."""
    fields = {"a": 'x y"', "b": 1.5, "c": None, "bare": "x", "late": "", "d": "é\x85" * 9}
    payload = ENCODER.encode(event("{a} is %", fields, {"r": 1}))
    length = len(form.line(payload))

    assert form.line(payload) == form.line(payload, length)
    assert {form.NO_ROOM} == {form.line(payload, room) for room in range(length)}

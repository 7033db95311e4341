"""The formatter in C against `JsonFormat`: the same bytes, or it leaves the event to Python."""

from __future__ import annotations

import datetime
import math

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mplog import _native
from mplog.event.codec import ENCODER, decode
from mplog.event.event import Event, ExceptionInfo, Stamped
from mplog.format.json import RESERVED, JsonFormat

STAMPED = Stamped(1_795_334_400_123_456_789, 20, 0, 0, "0123456789ab-1-7", 42, 1234, "Main")
DECLINED, NO_ROOM = -1, -2
PLACE = ("/srv/app.py", 7, "login", 99, "MainThread", None, None, None)


def native(payload, stamped=STAMPED, *room):
    """What the formatter in C answers: the line, or a code."""
    s = stamped
    head = (s.wall_ns, s.level, s.kind, s.flags, s.session, s.seq, s.pid, s.process_name)
    return _native.format_line(_native.FORMATS["json"], *head, payload, *room)


def compared(event, stamped=STAMPED):
    """Whether C made the line; if it did, it is Python's."""
    payload = event if isinstance(event, bytes) else ENCODER.encode(event)
    line = native(payload, stamped)
    if line == DECLINED:
        return False
    decoded = decode(payload)
    assert decoded is not None
    assert JsonFormat().line(decoded, stamped) == line
    return True


def event(template="user {user}", fields=None, context=None):
    return ("shop", template, fields or {}, context, *PLACE)


def percent(template, *args):
    return (*event(template), list(args))


def stamp(**changes):
    return msgspec.structs.replace(STAMPED, **changes)


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
def test_an_ordinary_event_is_formatted_in_c(name):
    """It is not declined, and the line is Python's byte for byte."""
    assert compared(ORDINARY[name])


@pytest.mark.parametrize("name", PERCENT)
def test_a_percent_template_of_plain_arguments_is_formatted_in_c(name):
    """`%s`, `%d`, `%i` and `%%`, as Python's `%` renders them."""
    assert compared(PERCENT[name], stamp(kind=1))


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
def test_what_is_unusual_is_left_to_python(name):
    """The formatter says so instead of writing something else."""
    assert DECLINED == native(ENCODER.encode(DECLINED_EVENTS[name]))


@pytest.mark.parametrize(
    "conversion", ["%r", "%5d", "%-3s", "%.2f", "%f", "%x", "%c", "%(a)s", "%ld", "%", "%d", "%*d"]
)
def test_other_conversions_are_left_to_python(conversion):
    """So is `%d` of a text."""
    assert DECLINED == native(ENCODER.encode(percent(conversion, "text")), stamp(kind=1))


@pytest.mark.parametrize("args", [(), (1, 2)])
def test_arguments_that_do_not_match_are_left_to_python(args):
    """Too few, or too many."""
    payload = ENCODER.encode(percent("%d %d %d" if args else "%d", *(args or (1, 2))))
    assert DECLINED == native(payload, stamp(kind=1))


def packed(*parts):
    """A payload made by hand: an array of two texts and a map."""
    return bytes([0x93]) + ENCODER.encode("l") + ENCODER.encode("t") + b"".join(parts)


HAND_MADE = [
    b"\x82\xa1a\x01\xa1a\x02", b"\x81\xa1m\x82\xa1a\x01\xa1a\x02", b"\x81\x01\x02",
    b"\x81\xa1a\xa2\xc3\x28", b"\x81\xa1a\xa3\xed\xa0\x80", b"\x81\xa1a\xa2\xc0\xaf",
    b"\x81\xa1a\xa4\xf4\x90\x80\x80", b"\x81\xa1a\xa1\xe2", b"\x81\xa1a\xc1",
    b"\x81\xa1a\xd4\x00\x00", b"\x81\xa1a\xca\x3f\x80\x00\x00", b"\x81\xa1a\xdd\xff\xff\xff\xff",
    b"\x81\xa1a\xdf\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\x80\x00", b"\xc0",
]  # fmt: skip


@pytest.mark.parametrize("rest", HAND_MADE)
def test_a_payload_that_no_producer_makes_is_left_to_python(rest):
    """Doubled keys, keys that are no text, text that is not UTF-8, lengths that lie."""
    assert DECLINED == native(packed(rest))


def test_nothing_at_all_is_left_to_python():
    """An empty payload holds no event."""
    assert DECLINED == native(b"")


def test_the_context_below_a_field_must_decode_too():
    """A value that is not shown decides all the same whether the event is plain."""
    payload = b"\x94\xa1l\xa1t\x81\xa1a\x01\x81\xa1a\xa1\xff"

    assert DECLINED == native(payload)


@pytest.mark.parametrize("form", [b"\x01", b"\xcc\x01", b"\xcf" + bytes(7) + b"\x01", b"\xd0\x01"])
def test_a_number_may_be_longer_than_it_must(form):
    """Every width of an integer is the same integer."""
    assert compared(packed(b"\x81\xa1a" + form))


def test_every_character_is_escaped_as_python_does_it():
    """All of the first 3,000 and those beyond that matter, alone and in a run of plain ones."""
    borders = [0xD7FF, 0xE000, 0xFEFF, 0xFFFF, 0x10000, 0x10FFFF]
    for code in (*range(3_000), *range(0x2000, 0x2100), *borders):
        char = chr(code)
        run = f"0123456{char}{char}plain"
        assert compared(event("{a}" + char, {"a": char, f"k{char}": run}))


@pytest.mark.parametrize("level", range(256))
def test_every_level_has_its_name(level):
    """`"LEVEL 35"` for a number without one."""
    assert compared(event("x"), stamp(level=level))


@pytest.mark.parametrize("flags", range(16))
def test_every_flag_is_told(flags):
    """Cut, late, recovered; a flag without a name is not."""
    assert compared(event("x"), stamp(flags=flags))


@settings(max_examples=200)
@given(st.integers(0, 2**64 - 1))
@example(2**64 - 1)
def test_every_time_is_shown(wall_ns):
    """Up to the last one that 64 bits of nanoseconds can say, in 2554."""
    assert compared(event("x"), stamp(wall_ns=wall_ns))


def test_the_first_of_each_month_for_centuries():
    """The calendar is the one of the standard library."""
    for year in range(1970, 2500):
        for month in (1, 2, 3, 12):
            day = datetime.datetime(year, month, 28, tzinfo=datetime.timezone.utc)
            for after in (day, day + datetime.timedelta(days=1, seconds=86_399)):
                assert compared(("l", "t"), stamp(wall_ns=int(after.timestamp()) * 10**9))


FLOATS = [
    80_000_000_000_000.125,  # as near to …12 as to …13, and both read back
    70_400_000_000_000.375, 2.0**53, 2.0**-12, 9_999_999_999_999_998.0, 999_999_999_999_999.9,
    0.0001, 0.00010000000000000002, 5e-324, 1e16, 1.7976931348623157e308,
]  # fmt: skip


@settings(max_examples=200)
@given(st.floats() | st.floats(1e-4, 1e16) | st.decimals(0, 10**6, places=3).map(float))
def test_a_float_is_shown_as_both_of_them_do(number):
    """In the message as `repr` prints it, as a value as msgspec does."""
    shown = compared(event("{a}", {"a": number, "b": [number]}))

    assert shown or math.frexp(number)[0] in (0.5, -0.5) or not 1e-4 <= abs(number) < 1e16


@pytest.mark.parametrize("number", FLOATS + [k / 10**e for e in range(6) for k in (1, 15, 101)])
def test_a_float_at_a_border_is_shown_alike(number):
    """Halves, powers of two, the ends of the range; those in the range are not declined."""
    shown = compared(event("{a}", {"a": number}))

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
stamps = st.builds(
    Stamped,
    st.integers(0, 2**64 - 1),
    st.integers(0, 255),
    st.integers(0, 2),
    st.integers(0, 65_535),
    st.just("0123456789ab-1-7"),
    st.integers(1, 2**64 - 1),
    st.integers(0, 2**32 - 1),
    texts,
)


@settings(max_examples=200)
@given(events, stamps)
def test_any_event_is_the_same_line_or_declined(parts, stamped):
    """Whatever its items hold."""
    compared(parts, stamped)


@settings(max_examples=200)
@given(events, st.integers(0, 500), st.integers(0, 255))
def test_a_damaged_payload_is_the_same_line_or_declined(parts, place, byte):
    """A byte of it has another value."""
    payload = bytearray(ENCODER.encode(parts))
    payload[place % len(payload)] = byte

    compared(bytes(payload))


def test_there_is_no_line_in_less_room_than_it_takes():
    """A room of its length is enough, one byte less is not."""
    payload = ENCODER.encode(ORDINARY["nested"])
    length = len(native(payload))

    assert native(payload) == native(payload, STAMPED, length)
    assert {NO_ROOM} == {native(payload, STAMPED, room) for room in range(length)}

"""One program, run in C on what is encoded and in Python on what is decoded: one verdict."""

from __future__ import annotations

import datetime
import math

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mplog import _native
from mplog.config.condition import DROP, LIKE, MAX_BYTES, NAMES, TAKE, Step, holds, to_bytes
from mplog.config.filter import compiled
from mplog.event.codec import ENCODER, decode
from mplog.event.event import Event, ExceptionInfo, Stamped

NAMES_OF_FIELDS = ("a", "b", "a.b", "b.a", "a.b.a", "é")
TEXTS = st.sampled_from(["", "a", "b", "ab", "app", "app.db", "app.dbx", "é", "z\n"])
NUMBERS = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([2**53, 2**53 + 1, 2**63, 2**64 - 1, -(2**63), 1e19, -1e19, 0.5, -0.5, -1.5]),
    st.sampled_from([9007199254740992.0, 1.8446744073709552e19, -9.223372036854775808e18, -0.0]),
    st.sampled_from([math.nan, math.inf, -math.inf]),
)
LITERALS = st.one_of(TEXTS, NUMBERS, st.booleans(), st.none())
ODD = st.sampled_from([b"x", datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)])
VALUES = st.recursive(
    st.one_of(LITERALS, ODD),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(NAMES_OF_FIELDS), inner)
    ),
    max_leaves=6,
)
FIELDS = st.dictionaries(st.sampled_from(NAMES_OF_FIELDS), VALUES, max_size=4)


@st.composite
def programs(draw):
    """Tests of every kind with targets ahead."""
    count = draw(st.integers(1, 6))
    tests = []
    for index in range(count):
        operation = draw(st.integers(0, LIKE))
        if operation == 0:
            operands = []
        elif operation == 1:
            operands = draw(st.lists(LITERALS, max_size=3))
        elif operation == LIKE:
            operands = [draw(TEXTS.filter(bool))]
        else:
            operands = [draw(st.one_of(TEXTS, NUMBERS))]
        targets = st.sampled_from([TAKE, DROP, *range(index + 1, count)])
        what, name = draw(st.integers(0, len(NAMES) - 1)), draw(st.sampled_from(NAMES_OF_FIELDS))
        tests.append(Step(what, operation, name, tuple(operands), draw(targets), draw(targets)))
    return tuple(tests)


@st.composite
def events(draw):
    """With every item that a test can be about, or fewer."""
    exception = draw(st.sampled_from([None, ExceptionInfo("ValueError", "bad")]))
    items = (
        draw(TEXTS), draw(TEXTS), draw(FIELDS), draw(st.none() | FIELDS), draw(TEXTS),
        draw(st.integers(0, 3)), draw(TEXTS), draw(st.integers(0, 3)), draw(TEXTS),
        draw(st.none() | TEXTS), exception, None, draw(st.sampled_from([None, [1], {"a": b"x"}])),
    )  # fmt: skip
    return items[: draw(st.integers(2, 13))]


def both(program, event, level=20, process="web", pid=7):
    """What C and Python say."""
    payload = event if isinstance(event, bytes) else ENCODER.encode(event)
    decoded = decode(payload)
    assert decoded is not None
    stamped = Stamped(1, level, 0, 0, "s", 1, pid, process)
    native = _native.condition_holds(to_bytes(program), level, pid, process, payload)
    return native, holds(program, decoded, stamped)


@settings(max_examples=200, deadline=None)
@given(programs(), events(), st.integers(0, 4), TEXTS)
@example((Step(0, 3, "a", (-0.5,), TAKE, DROP),), ("l", "t", {"a": 0}), 1, "")
@example((Step(0, 1, "a", (2.0**53,), TAKE, DROP),), ("l", "t", {"a": 2**53 + 1}), 1, "")
@example((Step(0, 4, "a", (2**64 - 1,), TAKE, DROP),), ("l", "t", {"a": 2.0**64}), 1, "")
@example((Step(0, 1, "a.b", (1,), TAKE, DROP),), ("l", "t", {"a": {"b": 1}}), 1, "")
def test_c_and_python_agree(program, event, level, process):
    """Whatever the program and the event."""
    native, python = both(program, event, level, process, level)

    assert native is python


def test_a_key_that_stands_twice_counts_as_decoding_has_it():
    """The last one; and what is no text is no key."""
    head = bytes([0x93]) + ENCODER.encode("l") + ENCODER.encode("t")
    for fields in (b"\x82\xa1a\x01\xa1a\x02", b"\x82\xa1a\x81\xa1b\x02\xa1a\x02"):
        for text, right in (("a == 2", True), ("a == 1", False), ("a.b == 2", False)):
            assert (right, right) == both(compiled(text), head + fields)
    narrow = b"\x81\xa1a\x82\x01\x02\xa1b\xca\x3f\x80\x00\x00"
    assert (True, True) == both(compiled("a.b == 1"), head + narrow)


def test_a_field_is_looked_for_sixteen_maps_deep():
    """And no deeper, so that no event makes the search long."""
    for depth, right in ((16, True), (17, False)):
        fields = 1
        for _ in range(depth):
            fields = {"a": fields}
        program = compiled(".".join(["a"] * depth) + " == 1")

        assert (right, right) == both(program, Event("l", "t", fields))


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xc1", b"\x93\xa1l", b"\x93\xa1l\xa1t\x82\xa1a\xdb\xff\xff\xff\xff", b"\x92\x01\x02"],
)
def test_what_cannot_be_read_passes(payload):
    """An event that is broken is there to be seen, as an unreadable one."""
    program = to_bytes(compiled('zz == 1 or logger == "q"'))

    assert _native.condition_holds(program, 20, 1, "web", payload)


def _with(**changes):
    one = {"what": 0, "operation": 1, "name": "a", "operands": (1,), "then": TAKE, "other": DROP}
    return Step(**{**one, **changes})


BAD = {
    "empty": b"",
    "no tests": msgspec.msgpack.encode([]),
    "no array": msgspec.msgpack.encode({"a": 1}),
    "more behind": to_bytes((_with(),)) + b"\xc0",
    "cut off": to_bytes((_with(),))[:-1],
    "backwards": to_bytes((_with(), _with(then=0))),
    "itself": to_bytes((_with(then=0),)),
    "beyond": to_bytes((_with(then=1),)),
    "what": to_bytes((_with(what=len(NAMES)),)),
    "operation": to_bytes((_with(operation=7),)),
    "negative": to_bytes((_with(operation=-1),)),
    "no operand": to_bytes((_with(operation=2, operands=()),)),
    "two operands": to_bytes((_with(operation=2, operands=(1, 2)),)),
    "an operand of has": to_bytes((_with(operation=0),)),
    "a part of a number": to_bytes((_with(operation=LIKE, operands=(1,)),)),
    "order of null": to_bytes((_with(operation=2, operands=(None,)),)),
    "a list": msgspec.msgpack.encode([[0, 1, "a", [[1]], TAKE, DROP]]),
    "a name that is none": msgspec.msgpack.encode([[0, 1, 5, [1], TAKE, DROP]]),
    "65 tests": to_bytes(tuple([_with()] * 65)),
    "too long": to_bytes((_with(operands=("x" * MAX_BYTES,)),)),
}


@pytest.mark.parametrize("program", BAD.values(), ids=BAD)
def test_the_core_takes_no_other_program(program):
    """One that goes backwards, or whose operands are others than its test has, is refused."""
    with pytest.raises(RuntimeError, match="outside its range"):
        _native.condition_holds(program, 20, 1, "web", ENCODER.encode(Event("l", "t")))

"""Plain values as msgpack by C: the bytes that msgspec writes, or none."""

from __future__ import annotations

import datetime
import decimal
import enum
import math
import uuid
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mplog import _native
from mplog.event.codec import ENCODER

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)
LEAVES = (
    TEXT
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats()
    | st.booleans()
    | st.none()
    | st.binary(max_size=300)
)
PLAIN = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=20)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(TEXT, inner, max_size=20)
    ),
    max_leaves=30,
)
TIMES = (
    st.datetimes()
    | st.datetimes(timezones=st.timezones())
    | st.datetimes(timezones=st.just(datetime.timezone(datetime.timedelta(hours=5, minutes=30))))
    | st.dates()
    | st.times()
    | st.timedeltas(datetime.timedelta(-10_000), datetime.timedelta(10_000))
)
FOREIGN = st.uuids() | TIMES | st.decimals(allow_nan=True)


def without_secrets(value: Any) -> bytes | None:
    """What msgspec writes; None for what it refuses, as a time before the year 1."""
    try:
        return _native.redact(ENCODER.encode(value))
    except OverflowError:
        return None


@settings(max_examples=200, deadline=None)
@given(PLAIN)
def test_plain_values_are_written_as_msgspec_writes_them(value):
    """Byte for byte, whatever they hold."""
    assert without_secrets(value) == _native.pack(value)


@settings(max_examples=200, deadline=None)
@given(st.lists(LEAVES | FOREIGN, max_size=5) | st.dictionaries(TEXT, FOREIGN, max_size=5))
def test_times_decimals_and_uuids_are_written_as_msgspec_writes_them(value):
    """Through its encoder, one value at a time."""
    assert without_secrets(value) == _native.pack(value)


@pytest.mark.parametrize(
    "value",
    [
        *(sign * (1 << bits) + step for bits in (5, 7, 8, 15, 16, 31, 32, 63) for sign in (1, -1)
          for step in (-1, 0, 1) if -(1 << 63) <= sign * (1 << bits) + step < 1 << 64),
        (1 << 64) - 1,
        *("x" * size for size in (0, 31, 32, 255, 256, 65_535, 65_536)),
        *("é" * size for size in (15, 16, 127, 128)),
        *(b"x" * size for size in (0, 255, 256, 65_535, 65_536)),
        *([None] * size for size in (0, 15, 16, 65_535, 65_536)),
        *({str(i): i for i in range(size)} for size in (0, 15, 16, 70_000)),
        math.inf, -0.0, math.nan,
        datetime.datetime(1, 1, 1, tzinfo=datetime.timezone.utc),
        datetime.datetime(9999, 12, 31, 23, 59, 59, 999_999),
        datetime.datetime(2026, 3, 29, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1),
        decimal.Decimal("-0E-400"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_lengths_and_limits_have_the_heads_that_msgspec_gives_them(value):
    """Each width of each kind at its edges."""
    assert without_secrets(value) == _native.pack(value, 1 << 21)


class Colour(enum.Enum):
    RED = "red"


class Number(int):
    pass


class Record(msgspec.Struct):
    x: int = 1


@dataclass
class Data:
    x: int = 1


@pytest.mark.parametrize(
    "value",
    [1 << 64, -(1 << 63) - 1, "\ud800", Colour.RED, Number(3), Record(), Data(), {1: 2}, {"a": {3}},
     object(), [object()], bytearray(b"x"), 3j],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_is_not_plain_is_declined(value):
    """Then the whole event goes through msgspec, which knows more or refuses."""
    assert _native.pack(value) is None


def test_depth_is_bounded():
    """A list in a list in a list, and one that holds itself, end the walk without a crash."""
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    endless: list[Any] = []
    endless.append(endless)

    assert [None, None] == [_native.pack(deep), _native.pack(endless)]
    while deep:
        deep = deep.pop()


def test_without_room_for_all_of_it_a_value_is_declined():
    """However much of it would still go in."""
    value = {"key": ["text", 300, 1.5, b"bytes"]}
    whole = ENCODER.encode(value)
    assert {None} == {_native.pack(value, room) for room in range(len(whole))}
    assert whole == _native.pack(value, len(whole))


class Shrinking(datetime.tzinfo):
    """A time zone that empties the list which its time stands in."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def utcoffset(self, when: object) -> datetime.timedelta:
        self.items.clear()
        return datetime.timedelta(0)


def test_a_list_that_changes_while_it_is_encoded_is_declined():
    """No item is read where none is, and no count is wrong."""
    items: list[Any] = ["x" * 40]
    items += [datetime.datetime(2026, 1, 1, tzinfo=Shrinking(items)), "y" * 40, {"a": 1}]
    assert _native.pack({"items": items}) is None
    assert items == []


class Growing(datetime.tzinfo):
    """A time zone that adds to the dict which its time stands in."""

    def __init__(self, items: dict[str, Any]) -> None:
        self.items = items

    def utcoffset(self, when: object) -> datetime.timedelta:
        for number in range(50):
            self.items[f"n{number}"] = number
        return datetime.timedelta(0)


def test_a_dict_that_changes_while_it_is_encoded_is_declined():
    """The head has said how many pairs follow."""
    items: dict[str, Any] = {"a": 1}
    items["when"] = datetime.datetime(2026, 1, 1, tzinfo=Growing(items))
    assert _native.pack(items) is None
    assert len(items) == 52


def test_an_error_of_a_time_zone_is_no_error_of_the_call():
    """The value is declined; a KeyboardInterrupt is the program's, and comes through."""

    class Broken(datetime.tzinfo):
        def __init__(self, error: type[BaseException]) -> None:
            self.error = error

        def utcoffset(self, when: object) -> datetime.timedelta:
            raise self.error("broken")

    def moment(error: type[BaseException]) -> datetime.datetime:
        return datetime.datetime(2026, 1, 1, tzinfo=Broken(error))

    assert _native.pack([moment(ValueError)]) is None
    with pytest.raises(KeyboardInterrupt):
        _native.pack([moment(KeyboardInterrupt)])


def test_uuids_and_decimals_of_a_user_are_declined():
    """A subclass may do anything."""

    class Own(uuid.UUID):
        pass

    class Price(decimal.Decimal):
        pass

    assert [None, None] == [_native.pack(Own(int=1)), _native.pack(Price("1"))]

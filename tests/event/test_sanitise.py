"""The walk over a value: any Python value takes a plain form, and user code cannot disturb it."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import logging
import math
import sys
import threading
import uuid
from collections import OrderedDict, defaultdict, namedtuple

import msgspec
import pytest

from mplog.event import codec
from mplog.event.event import Event
from mplog.event.sanitise import Sanitiser

LIMIT = 65_536
Point = namedtuple("Point", "x y")


class Colour(enum.Enum):
    RED = "red"
    DEEP = 3


class Order(enum.IntEnum):
    FIRST = 1


@dataclasses.dataclass
class Basket:
    owner: str
    items: list


class Tagged(msgspec.Struct, tag="tagged", rename="camel"):
    order_id: int
    note: str = ""


class Row(msgspec.Struct, array_like=True):
    a: int
    b: str


def sent(value, max_bytes=LIMIT):
    payload, cut = codec.encode(Event("t", "m", {"value": value}), max_bytes)
    assert len(payload) <= max_bytes
    event = codec.decode(payload)
    assert event is not None
    return event.fields["value"], cut


@pytest.mark.parametrize(
    "value",
    [
        Colour.RED, Colour.DEEP, Order.FIRST, Basket("a", [1, Point(1, 2)]), Tagged(5), Row(1, "x"),
        datetime.datetime(2026, 1, 2, 3, 4, 5, 6), datetime.date(2026, 1, 2), datetime.time(1, 2),
        datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=5))),
        datetime.timedelta(days=1, seconds=2.5), decimal.Decimal("1.50"), uuid.UUID(int=5),
        (1, 2), {3}, frozenset({4}), Point(1, 2), OrderedDict(a=1), defaultdict(int, a=1),
        bytearray(b"ab"), memoryview(b"abc"), {1: "a", 2.5: "b", None: "c"}, {True: 4},
        -(2**63), 2**64 - 1,
        {"": ""}, [], {}, 1e308, "", "ü€😀", {Colour.RED: 1}, {Order.FIRST: 1},
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_a_value_looks_the_same_on_both_paths(value):
    """What msgspec encodes itself and what the bounded walk makes of it decode to the same."""
    event = Event("t", "m", {"value": value})
    # The second field's surrogate forces the whole walk.
    slow, cut = codec.bounded(Event("t", "m", {"value": value, "x": "\udc80"}), LIMIT)

    fast = codec.decode(codec.ENCODER.encode(event))

    assert not cut
    assert fast.fields["value"] == codec.decode(slow).fields["value"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (complex(1, 2), "(1+2j)"),
        (range(3), "range(0, 3)"),
        (type("S", (str,), {})("abc"), "abc"),
        (type("I", (int,), {})(7), 7),
        (type("F", (float,), {})(1.5), 1.5),
        (type("B", (bytes,), {})(b"x"), b"x"),
        ("a\udc80b", "a\\udc80b"),
        (2**64, str(2**64)),
        (-(2**63) - 1, str(-(2**63) - 1)),
        ({"k": {"\ud800": complex(0, 1)}}, {"k": {"\\ud800": "1j"}}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_msgpack_lacks_is_replaced_but_not_cut(value, expected):
    """A value that merely takes another form is whole: no cut is told."""
    assert (expected, False) == sent(value)


class Raising:
    def __repr__(self):
        raise ValueError("no")


class NoText:
    def __repr__(self):
        return 5


class Liar:
    """Answers for its class like a proxy outside of its context."""

    @property
    def __class__(self):
        raise RuntimeError("outside")

    def __repr__(self):
        return "liar"


class Meta(type):
    def __getattr__(cls, name):
        raise RuntimeError(name)


def test_raising_repr_is_told_in_its_place():
    """A `__repr__` that raises costs its own value only."""
    assert ("<unrepresentable Raising: ValueError>", False) == sent(Raising())
    assert ("<unrepresentable NoText: TypeError>", False) == sent(NoText())


def test_proxies_and_metaclasses_are_not_trusted():
    """A lying `__class__` and a raising metaclass cost nothing but their own value."""
    assert ("liar", False) == sent(Liar())
    assert "Hostile" in sent(Meta("Hostile", (), {})())[0]


def test_repr_that_logs_is_harmless():
    """A `__repr__` that encodes an event itself disturbs neither event."""
    inner = []

    class Logging:
        def __repr__(self):
            inner.append(codec.encode(Event("in", "inner", {"a": [1, 2, object]}), LIMIT))
            return "done"

    assert ({"x": ["done", 1]}, False) == sent({"x": [Logging(), 1]})
    assert "inner" == codec.decode(inner[0][0]).template


def test_repr_that_empties_the_list_it_stands_in_is_harmless():
    """User code that changes a container in the middle of the walk cannot crash the interpreter."""
    items: list = []

    class Emptying:
        def __repr__(self):
            items.clear()
            return "gone"

    items[:] = [Emptying(), *[object() for _ in range(5_000)]]

    value, _ = sent(items)

    assert "gone" == value[0]
    assert [] == items


def test_base_exceptions_pass():
    """KeyboardInterrupt is not swallowed."""

    class Interrupting:
        def __repr__(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sent(Interrupting())


def test_huge_integers_are_shown_by_their_head():
    """An integer beyond the interpreter's digit limit becomes hexadecimal text with its size."""
    value, cut = sent(-(1 << 9_000))

    assert ("-0x80", True) == (value[:5], cut)
    assert value.endswith("…(9001 bits)")


def test_floats_that_are_no_numbers_travel_as_floats():
    """NaN and the infinities are kept as they are."""
    assert math.isnan(sent(math.nan)[0])
    assert (-math.inf, False) == sent(-math.inf)


def test_near_the_end_of_the_stack_it_still_encodes():
    """Where the caller has used up the stack, something still travels, and nothing is raised."""
    results = []

    def dive():
        try:
            dive()
        except RecursionError:
            results.append(codec.encode(Event("t", "m", {"v": object()}), LIMIT))
            raise

    with pytest.raises(RecursionError):
        dive()

    assert all(codec.decode(payload) is not None for payload, _ in results)


def test_dict_that_changes_meanwhile_never_raises():
    """Another thread that changes the dict costs at most a value."""
    shared: dict = {str(i): "\udc80" for i in range(100)}
    done = threading.Event()

    def change():
        n = 0
        while not done.is_set():
            n += 1
            shared[f"n{n % 50}"] = n
            shared.pop(f"n{(n + 25) % 50}", None)

    thread = threading.Thread(target=change)
    old = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread.start()
    try:
        for _ in range(200):
            assert type(sent(shared)[0]) is dict
    finally:
        done.set()
        thread.join()
        sys.setswitchinterval(old)


def test_nodes_bound_the_walk():
    """A graph that unfolds without end stops at the node limit."""
    value: list = ["leaf"]
    for _ in range(30):
        value = [value] * 3
    walk = Sanitiser(LIMIT)

    walk.value(value)

    assert walk.cut


@pytest.mark.parametrize(
    "value",
    [
        (x for x in ()),
        threading.Lock(),
        logging.getLogger("x"),
        sys.stderr,
        print,
        Colour,
        Exception("e"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_live_objects_become_their_repr(value):
    """Generators, locks, files and functions are told by their repr."""
    assert (repr(value), False) == sent(value)

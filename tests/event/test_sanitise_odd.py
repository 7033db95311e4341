"""Values harder than others: types that hide, keys that fall together, half-made records."""

from __future__ import annotations

import dataclasses
import enum

import msgspec
import pytest

from mplog.event import codec
from mplog.event.event import Event

LIMIT = 65_536


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Basket:
    owner: str
    items: list


class Tagged(msgspec.Struct, tag="tagged", rename="camel"):
    order_id: int
    note: object = ""


class Row(msgspec.Struct, array_like=True):
    a: int
    b: object


def sent(value):
    payload, cut = codec.encode(Event("t", "m", {"value": value}), LIMIT)
    event = codec.decode(payload)
    assert event is not None
    return event.fields["value"], cut


class Secretive(type):
    @property
    def __name__(cls):
        raise RuntimeError("no name")

    def __getattr__(cls, name):
        raise RuntimeError(name)


def test_a_type_that_hides_its_name_is_an_object():
    """A metaclass that raises for the name of the type costs its value alone."""
    assert ("<unrepresentable object: RuntimeError>", True) == sent(Secretive("Odd", (), {})())


def test_keys_that_become_the_same_text_are_kept_apart():
    """No entry hides another one: the second has `~2`, the third `~3`."""
    long = "k" * 300
    value, cut = sent({Colour.RED: object, "red": 1, long + "a": 2, long + "b": 3, long + "c": 4})

    shown = "k" * 256 + "…"
    assert {"red": repr(object), "red~2": 1, shown: 2, f"{shown}~2": 3, f"{shown}~3": 4} == value
    assert cut


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Basket("a", [complex(0, 1)]), {"owner": "a", "items": ["1j"]}),
        (Tagged(5, complex(0, 1)), {"type": "tagged", "orderId": 5, "note": "1j"}),
        (Row(1, complex(0, 1)), [1, "1j"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_record_that_msgpack_cannot_take_whole_keeps_its_shape(value, expected):
    """Names, tag and order are those that msgspec writes; only the odd value takes another form."""
    assert (expected, False) == sent(value)


def test_a_record_that_lacks_a_field_becomes_its_repr():
    """A dataclass of which a field was deleted is told as it shows itself."""

    @dataclasses.dataclass
    class Half:
        a: int
        b: object

        def __repr__(self):
            return "half"

    half = Half(1, object())
    del half.a

    assert ("half", False) == sent(half)


def test_a_record_of_attrs_that_msgpack_cannot_take_becomes_its_repr():
    """A class with the mark of attrs travels as its fields, or else as it shows itself."""
    kind = type("Odd", (), {"__attrs_attrs__": (), "__repr__": lambda self: "odd"})
    plain, odd = kind(), kind()
    plain.a, odd.a = 1, complex(0, 1)

    assert ({"a": 1}, False) == sent(plain)
    assert ("odd", False) == sent(odd)


def test_a_memoryview_that_was_released_is_shown():
    """What it held is gone; that it was there is told."""
    view = memoryview(b"abc")
    view.release()

    value, cut = sent(view)

    assert (False, True) == (cut, value.startswith("<released memory at"))

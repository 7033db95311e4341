"""What is too large is cut to its limit, fairly, and told."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mplog.event import codec
from mplog.event.event import Event, ExceptionInfo, Frame
from mplog.event.fit import level

LIMIT = 65_536


@dataclasses.dataclass
class Basket:
    owner: str
    items: list


def sent(value, max_bytes=LIMIT):
    payload, cut = codec.encode(Event("t", "m", {"value": value}), max_bytes)
    assert len(payload) <= max_bytes
    event = codec.decode(payload)
    assert event is not None
    return event.fields["value"], cut


def nested(depth):
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


def cyclic():
    items: list = [1]
    items.extend([items, {"again": items}])
    return items


@pytest.mark.parametrize(
    "value",
    [
        "x" * 1_000_000, "ü" * 1_000_000, b"\0" * 1_000_000, {f"k{i}": i for i in range(10_000)},
        nested(1_000), cyclic(), list(range(1_000_000)), [["y" * 100] * 100] * 100,
        10**5000, -(10**5000),
        {"k" * 100_000: 1}, [b"z" * 1_000] * 1_000, dict.fromkeys(range(5_000), "v" * 50),
        [Basket("b", ["q" * 1_000] * 1_000)], memoryview(b"m" * 1_000_000), "\ud800" * 100_000,
        [nested(100)] * 1_000, ["€" * 10] * 9_999,
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
@pytest.mark.parametrize("max_bytes", [1_024, 16_300, LIMIT])
def test_too_much_is_cut_to_fit_and_told(value, max_bytes):
    """Whatever is too long, too wide or too deep fits its limit, decodes, and is told as cut."""
    _, cut = sent(value, max_bytes)

    assert cut


def test_small_fields_survive_beside_a_large_one():
    """A megabyte in one field does not cost the event its other fields."""
    payload, cut = codec.encode(
        Event("t", "m {a}", {"big": "x" * 1_000_000, "a": 1, "b": "kept"}, {"r": "id"}), 16_000
    )

    event = codec.decode(payload)

    assert cut
    assert ("m {a}", 1, "kept", {"r": "id"}) == (
        event.template, event.fields["a"], event.fields["b"], event.context,
    )  # fmt: skip
    assert len(payload) > 15_000


def test_long_exceptions_fit_and_keep_type_message_and_innermost_frames():
    """A cut exception still says what it was and where it was raised."""
    frames = [Frame(f"/f{i}.py", i, "g", "t" * 400) for i in range(100)]
    cause = ExceptionInfo("Cause", "c" * 50_000, frames)
    info = ExceptionInfo("a.B", "m" * 90_000, frames, ["n" * 9_000], cause, group=[cause] * 20)

    payload, cut = codec.encode(Event("t", "m", exception=info), 16_000)
    told = codec.decode(payload).exception

    assert cut
    assert len(payload) <= 16_000
    assert ("a.B", "m" * 100) == (told.type, told.message[:100])
    assert frames[-1] == told.stack[-1]
    assert "Cause" == told.cause.type


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.binary()
        | st.text(st.characters(codec=None)),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
        max_leaves=50,
    ),
    st.integers(1_024, 4_096),
)  # fmt: skip
def test_anything_fits_and_decodes(value, max_bytes):
    """Arbitrary data encodes within its limit and decodes."""
    sent(value, max_bytes)


@given(st.lists(st.integers(0, 300), max_size=12), st.integers(0, 2_000))
def test_the_level_is_the_greatest_that_fits(sizes, limit_bytes):
    """Of all levels the sum is within the limit, and with the next one it is not; where all fit
    whole, it is the largest size.
    """
    found = level(sizes, limit_bytes)

    assert sum(min(size, found) for size in sizes) <= limit_bytes
    if sum(sizes) <= limit_bytes:
        assert found == max(sizes, default=0)
    else:
        assert sum(min(size, found + 1) for size in sizes) > limit_bytes


def test_a_record_that_is_too_large_for_its_share_is_left_out_whole():
    """A dataclass among too many has `…` in its place: half of one cannot be read."""
    few, _ = sent([Basket("b", ["kept"]), "x" * 100_000])
    many, cut = sent([*[Basket("b", ["q" * 200])] * 400, Basket("b", [])])

    assert ({"owner": "b", "items": ["kept"]}, True) == (few[0], few[1].endswith("…"))
    assert cut
    assert (["…"] * 400, {"owner": "b", "items": []}) == (many[:400], many[400])


def test_what_led_to_a_cut_exception_is_kept_whole_where_it_fits():
    """A long message takes no room from a short stack, nor from the exception before it."""
    frames = [Frame("/f.py", 1, "g", "t")]
    before = ExceptionInfo("Before", "b", frames)
    info = ExceptionInfo("a.B", "m" * 90_000, frames, ["n" * 15_000] * 2, context=before)

    payload, cut = codec.encode(Event("t", "m", exception=info), 16_000)
    told = codec.decode(payload).exception

    assert (True, "n…") == (cut, told.notes[0][-2:])
    assert (frames, before) == (told.stack, told.context)

"""Any event becomes bytes that fit, and the bytes become an event again."""

from __future__ import annotations

import msgspec
import pytest

from mplog.event import codec
from mplog.event.event import Event, ExceptionInfo

LIMIT = 65_536


class Raising:
    def __repr__(self):
        raise ValueError("no")


def test_plain_event_survives_whole():
    """An event of plain values comes back as it was, and is not cut."""
    event = Event(
        "shop", "hi {a}", {"a": 1, "b": [1.5, None, True], "c": b"\0"}, {"r": "1"}, "f", 3, "g"
    )

    payload, cut = codec.encode(event, LIMIT)

    assert not cut
    assert event == codec.decode(payload)
    assert event == codec.decode(memoryview(payload))


@pytest.mark.parametrize("template", [None, 5, ["a"], ValueError("bad"), Raising(), b"x"])
def test_template_and_logger_become_text(template):
    """Any object can be the message, as in the standard library; on the wire it is a str."""
    event = codec.decode(codec.encode(Event(template, template), LIMIT)[0])

    assert (str, str) == (type(event.logger), type(event.template))


def test_tuple_is_an_event_too():
    """The slow path takes the thirteen items as well as the Event, and fewer of them."""
    event = Event("t", "m", {"a": object}, None, "f", 1)

    assert codec.bounded(event, LIMIT) == codec.bounded(msgspec.structs.astuple(event), LIMIT)
    assert codec.bounded(event, LIMIT) == codec.bounded(
        ("t", "m", {"a": object}, None, "f", 1), LIMIT
    )


def test_none_stands_for_what_is_empty():
    """Parts given as None take their empty value, on both slow ways."""
    for value in (object, [object]):
        event = codec.decode(codec.bounded(("t", "m", {"a": value}, *[None] * 10), LIMIT)[0])

        assert ("", 0, "", "") == (event.file, event.line, event.function, event.thread_name)


def test_wrong_parts_are_bent():
    """Parts of the wrong type do not cost the event."""
    payload, _ = codec.bounded(("t", "m", [1], "c", 5, "x", None, -1, b"", 7, "e", 3, "a"), LIMIT)

    event = codec.decode(payload)

    assert ({"value": [1]}, {"value": "c"}, 0, 0, ["a"]) == (
        event.fields, event.context, event.line, event.thread_id, event.args,
    )  # fmt: skip


def test_args_of_percent_templates_travel():
    """List and map arguments keep their shape; a map's keys become text."""
    assert [1, "a"] == codec.decode(codec.encode(Event("t", "%s", args=(1, "a")), LIMIT)[0]).args
    assert {"1": 2} == codec.decode(codec.encode(Event("t", "%s", args={1: 2}), LIMIT)[0]).args


def test_a_chain_without_end_is_cut_where_it_is_too_deep():
    """What is beyond 32 causes is left out and told as cut; the event travels."""
    info = ExceptionInfo("E", "innermost")
    for number in range(40):
        info = ExceptionInfo("E", f"{number}\udc80", cause=info)

    payload, cut = codec.encode(Event("t", "m", exception=info), LIMIT)
    told, depth = codec.decode(payload).exception, 0
    while told.cause is not None:
        told, depth = told.cause, depth + 1

    assert cut
    assert (31, "8\\udc80") == (depth, told.message)

"""Events for trying sinks: plain ones that are counted, and ones that mean harm."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from mplog.event.event import Event, ExceptionInfo, Frame, Stamped
from mplog.sinks.base import Outgoing

SESSION = "c0ffee123456-1-1"
FORGED = "forged-by-an-event"
_CONTROLS = "".join(map(chr, [*range(32), *range(127, 160), 0x2028, 0x2029, 0x202E, 0x2066]))
_TERMINAL = "\x1b]0;title\x07\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\x1b]8;;http://x\x1b\\link"


def mark(number: int) -> str:
    """What stands in the message of the event of that number, and nowhere else."""
    return f"check-{number:06d}-mark"


def plain(number: int, level: int = 20) -> Outgoing:
    """An event like most."""
    return _outgoing(number, Event("check", mark(number), {"n": number, "user": "ann"}), level)


def hostile(first: int) -> Iterator[Outgoing]:
    """Events of any content that a program can log, each with its mark at the beginning of its
    message; numbered from *first* on.
    """
    forged = f"\n{FORGED}\r\n{FORGED}\x85{FORGED}\u2028{FORGED}\0{FORGED}"
    texts: list[str] = [
        _CONTROLS + forged,
        _TERMINAL + forged,
        "\0" * 100,
        "\ud800 lone \udfff",
        "{name} {0} {name.__class__} %s %(name)s ${name}",
        '"quotes\\" <13>1 2026-01-01T00:00:00Z host app - - - x',
        "\U0001f600" * 1_000,
        "x" * (1 << 20),
    ]
    values: list[dict[str, Any]] = [
        {"text": text, text[:200]: text[:200], "": ""} for text in texts
    ] + [
        {"nan": float("nan"), "inf": float("-inf"), "big": (1 << 64) - 1, "small": -(1 << 63)},
        {"deep": _deep(30), "bytes": bytes(range(256)), "none": None, "yes": True},
        {f"key {n}": n for n in range(500)},
        {"timestamp": 1, "level": "x", "message": "y", "session": "z", "seq": "no"},
    ]
    exception = ExceptionInfo(
        f"evil{forged}", f"no{forged}", [Frame(f"a{forged}.py", 1, f"f{forged}", forged)], [forged]
    )
    number = first
    for text in texts:
        event = Event("check", mark(number) + text, {"n": number}, thread_name=forged)
        yield _outgoing(number, event)
        number += 1
    for fields in values:
        yield _outgoing(number, Event(f"check{forged}", mark(number), fields, {"c": forged}))
        number += 1
    for level in (0, 7, 255):
        event = Event("", mark(number), exception=exception, stack=forged, task=forged)
        yield _outgoing(number, event, level)
        number += 1


def own(number: int) -> Outgoing:
    """An event of the service itself, as the notice of a loss: it has no number."""
    stamped = Stamped(time.time_ns(), 30, 0, 0, "", 0, 0, "")
    return Outgoing(stamped, Event("mplog", mark(number), {"event_name": "mplog.sink.drop"}))


def _outgoing(number: int, event: Event, level: int = 20) -> Outgoing:
    stamped = Stamped(time.time_ns(), level, 0, 0, SESSION, number, 4242, "worker")
    return Outgoing(stamped, event)


def _deep(levels: int) -> Any:
    value: Any = "bottom"
    for _ in range(levels):
        value = [value] if levels % 2 else {"k": value}
    return value


def text_of(item: object) -> str:
    """What a far side has got, as text."""
    return item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)


def about(one: Outgoing) -> str:
    """An event in a few words."""
    return f"an event with {one.event.template[:40]!r} and {repr(one.event.fields)[:60]}"

"""An event as bytes and back: fast for what is ordinary, total for what is not.

`ENCODER` has no `enc_hook`, and must not get one: msgspec walks lists and dicts by borrowed
references, so Python code that runs in the middle of its walk (a `__repr__`, or another thread that
gets its turn meanwhile) and shortens such a list makes the interpreter crash. What msgspec does not
know raises TypeError there, and `bounded` takes over.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from mplog.event.event import Event, ExceptionInfo, Frame
from mplog.event.fit import Fit, level
from mplog.event.sanitise import STRICT, Sanitiser

ENCODER: msgspec.msgpack.Encoder = STRICT
MIN_BYTES = 1_024
_EMPTY: tuple[Any, ...] = msgspec.structs.astuple(Event("", ""))
_LAST_RESORT = ENCODER.encode(("mplog", "an event that could not be encoded"))
_MAX_CHAIN = 32
_PLAIN = frozenset({str, int, float, bool, type(None), bytes})
_CONTAINERS = (dict, list, tuple, set, frozenset)
_OVERHEAD_BYTES = 64  # the array's own head, numbers and Nones


def encode(event: Event, max_bytes: int) -> tuple[bytes, bool]:
    """The payload of *event* and whether something of it was lost. Never raises.

    Args:
        event: any event; its values may be anything at all.
        max_bytes: the most that the payload may have (at least 1,024).
    """
    try:
        if type(event.template) is str and type(event.logger) is str:
            payload = ENCODER.encode(event)
            if len(payload) <= max_bytes:
                return payload, False
    except Exception:  # noqa: S110  # whatever it was, the bounded walk deals with it
        pass
    return bounded(event, max_bytes)


def bounded(event: Event | tuple[Any, ...], max_bytes: int) -> tuple[bytes, bool]:
    """The slow path of `encode`: a payload of at most *max_bytes*, and whether it was cut.

    A value that merely became its `repr` is not a cut; shortened texts, lists, maps and depths are.
    Never raises. The time is bounded but for the user's own `__repr__` and `__str__`.

    Args:
        event: an Event, or its thirteen items in their order.
        max_bytes: the most that the payload may have (at least 1,024).
    """
    limit = max(max_bytes, MIN_BYTES)
    for attempt in (_shallow, _walked, _bare):
        try:
            payload, cut = attempt(event, limit)
        except Exception:  # noqa: S112  # for one, too little stack left
            continue
        if len(payload) <= limit:
            return payload, cut
    return _LAST_RESORT, True


def is_native(kind: type) -> bool:
    """Whether `ENCODER` alone writes any value of exactly this type, as a text or a time: no code
    of a user's runs for it, but that of a time zone.
    """
    if kind.__module__ == "datetime":
        return kind.__name__ in ("datetime", "date", "time", "timedelta")
    return (kind.__module__, kind.__name__) in (("decimal", "Decimal"), ("uuid", "UUID"))


@cache
def decoder() -> msgspec.msgpack.Decoder[Event]:
    """What reads a plain event; only writers and tools do, so only they have it made."""
    from mplog.event.salvage import extension

    return msgspec.msgpack.Decoder(Event, ext_hook=extension)


def decode(payload: bytes | memoryview) -> Event | None:
    """The event in *payload*, or None where no event can be made of it. Never raises.

    Takes time and memory in proportion to the payload, whatever it claims to hold.
    """
    try:
        return decoder().decode(payload)
    except Exception:
        from mplog.event.salvage import salvage

        return salvage(payload)


def _shallow(event: Event | tuple[Any, ...], limit: int) -> tuple[bytes, bool]:
    """For the usual reason to be here: a path, an exception, an array among the values."""
    items = list(_items(event))
    if type(items[0]) is not str or type(items[1]) is not str:
        raise TypeError("the template must become text first")
    walk = Sanitiser(limit)
    items[2] = {key: _leaf(walk, value) for key, value in items[2].items()}
    if type(items[12]) in (list, tuple):
        items[12] = [_leaf(walk, value) for value in items[12]]
    return ENCODER.encode(items), walk.cut


def _leaf(walk: Sanitiser, value: Any) -> Any:
    """Containers are left to the whole walk, so that user code inside of them runs once."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if issubclass(kind, _CONTAINERS):
        raise TypeError("a container")
    return walk.value(value)


def _walked(event: Event | tuple[Any, ...], limit: int) -> tuple[bytes, bool]:
    walk = Sanitiser(limit)
    items = _items(event)
    parts: list[Any] = [
        walk.text(items[0], 256),
        walk.text(items[1]),
        _mapping(walk, items[2]) or {},
        _mapping(walk, items[3]),
        walk.text(items[4], 1_024),
        _number(items[5]),
        walk.text(items[6], 256),
        _number(items[7]),
        walk.text(items[8], 256),
        None if items[9] is None else walk.text(items[9], 256),
        _exception(walk, items[10], _MAX_CHAIN),
        None if items[11] is None else walk.text(items[11]),
        _args(walk, items[12]),
    ]
    payload = ENCODER.encode(parts)
    if len(payload) <= limit:
        return payload, walk.cut
    return ENCODER.encode(_fitted(parts, limit - _OVERHEAD_BYTES)), True


def _fitted(parts: list[Any], limit: int) -> list[Any]:
    fit = Fit()
    share = level([fit.weigh(part) for part in parts], limit)
    return [
        fit.shrink_exception(part, share)
        if isinstance(part, ExceptionInfo)
        else fit.shrink(part, share)
        for part in parts
    ]


def _bare(event: Event | tuple[Any, ...], limit: int) -> tuple[bytes, bool]:
    """Without what may be deep: where it was said, and what."""
    walk = Sanitiser(limit // 8)
    logger, template = _items(event)[:2]
    return ENCODER.encode((walk.text(logger, 256), walk.text(template, limit // 8))), True


def _items(event: Event | tuple[Any, ...]) -> tuple[Any, ...]:
    if isinstance(event, Event):
        return msgspec.structs.astuple(event)
    # None stands for what is empty; only as the template it is a value: the text "None".
    rest = zip(event[2:], _EMPTY[2:], strict=False)
    given = event[:2] + tuple([empty if part is None else part for part, empty in rest])
    return given + _EMPTY[len(given) :]


def _number(value: object) -> int:
    """Line and thread numbers come from the interpreter; anything else in their place is none."""
    return value if type(value) is int and 0 <= value < 1 << 64 else 0


def _mapping(walk: Sanitiser, value: object) -> dict[str, Any] | None:
    if issubclass(type(value), dict):
        mapped: dict[str, Any] = walk.mapping(value, text_keys=True)  # type: ignore[arg-type]
        return mapped
    return None if value is None else {"value": walk.value(value)}


def _args(walk: Sanitiser, value: object) -> list[Any] | dict[str, Any] | None:
    if issubclass(type(value), (list, tuple)):
        return walk.items(value)
    if value is None or issubclass(type(value), dict):
        return _mapping(walk, value)
    return [walk.value(value)]


def _exception(walk: Sanitiser, value: object, depth: int) -> ExceptionInfo | None:
    if not isinstance(value, ExceptionInfo):
        return None
    if depth <= 0:
        walk.cut = True
        return None
    kind, message = walk.text(value.type, 512), walk.text(value.message, walk.max_bytes // 2)
    # Innermost frames first: of a budget that runs out, they say most.
    stack = [
        Frame(
            walk.text(frame.file, 1_024),
            _number(frame.line),
            walk.text(frame.function, 256),
            walk.text(frame.text, 1_024),
        )
        for frame in reversed(value.stack)
    ]
    notes = [walk.text(note) for note in value.notes]
    cause = _exception(walk, value.cause, depth - 1)
    context = _exception(walk, value.context, depth - 1)
    members = [_exception(walk, member, depth - 1) for member in value.group]
    group = [member for member in members if member is not None]
    return ExceptionInfo(kind, message, stack[::-1], notes, cause, context, group)

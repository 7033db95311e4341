"""A filter expression as a program: tests, each of which says where to go on when it holds and when
it does not. Strictly forwards, so it ends.

`native/core/ring/condition.c` runs the same program on an encoded event; a test holds the two
together. `filter.py` makes it from text.
"""

from __future__ import annotations

from typing import Any

import msgspec

from mplog.event.event import Event, Stamped

MAX_TESTS, MAX_BYTES = 64, 4_096  # MPL_MAX_TESTS, MPL_MAX_CONDITION of native/include/mpl.h
TAKE, DROP = 254, 255
"""Where a test goes on when all is decided."""

HAS, IN, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, LIKE = range(7)

# What is looked at; enum what of condition.c.
NAMES = (
    "fields", "level", "logger", "template", "file", "line", "function", "thread_id",
    "thread_name", "task", "exception", "process", "pid",
)  # fmt: skip
FIELD, LEVEL, LOGGER = range(3)

Literal = str | int | float | bool | None
_MAX_PARTS = 16  # of a field's name
_MISSING: Any = object()


class Step(msgspec.Struct, array_like=True, frozen=True):
    """One test.

    Attributes:
        what: a place in `NAMES`.
        name: of a field; dots lead into maps.
        operands: one, or for `IN` any number; none for `HAS`.
        then, other: the index of the next test, or TAKE, or DROP.
    """

    what: int
    operation: int
    name: str
    operands: tuple[Literal, ...]
    then: int
    other: int


Program = tuple[Step, ...]


def to_bytes(program: Program) -> bytes:
    """The program as the core takes it."""
    return msgspec.msgpack.encode(program)


def holds(program: Program, event: Event, stamped: Stamped) -> bool:
    """Whether *event* passes; never raises."""
    at = 0
    while at not in (TAKE, DROP):
        test = program[at]
        found = _look(test, event, stamped)
        at = test.then if _holds(test, found) else test.other
    return at == TAKE


def _look(test: Step, event: Event, stamped: Stamped) -> Any:
    """What the test is about; _MISSING where the event has none: what is empty is none."""
    name = NAMES[test.what]
    if test.what == FIELD:
        found = _field(event.fields, test.name)
        if found is _MISSING and event.context:
            found = _field(event.context, test.name)
        return found
    if name == "level":
        return stamped.level
    if name == "pid":
        return stamped.pid or _MISSING
    if name == "process":
        return stamped.process_name or _MISSING
    if name == "exception":
        return event.exception.type if event.exception is not None else _MISSING
    return getattr(event, name) or _MISSING


def _field(fields: dict[str, Any], name: str) -> Any:
    """A field of that name, or what the rest of the name leads to in the map that its first part
    names.
    """
    for _ in range(_MAX_PARTS):
        if name in fields:
            return fields[name]
        first, dot, name = name.partition(".")
        inner = fields.get(first) if dot else None
        if not isinstance(inner, dict):
            break
        fields = inner
    return _MISSING


def _holds(test: Step, found: Any) -> bool:
    if found is _MISSING:
        return False
    if test.operation == HAS:
        return True
    if test.operation == IN:
        return any(_same(found, operand) for operand in test.operands)
    (operand,) = test.operands
    if test.operation == LIKE:
        return isinstance(found, str) and _like(test.what, found, str(operand))
    if not _ordered(found, operand):
        return False
    return _compare(test.operation, found, operand)


def _same(found: Any, operand: Literal) -> bool:
    if isinstance(found, bool) or isinstance(operand, bool):
        return found is operand
    if operand is None or isinstance(operand, str):
        return type(found) is type(operand) and found == operand
    return _ordered(found, operand) and bool(found == operand)


def _ordered(found: Any, operand: Literal) -> bool:
    """Whether the two can be compared: numbers with numbers, texts with texts."""
    kinds = (int, float) if type(operand) in (int, float) else (str,)
    return type(found) in kinds and type(operand) in kinds


def _compare(operation: int, found: Any, operand: Any) -> bool:
    if operation == LESS:
        return bool(found < operand)
    if operation == LESS_EQUAL:
        return bool(found <= operand)
    return bool(found > operand) if operation == GREATER else bool(found >= operand)


def _like(what: int, found: str, part: str) -> bool:
    """A logger at or below a dotted prefix; of another text a part."""
    if what == LOGGER:
        return found == part or found.startswith(part + ".")
    return part in found

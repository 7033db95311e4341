"""The event as it travels: a msgpack array whose order is the contract (docs/design/wire.md).

Adding a field means appending it here, with a default: a writer of tomorrow reads the lanes of
today.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Frame(msgspec.Struct, array_like=True, gc=False):
    """One frame of a stack, innermost last."""

    file: str
    line: int
    function: str
    text: str = ""


class ExceptionInfo(msgspec.Struct, array_like=True):
    """An exception, told whole: its chain, its notes, its group."""

    type: str
    message: str
    stack: list[Frame] = []
    notes: list[str] = []
    cause: ExceptionInfo | None = None
    context: ExceptionInfo | None = None
    group: list[ExceptionInfo] = []


class Event(msgspec.Struct, array_like=True):
    """What the user logged; level, time, session and number stand in the record's header."""

    logger: str
    template: str
    fields: dict[str, Any] = {}
    context: dict[str, Any] | None = None
    file: str = ""
    line: int = 0
    function: str = ""
    thread_id: int = 0
    thread_name: str = ""
    task: str | None = None
    exception: ExceptionInfo | None = None
    stack: str | None = None
    args: list[Any] | dict[str, Any] | None = None


class Stamped(msgspec.Struct, frozen=True, gc=False):
    """What the record's header and its session say of an event; the formatters' second argument.

    `filtered`: how many numbers of the session directly before this one a filter took.
    """

    wall_ns: int
    level: int
    kind: int
    flags: int
    session: str
    seq: int
    pid: int
    process_name: str
    filtered: int = 0

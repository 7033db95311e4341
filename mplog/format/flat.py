"""What JSON lines and logfmt lines share: the names, their order, and what is left out.

A line is put together from fragments: what repeats from event to event (a place in the code, a
process, a thread, a second) is encoded once and kept.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from mplog.event.event import Event, Stamped
from mplog.event.level import name_of
from mplog.format.base import (
    CUT,
    HEAD_BYTES,
    LATE,
    RECOVERED,
    UNREADABLE,
    message_of,
    second_text,
    split_time,
)
from mplog.format.exception import stacktrace
from mplog.format.plain import json_map, key_text, plain_text

RESERVED = frozenset(
    """
    timestamp level logger message template exception.type exception.message exception.stacktrace
    stack code.file.path code.line.number code.function.name process.pid process.name thread.id
    thread.name task_name cut late recovered session seq event_name
    last delivered filtered dropped clean first count reasons what offset bytes
    lost.since lost.until unreadable unreadable.bytes unreadable.head
    """.split()  # noqa: SIM905  # a table that people read
)
_FLAGS = ((CUT, "cut"), (LATE, "late"), (RECOVERED, "recovered"))
_MAX_KEPT = 4_096
_MAX_KEPT_BYTES = 2_048

# DEL, C1 controls (NEL among them), line and paragraph separator, what turns text around.
_UNSAFE = re.compile(rb"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]")

Pairs = dict[str, Any]
Fragment = Callable[[Pairs], bytes]


class _Kept(dict[Any, bytes]):
    """Encoded fragments by what they are made of; bounded, for data may decide on the keys."""

    def __init__(self, pairs: Callable[..., Pairs], fragment: Fragment) -> None:
        self.pairs = pairs
        self.fragment = fragment

    def __missing__(self, key: tuple[Any, ...]) -> bytes:
        fragment = self.fragment(self.pairs(*key))
        if len(fragment) <= _MAX_KEPT_BYTES:
            if len(self) >= _MAX_KEPT:
                self.clear()
            self[key] = fragment
        return fragment


def _head(level: int, logger: str) -> Pairs:
    return {"level": name_of(level), "logger": logger}


def _place(file: str, line: int, function: str) -> Pairs:
    return {
        "code.file.path": file,
        "code.line.number": line or None,
        "code.function.name": function,
    }


def _process(pid: int, name: str) -> Pairs:
    return {"process.pid": pid, "process.name": name}


def _thread(number: int, name: str, task: str | None) -> Pairs:
    return {"thread.id": number or None, "thread.name": name, "task_name": task}


def _session(name: str) -> Pairs:
    return {"session": name}


def _trace(event: Event) -> Pairs:
    info = event.exception
    if info is None:
        return {"stack": event.stack}
    return {
        "exception.type": info.type,
        "exception.message": info.message,
        "exception.stacktrace": stacktrace(info),
        "stack": event.stack,
    }


def one_line(line: bytes) -> bytes:
    """JSON without what could end a line, drive a terminal or turn text around, escaped instead."""
    if line.isascii() and line.find(127) < 0:
        return line
    return _UNSAFE.sub(lambda match: b"\\u%04x" % ord(match.group().decode()), line)


def renamed(fields: Pairs) -> Pairs:
    """A user's key that is one of ours becomes `field.<key>`."""
    if RESERVED.isdisjoint(fields):
        return fields
    out: Pairs = {}
    for key, value in fields.items():
        name = key
        if key in RESERVED:
            name = f"field.{key}"
            while name in fields or name in out:
                name = f"field.{name}"
        out[name] = value
    return out


class FlatFormat(ABC):
    """One line of named values an event."""

    OPEN: bytes
    """What stands before a time."""
    AFTER_TIME: bytes
    SEQ: bytes
    """The name of the number, which is the last value of a line."""
    END: bytes

    def __init__(self) -> None:
        self._second = 0
        self._second_bytes = b""
        self._new_second(0)
        self._heads = _Kept(_head, lambda pairs: self.AFTER_TIME + self._told(pairs))
        self._places = _Kept(_place, self._told)
        self._processes = _Kept(_process, self._told)
        self._threads = _Kept(_thread, self._told)
        self._sessions = _Kept(_session, lambda pairs: self.fragment(pairs) + self.SEQ)
        self._flags = [
            self.fragment({name: True for bit, name in _FLAGS if flags & bit}) for flags in range(8)
        ]

    @abstractmethod
    def fragment(self, pairs: Pairs) -> bytes:
        """The pairs, whose values are plain, one after the other."""

    @abstractmethod
    def fields(self, fields: Pairs) -> bytes:
        """A user's pairs, whatever they hold."""

    @abstractmethod
    def closed(self, pairs: Pairs) -> bytes:
        """The pairs that end a line of the service's own."""

    def line(self, event: Event, stamped: Stamped) -> bytes:
        """The line of *event*. Never raises."""
        try:
            return self._line(event, stamped)
        except Exception:
            try:
                return self._line(_plain(event), stamped)
            except Exception:
                return self.unreadable(b"", stamped)

    def unreadable(self, payload: bytes | memoryview, stamped: Stamped) -> bytes:
        """The line of an event that does not decode: its origin, and the head of its bytes."""
        told = {
            **_head(stamped.level, ""),
            "message": UNREADABLE,
            "unreadable": True,
            "unreadable.bytes": len(payload),
            "unreadable.head": bytes(payload[:HEAD_BYTES]).hex(),
            **_process(stamped.pid, stamped.process_name),
        }
        return one_line(
            b"%b%b%b%b%b%d%b"
            % (
                self._time(stamped.wall_ns),
                self.AFTER_TIME,
                self._told(told),
                self._marks(stamped),
                self._sessions[stamped.session,],
                stamped.seq,
                self.END,
            )
        )

    def notice(
        self, wall_ns: int, level: int, event_name: str, message: str, keys: dict[str, Any]
    ) -> bytes:
        """A line of the service's own. Never raises."""
        own = {"event_name": event_name, "message": message}
        told = json_map(own | {key: keys[key] for key in keys if key not in own})
        for taken in ("timestamp", "level", "logger"):
            told.pop(taken, None)
        head = self._time(wall_ns) + self._heads[level, "mplog"]
        return one_line(head + self.closed(told))

    def _line(self, event: Event, stamped: Stamped) -> bytes:
        message = message_of(event, stamped.kind)
        template = event.template
        told = {"message": message}
        if template != message:
            told["template"] = template
        fields = {**event.context, **event.fields} if event.context else event.fields
        second, rest_ns = divmod(stamped.wall_ns, 1_000_000_000)
        if second != self._second:
            second, rest_ns = split_time(stamped.wall_ns)
            if second != self._second:
                self._new_second(second)
        traced = event.exception is not None or event.stack is not None
        return one_line(
            b"%b%09d%b%b%b%b%b%b%b%b%b%d%b"
            % (
                self._second_bytes,
                rest_ns,
                self._heads[stamped.level, event.logger],
                self.fragment(told),
                self.fields(fields) if fields else b"",
                self._told(_trace(event)) if traced else b"",
                self._places[event.file, event.line, event.function],
                self._processes[stamped.pid, stamped.process_name],
                self._threads[event.thread_id, event.thread_name, event.task],
                self._marks(stamped),
                self._sessions[stamped.session,],
                stamped.seq,
                self.END,
            )
        )

    def _told(self, pairs: Pairs) -> bytes:
        """What is empty is left out."""
        return self.fragment({key: pairs[key] for key in pairs if pairs[key] not in ("", None)})

    def _marks(self, stamped: Stamped) -> bytes:
        flags = self._flags[stamped.flags & 7]
        return flags + self.fragment({"filtered": stamped.filtered}) if stamped.filtered else flags

    def _new_second(self, second: int) -> None:
        self._second_bytes = b"%b%b." % (self.OPEN, second_text(second).encode())
        self._second = second

    def _time(self, wall_ns: int) -> bytes:
        second, rest_ns = split_time(wall_ns)
        self._new_second(second)
        return b"%b%09d" % (self._second_bytes, rest_ns)


def _plain(event: Event) -> Event:
    """An event of which every part can be encoded, whatever it was."""
    args = event.args
    info = event.exception
    if info is not None:
        text = key_text(stacktrace(info))
        info = type(info)(key_text(info.type), key_text(info.message), notes=[text])
    return Event(
        key_text(event.logger),
        key_text(event.template),
        json_map(event.fields),
        json_map(event.context) if event.context else None,
        key_text(event.file),
        event.line,
        key_text(event.function),
        event.thread_id,
        key_text(event.thread_name),
        None if event.task is None else key_text(event.task),
        info,
        None if event.stack is None else key_text(event.stack),
        [key_text(plain_text(arg)) for arg in args] if isinstance(args, list) else args,
    )

"""JSON lines, as docs/design/wire.md has them: flat, strict, one line whatever the data.

The line is put together from fragments: what repeats from event to event (a place in the code, a
process, a thread, a second) is encoded once and kept.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from typing import Any

import msgspec

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
    unreadable unreadable.bytes unreadable.head
    """.split()  # noqa: SIM905  # a table that people read
)
_SIMPLE = frozenset({str, int, bool, type(None), bytes, datetime.datetime})
_WITH_FLOAT = _SIMPLE | {float}
_FLAG_NAMES = ((CUT, b'"cut":true,'), (LATE, b'"late":true,'), (RECOVERED, b'"recovered":true,'))
_FLAGS = [b"".join([name for bit, name in _FLAG_NAMES if flags & bit]) for flags in range(8)]
_MAX_KEPT = 4_096
_MAX_KEPT_BYTES = 2_048

# DEL, C1 controls (NEL among them), line and paragraph separator, what turns text around.
_UNSAFE = re.compile(rb"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]")
_encode = msgspec.json.Encoder().encode


class _Kept(dict[Any, bytes]):
    """Encoded fragments by what they are made of; bounded, for data may decide on the keys."""

    def __init__(self, build: Callable[..., bytes]) -> None:
        self.build = build

    def __missing__(self, key: tuple[Any, ...]) -> bytes:
        fragment = self.build(*key)
        if len(fragment) <= _MAX_KEPT_BYTES:
            if len(self) >= _MAX_KEPT:
                self.clear()
            self[key] = fragment
        return fragment


def _fragment(pairs: dict[str, Any]) -> bytes:
    """`"key":value,` for every value that is not empty."""
    shown = {key: value for key, value in pairs.items() if value not in ("", None)}
    return _encode(shown)[1:-1] + b"," if shown else b""


def _head(level: int, logger: str) -> bytes:
    return _fragment({"level": name_of(level), "logger": logger})


def _place(file: str, line: int, function: str) -> bytes:
    return _fragment(
        {
            "code.file.path": file,
            "code.line.number": line or None,
            "code.function.name": function,
        }
    )


def _process(pid: int, name: str) -> bytes:
    return _fragment({"process.pid": pid, "process.name": name})


def _thread(number: int, name: str, task: str | None) -> bytes:
    return _fragment({"thread.id": number or None, "thread.name": name, "task_name": task})


def _session(name: str) -> bytes:
    return b'"session":%b,"seq":' % _encode(name)


def _escaped(match: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(match.group().decode())


def _one_line(line: bytes) -> bytes:
    return _UNSAFE.sub(_escaped, line)


class JsonFormat:
    """One JSON object a line."""

    def __init__(self) -> None:
        self._second = 0
        self._second_bytes = b""
        self._new_second(0)
        self._heads = _Kept(_head)
        self._places = _Kept(_place)
        self._processes = _Kept(_process)
        self._threads = _Kept(_thread)
        self._sessions = _Kept(_session)

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
            "unreadable": True,
            "unreadable.bytes": len(payload),
            "unreadable.head": bytes(payload[:HEAD_BYTES]).hex(),
        }
        return _one_line(
            b"%b%b%b%b%b%d}\n"
            % (
                self._time(stamped.wall_ns),
                _head(stamped.level, ""),
                _fragment({"message": UNREADABLE, **told}),
                _process(stamped.pid, stamped.process_name),
                _FLAGS[stamped.flags & 7] + _session(stamped.session),
                stamped.seq,
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
        body = _encode(told)[1:]
        return _one_line(self._time(wall_ns) + self._heads[level, "mplog"] + body + b"\n")

    def _line(self, event: Event, stamped: Stamped) -> bytes:
        message = message_of(event, stamped.kind)
        template = event.template
        second, rest_ns = divmod(stamped.wall_ns, 1_000_000_000)
        if second != self._second:
            second, rest_ns = split_time(stamped.wall_ns)
            if second != self._second:
                self._new_second(second)
        line = b'%b%09dZ",%b"message":%b,%b%b%b%b%b%b%b%b%d}\n' % (
            self._second_bytes,
            rest_ns,
            self._heads[stamped.level, event.logger],
            _encode(message),
            b"" if template == message else b'"template":%b,' % _encode(template),
            _fields(event),
            b"" if event.exception is None and event.stack is None else _trace(event),
            self._places[event.file, event.line, event.function],
            self._processes[stamped.pid, stamped.process_name],
            self._threads[event.thread_id, event.thread_name, event.task],
            _FLAGS[stamped.flags & 7],
            self._sessions[stamped.session,],
            stamped.seq,
        )
        return line if line.isascii() and line.find(127) < 0 else _one_line(line)

    def _new_second(self, second: int) -> None:
        self._second_bytes = b'{"timestamp":"%b.' % second_text(second).encode()
        self._second = second

    def _time(self, wall_ns: int) -> bytes:
        second, rest_ns = split_time(wall_ns)
        self._new_second(second)
        return b'%b%09dZ",' % (self._second_bytes, rest_ns)


def _fields(event: Event) -> bytes:
    fields = event.fields
    if event.context:
        fields = {**event.context, **fields}
    if not fields:
        return b""
    if not RESERVED.isdisjoint(fields):
        fields = _renamed(fields)
    for value in fields.values():
        if value.__class__ not in _SIMPLE:
            break
    else:
        return _encode(fields)[1:-1] + b","
    if _WITH_FLOAT.issuperset(map(type, fields.values())):
        body = _encode(fields)
        # msgspec writes null for NaN and the infinities, which would lose them.
        if b"null" not in body:
            return body[1:-1] + b","
    return _encode(json_map(fields))[1:-1] + b","


def _renamed(fields: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in fields.items():
        name = key
        if key in RESERVED:
            name = f"field.{key}"
            while name in fields or name in out:
                name = f"field.{name}"
        out[name] = value
    return out


def _trace(event: Event) -> bytes:
    told: dict[str, Any] = {"stack": event.stack}
    info = event.exception
    if info is not None:
        told = {
            "exception.type": info.type,
            "exception.message": info.message,
            "exception.stacktrace": stacktrace(info),
            "stack": event.stack,
        }
    return _fragment(told)


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

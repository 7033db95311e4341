"""Lines for people. Data can neither forge a line nor drive the terminal that shows it.

Only the first line of an event starts at the margin; what belongs to it (exception, stack) is
indented by four spaces. Control characters are shown (`\\n`, `\\x1b`), never written.
"""

from __future__ import annotations

import re
from typing import Any

from mplog.event.event import Event, Stamped
from mplog.event.level import name_of
from mplog.format.base import (
    CUT,
    HEAD_BYTES,
    LATE,
    PERCENT_KIND,
    RECOVERED,
    UNREADABLE,
    message_of,
    second_text,
    split_time,
)
from mplog.format.exception import stacktrace
from mplog.format.plain import plain_text
from mplog.format.template import names_in

INDENT = "    "
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_QUOTED = re.compile(r"""[\s="']|^$""")
_TRACE = "exception.stacktrace"
_FLAGS = ((CUT, " (cut)"), (LATE, " (late)"), (RECOVERED, " (recovered)"))


def _shown(match: re.Match[str]) -> str:
    char = match.group()
    code = ord(char)
    return _NAMED.get(char) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def visible(text: str) -> str:
    """*text* on one line, with what is not for people's eyes or would steer a terminal escaped."""
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE.sub(_shown, text)


class TextFormat:
    """`2026-11-22T08:00:00.123456Z INFO     shop[1234] message  key=value`"""

    def __init__(self) -> None:
        self._second = -1
        self._second_text = ""

    def line(self, event: Event, stamped: Stamped) -> bytes:
        """The lines of *event*. Never raises."""
        try:
            return self._lines(event, stamped).encode()
        except Exception:
            return self.unreadable(b"", stamped)

    def unreadable(self, payload: bytes | memoryview, stamped: Stamped) -> bytes:
        """The line of an event that does not decode."""
        head = self._head(stamped.wall_ns, stamped.level, f"[{stamped.pid}]")
        told = {
            "session": stamped.session,
            "seq": stamped.seq,
            "bytes": len(payload),
            "head": bytes(payload[:HEAD_BYTES]).hex(),
        }
        return f"{head} {UNREADABLE}{_pairs(told)}\n".encode()

    def notice(
        self, wall_ns: int, level: int, event_name: str, message: str, keys: dict[str, Any]
    ) -> bytes:
        """A line of the service's own. Never raises."""
        head = self._head(wall_ns, level, "mplog")
        told = {"event_name": event_name, **keys}
        trace = told.pop(_TRACE, "")
        line = f"{head} {visible(message)}{_pairs(told)}{_block(trace) if trace else ''}\n"
        return line.encode("utf-8", "backslashreplace")

    def _lines(self, event: Event, stamped: Stamped) -> str:
        head = self._head(stamped.wall_ns, stamped.level, f"{event.logger}[{stamped.pid}]")
        fields = event.fields
        if event.context:
            fields = {**event.context, **fields}
        if fields and stamped.kind != PERCENT_KIND:
            told = names_in(event.template)
            fields = {key: value for key, value in fields.items() if key not in told}
        line = f"{head} {visible(message_of(event, stamped.kind))}{_pairs(fields)}"
        if stamped.flags:
            line += "".join(text for bit, text in _FLAGS if stamped.flags & bit)
        if event.exception is not None:
            line += _block(stacktrace(event.exception))
        if event.stack:
            line += _block(event.stack)
        return line + "\n"

    def _head(self, wall_ns: int, level: int, source: str) -> str:
        second, rest_ns = split_time(wall_ns)
        if second != self._second:
            self._second_text = second_text(second)
            self._second = second
        time = f"{self._second_text}.{rest_ns // 1_000:06d}Z"
        return f"{time} {name_of(level):<8} {visible(source)}"


def _pairs(fields: dict[str, Any]) -> str:
    if not fields:
        return ""
    return "  " + " ".join([f"{visible(k)}={_value(v)}" for k, v in fields.items()])


def _value(value: Any) -> str:
    text = visible(plain_text(value))
    if type(value) is str and _QUOTED.search(text):
        return '"' + text.replace('"', '\\"') + '"'
    return text


def _block(text: str) -> str:
    return "".join([f"\n{INDENT}{visible(line)}" for line in text.split("\n")])

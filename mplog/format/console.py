"""Lines for people who watch: local time, the level in its colour, what is asked for first.

Data can neither forge a line nor drive the terminal: what is not for people's eyes is escaped, and
the only control sequences are those of the colours, which are written here.
"""

from __future__ import annotations

import time
from typing import Any

from mplog.event.event import Event, Stamped
from mplog.event.level import CRITICAL, ERROR, INFO, WARNING, name_of
from mplog.format.base import (
    HEAD_BYTES,
    PERCENT_KIND,
    UNREADABLE,
    message_of,
    split_time,
)
from mplog.format.exception import stacktrace
from mplog.format.plain import plain_text
from mplog.format.template import names_in
from mplog.format.text import visible

INDENT = "    "
_BOLD, _DIM, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"
_RED, _GREEN, _YELLOW, _CYAN, _WHITE_ON_RED = (
    "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m", "\x1b[97;41m"
)  # fmt: skip
_SUCCESS = 25
_LEVEL_CHARS = 8


def colour_of(level: int) -> str:
    """The control sequence for a level's name."""
    if level >= ERROR:
        return _WHITE_ON_RED if level >= CRITICAL else _RED
    if level >= WARNING:
        return _YELLOW
    return _GREEN if level >= _SUCCESS else _CYAN if level >= INFO else _DIM


class ConsoleFormat:
    """`2026-11-22 08:00:00.123 INFO     shop.db[1234] message  key=value`

    Args:
        colour: whether there are colours.
    """

    def __init__(self, *, colour: bool = False) -> None:
        self._colour = colour
        self._second, self._second_text = -1, ""

    def line(self, event: Event, stamped: Stamped) -> bytes:
        """The lines of *event*. Never raises."""
        try:
            return self._lines(event, stamped).encode("utf-8", "backslashreplace")
        except Exception:
            return self.unreadable(b"", stamped)

    def unreadable(self, payload: bytes | memoryview, stamped: Stamped) -> bytes:
        """The line of an event that does not decode."""
        keys = {
            "session": stamped.session,
            "seq": stamped.seq,
            "head": bytes(payload[:HEAD_BYTES]).hex(),
        }
        head = self._head(stamped, f"[{stamped.pid}]")
        return f"{head} {UNREADABLE}{self._pairs(keys)}\n".encode()

    def notice(
        self, wall_ns: int, level: int, event_name: str, message: str, keys: dict[str, Any]
    ) -> bytes:
        """A line of the service's own. Never raises."""
        event = Event("mplog", "{message}", {"message": message})
        stamped = Stamped(wall_ns, level, 0, 0, "", 0, 0, "mplog")
        told = self._pairs({"event_name": event_name, **keys}).encode("utf-8", "backslashreplace")
        return self.line(event, stamped)[:-1] + told + b"\n"

    def _lines(self, event: Event, stamped: Stamped) -> str:
        source = f"{event.logger}[{stamped.pid}]" if stamped.pid else event.logger
        fields = {**event.context, **event.fields} if event.context else event.fields
        if fields and stamped.kind != PERCENT_KIND:
            told = names_in(event.template)
            fields = {key: value for key, value in fields.items() if key not in told}
        message = visible(message_of(event, stamped.kind))
        if stamped.level >= WARNING:
            message = self._in(_BOLD, message)
        line = f"{self._head(stamped, source)} {message}{self._pairs(fields)}"
        for text in (
            None if event.exception is None else stacktrace(event.exception),
            event.stack,
        ):
            if text:
                line += self._block(text)
        return line + "\n"

    def _head(self, stamped: Stamped, source: str) -> str:
        second, rest_ns = split_time(stamped.wall_ns)
        if second != self._second:
            self._second_text = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))
            self._second = second
        moment = self._in(_DIM, f"{self._second_text}.{rest_ns // 1_000_000:03d}")
        name = self._in(colour_of(stamped.level), visible(name_of(stamped.level)))
        gap = " " * max(_LEVEL_CHARS - len(name_of(stamped.level)), 0)
        return f"{moment} {name}{gap} {self._in(_DIM, visible(source))}"

    def _pairs(self, fields: dict[str, Any]) -> str:
        if not fields:
            return ""
        pairs = [f"{self._in(_DIM, visible(k) + '=')}{_value(v)}" for k, v in fields.items()]
        return "  " + " ".join(pairs)

    def _block(self, text: str) -> str:
        """What belongs to a line, indented; the last line of a traceback says what it is."""
        lines = [f"{INDENT}{visible(line)}" for line in text.rstrip("\n").split("\n")]
        lines[-1] = self._in(_RED, lines[-1])
        return "\n" + "\n".join(lines)

    def _in(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_RESET}" if self._colour and text else text


def _value(value: Any) -> str:
    text = visible(plain_text(value))
    if type(value) is str and (not text or any(char in " =\"'" for char in text)):
        return '"' + text.replace('"', '\\"') + '"'
    return text

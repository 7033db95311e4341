"""Events as syslog messages of RFC 5424: header, structured data, text.

Nothing that an event holds can end a message, forge another one or drive a terminal: the header's
words are printable ASCII, control characters are shown (`\\n`, `\\x1b`), and a value in the
structured data cannot leave its quotes. A message has a limit in bytes; what goes over it is cut
between two characters, from what matters least on, and the message says `cut="true"`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from mplog.config import syslog
from mplog.config.syslog import FACILITIES, MIN_BYTES, required
from mplog.event.event import Event, Stamped
from mplog.event.level import name_of
from mplog.format.base import (
    CUT,
    LATE,
    RECOVERED,
    UNREADABLE,
    Format,
    message_of,
    second_text,
    split_time,
)
from mplog.format.exception import stacktrace
from mplog.format.flat import renamed
from mplog.format.plain import json_value
from mplog.format.text import visible

_SEVERITIES = ((50, 2), (40, 3), (30, 4), (25, 5), (20, 6))
_BOM = b"\xef\xbb\xbf"
_MORE = "…"
_NAME_CHARS = 32
_MIN_VALUE_BYTES = 24  # below that a value that is cut says nothing
_CUT = ' cut="true"'
_FLAGS = ((LATE, "late"), (RECOVERED, "recovered"))
_not_printable = re.compile("[^!-~]")
_not_name = re.compile(r'[^!-~]|[."=\]]')  # syslog-ng takes what stands before a dot for an SD-ID
_quoted = str.maketrans({'"': '\\"', "\\": "\\\\", "]": "\\]"})
_encode = msgspec.json.Encoder().encode


def severity(level: int) -> int:
    """The severity of RFC 5424 (2 critical … 7 debug) for a *level* of 0–255."""
    return next((number for least, number in _SEVERITIES if level >= least), 7)


class SyslogFormat:
    """Messages of RFC 5424.

    Args:
        facility: a name of `FACILITIES`.
        app: the application's name (APP-NAME).
        host: the machine's name (HOSTNAME); "": as the kernel has it.
        sd_id: what the fields stand under, as `name@enterprise-number`.
        bom: whether a text that is not ASCII begins with the mark that the RFC asks for.
        max_bytes: a message's limit, from 480 on; long names of application and host count too.
        body: makes the text, instead of message and fields: a format such as JSON.

    Raises:
        UsageError: one of them is wrong.
    """

    def __init__(
        self, *, facility: str = "user", app: str = "mplog", host: str = "",
        sd_id: str = "mplog@32473", bom: bool = True, max_bytes: int = 8_192,
        body: Format | None = None,
    ) -> None:  # fmt: skip
        name = required(syslog.facility, facility, "syslog facility")
        self._priority = FACILITIES.index(name) * 8
        self._sd_id = required(syslog.sd_id, sd_id, "syslog sd_id")
        self.max_bytes = required(syslog.max_bytes, max_bytes, "syslog max_bytes")
        room = 255 if max_bytes >= 4 * MIN_BYTES else 64
        self._origin = f"{_word(host or os.uname().nodename, room)} {_word(app, 48)}"
        self._bom = _BOM if bom else b""
        self._body = body

    def message(self, event: Event, stamped: Stamped, max_bytes: int | None = None) -> bytes:
        """The message of *event*, without a line end. Never raises.

        Args:
            max_bytes: a limit below the usual one, not below 480.
        """
        limit = max(MIN_BYTES, min(max_bytes or self.max_bytes, self.max_bytes))
        try:
            return self._message(event, stamped, limit, self._body)
        except Exception:  # whatever a payload, or a body, has brought
            return self._message(Event("", UNREADABLE), stamped, limit, None)

    def _message(self, event: Event, stamped: Stamped, limit: int, format: Format | None) -> bytes:
        second, rest_ns = split_time(stamped.wall_ns)
        kind = event.fields.get("event_name") if _is_notice(event, stamped) else None
        head = (
            f"<{self._priority + severity(stamped.level)}>1 "
            f"{second_text(second)}.{rest_ns // 1_000:06d}Z {self._origin} "
            f"{stamped.pid or '-'} {_word(kind or event.logger, _NAME_CHARS)} [{self._sd_id}"
        ).encode()
        if format is None:
            text, pairs = visible(message_of(event, stamped.kind)), _all(event, stamped)
        else:
            line = format.line(event, stamped).decode("utf-8", "replace")
            text, pairs = visible(line.removesuffix("\n")), _own(event, stamped)
        cut = bool(stamped.flags & CUT)
        params = _params(pairs)
        data = ("".join(params) + (_CUT if cut else "")).encode()
        body = text.encode()
        mark = b"" if body.isascii() else self._bom
        if len(head) + len(data) + 2 + len(mark) + len(body) > limit:
            data, body = _fitted(params, body, limit - len(head) - 2 - len(_BOM))
            mark = b"" if body.isascii() else self._bom
        return b"%b%b] %b%b" % (head, data, mark, body)


def _word(text: Any, limit: int) -> str:
    """*text* as one word of a header; "-" stands for none."""
    return _not_printable.sub("_", str(text))[:limit] or "-"


def _is_notice(event: Event, stamped: Stamped) -> bool:
    """Whether it is the service's own: it has no number, and its keys are names of ours."""
    return event.logger == "mplog" and not stamped.seq


def _own(event: Event, stamped: Stamped) -> dict[str, Any]:
    """What tells the event from every other one; a notice has no number."""
    told: dict[str, Any] = {"session": stamped.session} if stamped.session else {}
    if stamped.seq:
        told["seq"] = stamped.seq
    told |= {"level": name_of(stamped.level), "logger": event.logger}
    told |= {name: True for bit, name in _FLAGS if stamped.flags & bit}
    return told


def _all(event: Event, stamped: Stamped) -> dict[str, Any]:
    """Names and values by how much they matter: what stands last is cut first."""
    fields = {**event.context, **event.fields} if event.context else event.fields
    told = _own(event, stamped)
    if _is_notice(event, stamped):
        told = {**fields, **told}
    else:
        told |= renamed(fields)
    info = event.exception
    if info is not None:
        told |= {"exception.type": info.type, "exception.message": info.message}
    last = {
        "code.file.path": event.file,
        "code.line.number": event.line or None,
        "code.function.name": event.function,
        "process.name": stamped.process_name,
        "thread.id": event.thread_id or None,
        "thread.name": event.thread_name,
        "task_name": event.task,
        "exception.stacktrace": None if info is None else stacktrace(info),
        "stack": event.stack,
    }
    more = {key: value for key, value in last.items() if value not in ("", None)}
    return {**told, **{key: value for key, value in more.items() if key not in told}}


def _params(pairs: dict[str, Any]) -> list[str]:
    """` name="value"` for every pair; each name once, whatever had to be done to it."""
    out = []
    taken: set[str] = {"cut"}
    numbers: dict[str, int] = {}  # the last of each: all keys of a large event may become one
    for key, value in pairs.items():
        name = made = _not_name.sub("_", str(key))[:_NAME_CHARS] or "_"
        while name in taken or (name != key and name in pairs):
            numbers[made] = numbers.get(made, 1) + 1
            end = f"~{numbers[made]}"
            name = made[: _NAME_CHARS - len(end)] + end
        taken.add(name)
        out.append(f' {name}="{_value(value)}"')
    return out


def _value(value: Any) -> str:
    """As JSON has it, a text without its quotes; then with what the RFC escapes."""
    if value.__class__ is not str:
        plain = json_value(value)
        value = plain if plain.__class__ is str else _encode(plain).decode().strip('"')
    return visible(value).translate(_quoted)


def _fitted(params: Iterable[str], body: bytes, room: int) -> tuple[bytes, bytes]:
    """Structured data and text within *room*: the text has at least half of it where it needs it,
    the values come by their order, and none takes it all.
    """
    whole = [param.encode() for param in params]
    room -= len(_CUT)
    body = _shortened(body, max(room // 2, room - sum(map(len, whole))))
    left = room - len(body)
    later = sum(map(len, whole))
    kept = []
    for param in whole:
        later -= len(param)
        allowed = max(left // 2, left - later)  # one that is huge leaves something to the others
        if len(param) > allowed:
            start = param.index(b'"') + 1
            if allowed - start < _MIN_VALUE_BYTES:
                continue
            param = param[:start] + _shortened(param[start:-1], allowed - start - 1) + b'"'
        kept.append(param)
        left -= len(param)
    return b"".join(kept) + _CUT.encode(), body


def _shortened(text: bytes, limit: int) -> bytes:
    """*text* of at most *limit* bytes, cut between two characters, and not behind a backslash."""
    if len(text) <= limit:
        return text
    more = _MORE.encode()
    head = text[: limit - len(more)].decode("utf-8", "ignore")
    bare = head.rstrip("\\")
    if (len(head) - len(bare)) % 2:
        head = head[:-1]
    return head.encode() + more

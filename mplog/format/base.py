"""What every format is, and what formats share: the time of an event, and its message."""

from __future__ import annotations

import time
from typing import Any, Protocol

from mplog.event.event import Event, Stamped
from mplog.format.template import render_braces, render_percent

CUT, LATE, RECOVERED = 1, 2, 4
PERCENT_KIND = 1
UNREADABLE = "unreadable event"
HEAD_BYTES = 64
_LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z


class Format(Protocol):
    """Events as bytes; no method raises, and each returns whole lines, the newline included."""

    def line(self, event: Event, stamped: Stamped) -> bytes:
        """The line (a text format: lines) of an event."""

    def unreadable(self, payload: bytes | memoryview, stamped: Stamped) -> bytes:
        """The line that stands for an event whose payload does not decode, so that its number is
        there."""

    def notice(
        self, wall_ns: int, level: int, event_name: str, message: str, keys: dict[str, Any]
    ) -> bytes:
        """A line of the service's own: a session's end, a drop, a fault of a file."""


def message_of(event: Event, kind: int) -> str:
    """The rendered template of an event of that record *kind*."""
    if kind == PERCENT_KIND:
        return render_percent(event.template, event.args)
    return render_braces(event.template, event.fields, event.context)


def split_time(wall_ns: int) -> tuple[int, int]:
    """Seconds and nanoseconds, held to what four digits of a year can say."""
    second, rest_ns = divmod(wall_ns, 1_000_000_000)
    if 0 <= second <= _LAST_SECOND:
        return second, rest_ns
    return (0, 0) if second < 0 else (_LAST_SECOND, 999_999_999)


def second_text(second: int) -> str:
    """`2026-11-22T08:00:00` for seconds since 1970, UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


def timestamp(wall_ns: int) -> str:
    """`2026-11-22T08:00:00.000000001Z` for nanoseconds since 1970."""
    second, rest_ns = split_time(wall_ns)
    return f"{second_text(second)}.{rest_ns:09d}Z"

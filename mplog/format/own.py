"""A format of the user's own: a callable that is given each event decoded, and returns its line.

It runs in the writer, and pays for itself: events cross into Python once a batch, are decoded one
by one as their line is made, and no other file waits for more than that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from mplog.event.event import Event, Stamped
from mplog.event.level import name_of
from mplog.format.base import UNREADABLE, message_of
from mplog.format.exception import stacktrace
from mplog.format.text import TextFormat, visible

MAX_LINE_CHARS = 1 << 20


class Line(msgspec.Struct, frozen=True):
    """What a callable format is given for one line.

    Attributes:
        time_ns: nanoseconds since 1970.
        level: from 0 to 255; `level_name` has its name.
        logger: the logger's name; of mplog's own lines "mplog".
        message: the template with its fields put in.
        fields: those of the call, of `bind()` and of the context; of mplog's own lines their keys.
        process_name, pid, session, seq: where the event comes from, and its number there; 0 and ""
            in mplog's own lines.
        thread_name, file, line, function: of the call; "" and 0 where they are not known.
        exception: its traceback, or "".
        event_name: of mplog's own lines, as `mplog.session.end`; else "".
    """

    time_ns: int
    level: int
    level_name: str
    logger: str
    message: str
    fields: dict[str, Any] = {}
    process_name: str = ""
    pid: int = 0
    session: str = ""
    seq: int = 0
    thread_name: str = ""
    file: str = ""
    line: int = 0
    function: str = ""
    exception: str = ""
    event_name: str = ""


class OwnFormat:
    """Lines as *make* says; what it cannot do, or does wrong, is done by the text format.

    Args:
        make: takes a `Line`, returns its text; line breaks and control characters in it are shown
            escaped, so that one event stays one line.
        problem: why *make* could not be had, else "".

    Attributes:
        problem: what *make* has done wrong last; whoever tells it empties it.
    """

    def __init__(self, make: Callable[[Line], object] | None, problem: str = "") -> None:
        self._make = make
        self._text = TextFormat()
        self.problem = problem

    def line(self, event: Event, stamped: Stamped) -> bytes:
        """The line of *event*. Never raises."""
        return self._made(lambda: line_of(event, stamped)) or self._text.line(event, stamped)

    def unreadable(self, payload: bytes | memoryview, stamped: Stamped) -> bytes:
        """The line of an event that does not decode."""
        keys = {"session": stamped.session, "seq": stamped.seq, "bytes": len(payload)}
        made = self._made(lambda: _own(stamped.wall_ns, stamped.level, UNREADABLE, keys))
        return made or self._text.unreadable(payload, stamped)

    def notice(
        self, wall_ns: int, level: int, event_name: str, message: str, keys: dict[str, Any]
    ) -> bytes:
        """A line of the service's own. Never raises."""
        made = self._made(lambda: _own(wall_ns, level, message, keys, event_name))
        return made or self._text.notice(wall_ns, level, event_name, message, keys)

    def _made(self, about: Callable[[], Line]) -> bytes:
        """What the callable makes of it; empty where it has failed, which is kept to be told."""
        if self._make is None:
            return b""
        try:
            text = self._make(about())
            if not isinstance(text, str):
                raise TypeError(f"it has returned {type(text).__name__}, not str")
            shown = visible(text[:MAX_LINE_CHARS])
            return shown.encode("utf-8", "backslashreplace") + b"\n"
        except Exception as error:  # anybody's code
            self.problem = f"it has raised {type(error).__name__}: {error}"[:300]
            return b""


def line_of(event: Event, stamped: Stamped) -> Line:
    """What a callable is given for *event*; a notice of the service's own has no session."""
    name = event.fields.get("event_name", "") if not stamped.session else ""
    return Line(
        time_ns=stamped.wall_ns,
        level=stamped.level,
        level_name=name_of(stamped.level),
        logger=event.logger,
        message=message_of(event, stamped.kind),
        fields={**event.context, **event.fields} if event.context else event.fields,
        process_name=stamped.process_name,
        pid=stamped.pid,
        session=stamped.session,
        seq=stamped.seq,
        thread_name=event.thread_name,
        file=event.file,
        line=event.line,
        function=event.function,
        exception="" if event.exception is None else stacktrace(event.exception),
        event_name=name if isinstance(name, str) else "",
    )


def _own(
    wall_ns: int, level: int, message: str, keys: dict[str, Any], event_name: str = ""
) -> Line:
    return Line(wall_ns, level, name_of(level), "mplog", message, keys, event_name=event_name)

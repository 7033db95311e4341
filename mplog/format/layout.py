"""Text lines by a layout of the user's: `template:{timestamp} {level} {message}`.

Only `{name}`: no format specifications, no attributes; a name that an event has not stays as it
stands. Made in Python, and escaped as text is, so that one event stays one line.
"""

from __future__ import annotations

from mplog.format.base import timestamp
from mplog.format.own import Line
from mplog.format.template import names_in, render_braces

PREFIX = "template:"


class Layout:
    """Makes the text of a `Line`; an exception that the layout does not name stands at its end."""

    def __init__(self, name: str) -> None:
        self._template = name.removeprefix(PREFIX)
        self._shows_exception = "exception" in names_in(self._template)

    def __call__(self, line: Line) -> str:
        """The line, without its end."""
        values = {
            **line.fields,
            "timestamp": timestamp(line.time_ns),
            "level": line.level_name,
            "logger": line.logger,
            "message": line.message,
            "process": line.process_name,
            "pid": line.pid,
            "thread": line.thread_name,
            "file": line.file,
            "line": line.line,
            "function": line.function,
            "exception": line.exception,
            "session": line.session,
            "seq": line.seq,
        }
        text = render_braces(self._template, values)
        if line.exception and not self._shows_exception:
            text += f" {line.exception}"
        return text

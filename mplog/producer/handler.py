"""The standard library's handler: a LogRecord becomes an event whose arguments, exception and
extras travel structured.
"""

from __future__ import annotations

import logging
import re
from typing import Any

from mplog.event.event import ExceptionInfo
from mplog.event.exception import describe
from mplog.event.sanitise import guarded
from mplog.producer.context import CURRENT
from mplog.producer.gate import GATE, PERCENT_KIND, Gate
from mplog.producer.logger import send

_STANDARD = frozenset(logging.LogRecord("", 0, "", 0, "", None, None).__dict__) | {
    "message",
    "asctime",
    "taskName",
}
_PLAIN = (str, int, float, bool, type(None))
_NOT_JUST_TEXT = re.compile(r"%(?:\(\w*\))?[^s%(]")
_MAX_ITEMS = 64


class RecordHandler(logging.Handler):
    """Sends every LogRecord to the process's lane; `mplog.Handler` adds the configuration."""

    gate: Gate = GATE

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record; never raises, never waits but by `when_full`."""
        try:
            event = event_of(record)
            level = min(max(int(record.levelno), 0), 255)
        except Exception:
            self.handleError(record)
            return
        send(level, event, PERCENT_KIND, self.gate)


def event_of(record: logging.LogRecord) -> tuple[Any, ...]:
    """The items of an Event, in order, for *record*; its message is rendered only where its
    arguments cannot travel.
    """
    template, args = record.msg, _arguments(record)
    if args is Ellipsis:
        template, args = _rendered(record), None
    error = record.exc_info[1] if record.exc_info else None
    exception: ExceptionInfo | None = describe(error) if error is not None else None
    stack = record.stack_info
    if exception is None and record.exc_text:  # what a QueueHandler has left of it
        stack = f"{record.exc_text}\n{stack}" if stack else record.exc_text
    extra = {k: v for k, v in record.__dict__.items() if k not in _STANDARD}
    return (
        record.name,
        template if type(template) is str else guarded(str, template),
        extra,
        CURRENT.get(),
        record.pathname,
        record.lineno,
        record.funcName or "",
        record.thread or 0,
        record.threadName or "",
        getattr(record, "taskName", None),
        exception,
        stack,
        args,
    )


def _arguments(record: logging.LogRecord) -> Any:
    """The record's arguments as plain values; Ellipsis where only a finished text can tell what the
    program would have printed.
    """
    args = record.args
    if not args:
        return None
    if type(args) not in (dict, tuple):
        # A mapping with ways of its own (gunicorn's atoms): only it knows what its keys give.
        return Ellipsis
    if isinstance(args, dict):
        given: tuple[Any, ...] = tuple(args.values())
        values: Any = {str(k): _plain(v) for k, v in list(args.items())[:_MAX_ITEMS]}
    else:
        given = tuple(args)
        values = [_plain(v) for v in given[:_MAX_ITEMS]]
    foreign = any(type(v) not in _PLAIN for v in given)
    if len(args) > _MAX_ITEMS or (foreign and _NOT_JUST_TEXT.search(str(record.msg))):
        return Ellipsis
    return values


def _plain(value: Any) -> Any:
    """`%s` shows str(value): what is not plain travels as that."""
    return value if type(value) in _PLAIN else guarded(str, value)


def _rendered(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # arguments that do not fit: tell both, as they are
        return f"{guarded(str, record.msg)} {guarded(repr, record.args)}"

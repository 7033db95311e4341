"""The standard library's handler: a LogRecord becomes an event whose arguments, exception and
extras travel structured.

The usual record never comes here: C reads it and publishes (native/python/record.c). What is here
says what an event of a record is, and makes it where the record is of another class, or carries
what C leaves alone.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

from mplog._native import set_logging, shortcut
from mplog.event.event import ExceptionInfo
from mplog.event.exception import describe
from mplog.event.sanitise import guarded
from mplog.producer.containment import contain
from mplog.producer.context import carried
from mplog.producer.gate import GATE, PERCENT_KIND, Gate
from mplog.producer.logger import send
from mplog.producer.tell import DEFERRED

LAYOUT = tuple(logging.LogRecord("", 0, "", 0, "", (), None).__dict__)
SOURCE = logging.addLevelName.__code__.co_filename  # as logging itself finds out its file
_STANDARD = frozenset(LAYOUT) | {"message", "asctime", "taskName"}
_PLAIN = (str, int, float, bool, type(None))
_NOT_JUST_TEXT = re.compile(r"%(?:\(\w*\))?[^s%(]")
_MAX_ITEMS = 64


class RecordHandler(logging.Handler):
    """Sends every LogRecord to the process's lane; `mplog.Handler` adds the configuration.

    Subclasses may override what any handler of `logging` lets them. A `format` of their own makes
    the event's message; a formatter that is only set does not: an event is no line yet.
    """

    gate: Gate = GATE

    def handle(self, record: logging.LogRecord) -> Any:
        """As `logging.Handler`: what its filters let through is sent."""
        with DEFERRED:
            return super().handle(record)

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record; never raises, never waits but by `when_full`."""
        try:
            if self.gate.unmet:
                self.gate.meet()
            event = event_of(record)
            if not stands_in_logging(self.format):
                event = (event[0], guarded(str, self.format(record)), *event[2:12], None)
            level = min(max(int(record.levelno), 0), 255)
        except Exception:
            self.handleError(record)
            return
        try:
            send(level, event, PERCENT_KIND, self.gate)
        except Exception as error:
            if not contain(error):
                raise  # of a signal handler: the program's own


def stands_in_logging(function: Any) -> bool:
    """Whether *function* stands in logging's own source."""
    code = getattr(function, "__code__", None)
    return code is not None and code.co_filename == SOURCE


def event_of(record: logging.LogRecord) -> tuple[Any, ...]:
    """The items of an Event, in order, for *record*; its message is rendered only where its
    arguments cannot travel.
    """
    template, args = _message_of(record)
    error = record.exc_info[1] if record.exc_info else None
    exception: ExceptionInfo | None = describe(error) if error is not None else None
    stack = record.stack_info
    if exception is None and record.exc_text:  # what a QueueHandler has left of it
        stack = f"{record.exc_text}\n{stack}" if stack else record.exc_text
    extra = {k: v for k, v in record.__dict__.items() if k not in _STANDARD}
    return (
        record.name,
        template,
        extra,
        carried(),
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


def _message_of(record: logging.LogRecord) -> tuple[str, Any]:
    """The template and its arguments; the finished message where the record has a way of its own to
    make it.
    """
    if not stands_in_logging(type(record).getMessage):
        return _finished(record.getMessage, record.msg, record.args), None
    return message_of(record.msg, record.args, False)


def message_of(template: Any, args: Any, unpack: bool) -> tuple[str, Any]:
    """A template and arguments that travel as plain values: what `logging` would show of these.

    Args:
        unpack: *args* come from the call: a single mapping among them stands for its pairs.

    Raises:
        whatever an argument raises that `logging` looks at as it makes a record.
    """
    if unpack and len(args) == 1 and isinstance(args[0], Mapping) and args[0]:
        args = args[0]
    values = _travelling(template, args)
    if values is Ellipsis:
        template, values = _finished(lambda: str(template) % args, template, args), None
    return template if type(template) is str else guarded(str, template), values


def _travelling(template: Any, args: Any) -> Any:
    """The arguments as plain values; Ellipsis where only a finished text can tell what the program
    would have printed.
    """
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
    if len(args) > _MAX_ITEMS or (foreign and _NOT_JUST_TEXT.search(str(template))):
        return Ellipsis
    return values


def _plain(value: Any) -> Any:
    """`%s` shows str(value): what is not plain travels as that."""
    return value if type(value) in _PLAIN else guarded(str, value)


def _finished(make: Callable[[], Any], template: Any, args: Any) -> str:
    try:
        text = make()
        return text if type(text) is str else guarded(str, text)
    except Exception:  # arguments that do not fit: tell both, as they are
        return f"{guarded(str, template)} {guarded(repr, args)}"


set_logging(
    globals=vars(logging),
    source=SOURCE,
    gate=GATE,
    emit=RecordHandler.emit,
    arguments=message_of,
    layout=LAYOUT,
    mapping=Mapping,
)
RecordHandler.handle = shortcut("handle", RecordHandler.handle)  # type: ignore[method-assign]
RecordHandler.emit = shortcut("emit", RecordHandler.emit)  # type: ignore[method-assign]

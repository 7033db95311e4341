"""Logger: what an application calls. Nothing here raises into the application, and nothing waits
but by `when_full="block"`.

The order of a call: level, caller, encode (which may run the user's code), then the gate's publish,
    in which no Python runs. The event
is encoded as the thirteen items of `mplog.event.Event`, without building one.
"""

from __future__ import annotations

import sys
from threading import Thread, current_thread, local
from types import FrameType, TracebackType
from typing import Any

from mplog._native import FLAG_CUT
from mplog.event.codec import bounded
from mplog.event.exception import describe, stack_text
from mplog.event.level import CRITICAL, DEBUG, ERROR, INFO, NUMBERS, WARNING
from mplog.producer.context import CURRENT
from mplog.producer.gate import GATE, MAX_PAYLOAD_BYTES, Gate

ExcInfo = (
    bool
    | BaseException
    | tuple[type[BaseException], BaseException, TracebackType | None]
    | tuple[None, None, None]
    | None
)

RESERVED = ("exc_info", "stack_info", "stacklevel")
_context = CURRENT.get
_frame = sys._getframe


def running_task() -> str | None:
    """Name of the asyncio task that runs now; asyncio is only asked where the program has loaded
    it.
    """
    asyncio = sys.modules.get("asyncio.events")
    running = getattr(asyncio, "_get_running_loop", None)  # not there yet while it is imported
    if running is None or running() is None:
        return None
    task = sys.modules["asyncio.tasks"].current_task()
    return task.get_name() if task is not None else None


def _exception_of(exc_info: ExcInfo) -> BaseException | None:
    if isinstance(exc_info, tuple):
        exc_info = exc_info[1] if len(exc_info) > 1 else None
    if isinstance(exc_info, BaseException):
        return exc_info
    return sys.exc_info()[1] if exc_info else None


def _caller(stacklevel: int) -> FrameType:
    """The frame of the log call; further out where the stack is shorter than *stacklevel*.

    Raises:
        ValueError: there is none: the call comes from C, as by atexit.
    """
    frame = _frame(4)  # past _special, _log and the method
    while stacklevel > 1 and frame.f_back is not None:
        frame = frame.f_back
        stacklevel -= 1
    return frame


def number_of(level: int | str) -> int:
    """The number of a level that a caller has named, from 0 to 255; INFO for a name unknown."""
    number = level if isinstance(level, int) else NUMBERS.get(str(level).upper(), INFO)
    return min(max(number, 0), 255)


class Logger:
    """A named source of events, with fields that all its events carry.

    Every log method takes a template with `{name}` places, the fields as keywords, and `exc_info`,
    `stack_info`, `stacklevel` as the standard library has them. It returns True when the event was
    accepted, False when it was filtered or dropped (and counted).
    """

    __slots__ = ("_bound", "name")

    def __init__(self, name: str, bound: dict[str, Any] | None = None) -> None:
        self.name = name
        self._bound = bound

    def debug(self, template: object, /, **fields: Any) -> bool:
        """Log at DEBUG."""
        return False if GATE.level > 10 else self._log(DEBUG, template, fields)

    def info(self, template: object, /, **fields: Any) -> bool:
        """Log at INFO."""
        return False if GATE.level > 20 else self._log(INFO, template, fields)

    def warning(self, template: object, /, **fields: Any) -> bool:
        """Log at WARNING."""
        return False if GATE.level > 30 else self._log(WARNING, template, fields)

    def error(self, template: object, /, **fields: Any) -> bool:
        """Log at ERROR."""
        return False if GATE.level > 40 else self._log(ERROR, template, fields)

    def critical(self, template: object, /, **fields: Any) -> bool:
        """Log at CRITICAL."""
        return False if GATE.level > 50 else self._log(CRITICAL, template, fields)

    def exception(self, template: object, /, **fields: Any) -> bool:
        """Log at ERROR with the exception that is being handled."""
        fields.setdefault("exc_info", True)
        return False if GATE.level > 40 else self._log(ERROR, template, fields)

    def log(self, level: int | str, template: object, /, **fields: Any) -> bool:
        """Log at any level: a number from 0 to 255, or a name."""
        number = number_of(level)
        return False if GATE.level > number else self._log(number, template, fields)

    def is_enabled(self, level: int | str) -> bool:
        """Whether an event of *level* would pass."""
        return GATE.level <= number_of(level)

    def bind(self, **fields: Any) -> Logger:
        """A logger of the same name whose events carry *fields* too; this one stays as it is."""
        return type(self)(self.name, {**self._bound, **fields} if self._bound else fields)

    def __repr__(self) -> str:
        bound = "".join(f", {k}={v!r}" for k, v in (self._bound or {}).items())
        return f"mplog.get_logger({self.name!r}{bound})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.name, self._bound)

    def _log(self, level: int, template: object, fields: dict[str, Any]) -> bool:
        # One body with few calls: this is what every log call of an application pays.
        exception = stack = None
        try:
            if "exc_info" in fields or "stack_info" in fields or "stacklevel" in fields:
                frame, exception, stack = _special(fields)
            else:
                frame = _frame(2)
            code = frame.f_code
            file, line, function = code.co_filename, frame.f_lineno, code.co_name
        except ValueError:  # called from C: there is no frame of the caller's
            file, line, function = "", 0, ""
        if self._bound:
            fields = {**self._bound, **fields}
        try:
            thread = _here.thread
        except AttributeError:
            thread = _here.thread = current_thread()
        event = (
            self.name,
            template,
            fields,
            _context(),
            file,
            line,
            function,
            thread.ident,
            thread.name,
            running_task() if "asyncio" in _modules else None,
            exception,
            stack,
        )
        accepted = GATE.emit(level, event)
        return accepted if accepted is not None else send_bounded(level, event, 0, GATE)


class _Here(local):
    """The thread that logs, looked up once."""

    thread: Thread


_here = _Here()
_modules = sys.modules


def _special(fields: dict[str, Any]) -> tuple[FrameType, Any, str | None]:
    """The reserved keywords, taken out of *fields*; whatever is wrong with them is no reason to
    lose the event.

    Raises:
        ValueError: see `_caller`; the keywords have been taken out.
    """
    given = {key: fields.pop(key) for key in RESERVED if key in fields}
    exception = stack = None
    frame = _caller(_stacklevel(given.get("stacklevel", 1)))
    try:
        error = _exception_of(given.get("exc_info"))
        exception = describe(error) if error is not None else None
        stack = stack_text(frame) if given.get("stack_info") else None
    except Exception as why:  # a value whose truth cannot be told, as an array's
        stack = f"(exc_info or stack_info could not be read: {type(why).__name__})"
    return frame, exception, stack


def _stacklevel(value: Any) -> int:
    try:
        return int(value)
    except Exception:
        return 1


def send(level: int, event: tuple[Any, ...], kind: int, gate: Gate) -> bool:
    """Encode and publish the items of an event. Raises only what a signal handler of the user's
    raises.

    Args:
        level: 0 to 255.
        event: the items of `Event`, in order; what is missing at the end is its default.
        kind: 0 a `{name}` template, 1 a `%` template.
        gate: where it goes.
    """
    accepted = gate.emit(level, event, kind)
    return accepted if accepted is not None else send_bounded(level, event, kind, gate)


def send_bounded(level: int, event: tuple[Any, ...], kind: int, gate: Gate) -> bool:
    """What did not encode, or is too large for the lane, goes cut and marked; a child's lane may be
    smaller than its parent's.
    """
    for _ in range(3):
        connection = gate.connection
        limit = connection.producer.max_payload if connection else MAX_PAYLOAD_BYTES
        payload, cut = bounded(event + (None,) * (13 - len(event)), limit)
        accepted = gate.publish(level, payload, kind, FLAG_CUT if cut else 0)
        if accepted is not None:
            return accepted
    return False


def get_logger(name: str = "root") -> Logger:
    """A logger called *name*; works at import time, before anything is configured."""
    return Logger(str(name))

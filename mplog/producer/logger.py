"""The log call's way through Python. Nothing here raises into the application, and nothing waits
but by `when_full="block"`.

`Logger` itself is in C (native/python/logger_type.c): level, encode, publish, for events of plain
values. What it cannot do alone it hands to `slow_log`, which makes the same event with msgspec.
"""

from __future__ import annotations

import sys
from threading import Thread, current_thread, get_ident, local
from types import FrameType, TracebackType
from typing import Any

from mplog._native import FLAG_CUT, Logger, redact, set_hooks
from mplog.event.codec import ENCODER, bounded, decode, is_native
from mplog.event.event import Event
from mplog.event.exception import describe, stack_text
from mplog.event.level import INFO, NUMBERS
from mplog.event.sanitise import guarded
from mplog.producer.containment import contain
from mplog.producer.context import CURRENT, carried
from mplog.producer.gate import GATE, MAX_PAYLOAD_BYTES, Gate

ExcInfo = (
    bool
    | BaseException
    | tuple[type[BaseException], BaseException, TracebackType | None]
    | tuple[None, None, None]
    | None
)

RESERVED = ("exc_info", "stack_info", "stacklevel")
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
    frame = _frame(3)  # past _special and slow_log
    while stacklevel > 1 and frame.f_back is not None:
        frame = frame.f_back
        stacklevel -= 1
    return frame


def number_of(level: object) -> int:
    """The number of a level that a caller has named, from 0 to 255; INFO for a name unknown."""
    number = level if isinstance(level, int) else NUMBERS.get(guarded(str, level).upper(), INFO)
    return min(max(number, 0), 255)


def slow_log(logger: Logger, level: int, template: object, fields: dict[str, Any]) -> bool:
    """What a log call does where C cannot do it alone: the reserved keywords, values that only
    msgspec or their own `repr` can write, an event that must be cut, a service yet to be found.
    """
    if GATE.unmet:
        GATE.meet()
        if level < GATE.level:
            return False
    exception = stack = None
    try:
        if "exc_info" in fields or "stack_info" in fields or "stacklevel" in fields:
            frame, exception, stack = _special(fields)
        else:
            frame = _frame(1)
        code = frame.f_code
        file, line, function = code.co_filename, frame.f_lineno, code.co_name
    except ValueError:  # called from C: there is no frame of the caller's
        file, line, function = "", 0, ""
    bound = logger.bound
    thread, _ = thread_of()
    event = (
        logger.name,
        template,
        {**bound, **fields} if bound else fields,
        carried(),
        file,
        line,
        function,
        thread.ident,
        thread.name,
        running_task(),
        exception,
        stack,
    )
    return send(level, event, 0, GATE)


class _Here(local):
    """The thread that logs, looked up once."""

    thread: Thread


_here = _Here()


def thread_of() -> tuple[Thread, bool]:
    """The thread that runs, and whether what it is called may be kept: not with greenlets in the
    place of threads, nor where a class makes its name in a way of its own.
    """
    if get_ident.__module__ != "_thread":
        return current_thread(), False
    try:
        thread = _here.thread
    except AttributeError:
        thread = _here.thread = current_thread()
    kind = type(thread)
    return thread, kind.name is Thread.name and kind.ident is Thread.ident


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
        payload, cut = _without_secrets(event + (None,) * (13 - len(event)), limit)
        accepted = gate.publish(level, payload, kind, FLAG_CUT if cut else 0)
        if accepted is not None:
            return accepted
    return False


def _without_secrets(event: tuple[Any, ...], limit: int) -> tuple[bytes, bool]:
    """What stands in a secret's place may be longer than it was: then what is shown is cut."""
    payload, cut = bounded(event, limit)
    shown = redact(payload)
    if len(shown) <= limit:
        return shown, cut
    return bounded(decode(shown) or Event("", ""), limit)


def get_logger(name: str = "root") -> Logger:
    """A logger called *name*; works at import time, before anything is configured."""
    return Logger(str(name))


set_hooks(
    encode=ENCODER.encode,
    takes=is_native,
    slow=slow_log,
    number_of=number_of,
    thread_of=thread_of,
    task_of=running_task,
    context=CURRENT,
    contain=contain,
)

"""An exception, and a stack, as they travel: told whole, within bounds, without trusting it."""

from __future__ import annotations

from collections import deque
from itertools import islice
from types import FrameType, TracebackType
from typing import Any

from mplog.event.event import ExceptionInfo, Frame
from mplog.event.sanitise import MORE, clean, guarded, shortened, type_name

MAX_FRAMES = 100
MAX_CHAIN = 16
MAX_TOLD = 64
MAX_GROUP = 20
MAX_NOTES = 20
_MAX_LINE_CHARS = 500
_UNTOLD = ExceptionInfo(MORE, "more exceptions, left out")


def describe(exc: BaseException) -> ExceptionInfo:
    """*exc* with its stack, notes, chain and group; local variables are never included.

    At most 100 frames an exception (the outermost and the innermost ones), 16 exceptions deep,
    64 in all. Never raises for what an exception's own `__str__` does.
    """
    return _Telling().tell(exc, 0)


def stack_text(frame: FrameType | None, limit: int = MAX_FRAMES) -> str:
    """The stack that leads to *frame*, innermost call last, as the standard library prints it.

    Args:
        frame: the innermost frame to be shown.
        limit: at most so many frames, the innermost ones.
    """
    frames: list[Frame] = []
    while frame is not None and len(frames) < limit:
        frames.append(_frame(frame, frame.f_lineno))
        frame = frame.f_back
    lines = ["Stack (most recent call last):"]
    for shown in reversed(frames):
        lines.append(f'  File "{shown.file}", line {shown.line}, in {shown.function}')
        if shown.text:
            lines.append(f"    {shown.text}")
    return "\n".join(lines)


class _Telling:
    """One description: remembers what it has told, so that a cycle ends."""

    def __init__(self) -> None:
        # The exceptions themselves, so that no id is used again while this lasts.
        self.told: dict[int, BaseException] = {}

    def tell(self, exc: BaseException, depth: int) -> ExceptionInfo:
        self.told[id(exc)] = exc
        info = ExceptionInfo(
            _qualified(type(exc)),
            clean(guarded(str, exc)),
            _frames(exc.__traceback__),
            _notes(exc),
        )
        if exc.__cause__ is not None:
            info.cause = self._next(exc.__cause__, depth)
        elif not exc.__suppress_context__:
            info.context = self._next(exc.__context__, depth)
        members = _members(exc)
        info.group = [
            self._next(member, depth) or ExceptionInfo(_qualified(type(member)), "(told above)")
            for member in members[:MAX_GROUP]
        ]
        if len(members) > MAX_GROUP:
            info.group.append(ExceptionInfo(MORE, f"{len(members) - MAX_GROUP} more, left out"))
        return info

    def _next(self, exc: BaseException | None, depth: int) -> ExceptionInfo | None:
        if exc is None or id(exc) in self.told:
            return None
        if depth >= MAX_CHAIN or len(self.told) >= MAX_TOLD:
            return _UNTOLD
        return self.tell(exc, depth + 1)


def _qualified(kind: type[BaseException]) -> str:
    try:
        module, name = str(kind.__module__), str(kind.__qualname__)
    except Exception:
        return "exception of unknown type"
    return clean(name if module in ("builtins", "__main__") else f"{module}.{name}")


def _frames(trace: TracebackType | None) -> list[Frame]:
    outer: list[TracebackType] = []
    inner: deque[TracebackType] = deque(maxlen=MAX_FRAMES // 2)
    count = 0
    while trace is not None:
        (outer if count < MAX_FRAMES // 2 else inner).append(trace)
        count += 1
        trace = trace.tb_next
    frames = [_frame(step.tb_frame, step.tb_lineno) for step in outer]
    if count > len(outer) + len(inner):
        text = f"{count - len(outer) - len(inner)} frames left out"
        frames.append(Frame(MORE, 0, "", text))
    frames.extend(_frame(step.tb_frame, step.tb_lineno) for step in inner)
    return frames


def _frame(frame: FrameType, line: int | None) -> Frame:
    code = frame.f_code
    import linecache  # only for an exception: not for every process that logs

    number = line or 0
    try:
        text = linecache.getline(code.co_filename, number, frame.f_globals).strip()
    except Exception:
        text = ""
    text = shortened(text, _MAX_LINE_CHARS)
    return Frame(clean(code.co_filename), number, clean(code.co_name), clean(text))


def _notes(exc: BaseException) -> list[str]:
    try:
        notes: Any = getattr(exc, "__notes__", None)
        if notes is None:
            return []
        if type(notes) not in (list, tuple):
            return [clean(guarded(repr, notes))]
        return [clean(guarded(str, note)) for note in islice(notes, MAX_NOTES)]
    except Exception:
        return [f"<notes unreadable: {type_name(exc)}>"]


def _members(exc: BaseException) -> tuple[BaseException, ...]:
    """By name, so that the backport for CPython 3.10 counts as well."""
    try:
        if not any(kind.__name__ == "BaseExceptionGroup" for kind in type(exc).__mro__):
            return ()
        members = exc.exceptions  # type: ignore[attr-defined]
        return tuple(member for member in members if isinstance(member, BaseException))
    except Exception:
        return ()

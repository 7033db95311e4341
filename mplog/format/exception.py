"""An exception that travelled, as the text that Python prints for it: chain, notes, groups."""

from __future__ import annotations

from itertools import groupby

from mplog.event.event import ExceptionInfo, Frame

MAX_TEXT_CHARS = 262_144
_MAX_DEPTH = 64
_SAME_FRAMES = 3
_MARGIN = "  | "
_END = "  +------------------------------------"
CAUSE = "The above exception was the direct cause of the following exception:"
CONTEXT = "During handling of the above exception, another exception occurred:"


def stacktrace(info: ExceptionInfo) -> str:
    """The text of *info*, without a newline at its end, at most 262,144 characters."""
    lines: list[str] = []
    _chain(info, lines, "", 0)
    text = "\n".join(lines)
    return text if len(text) <= MAX_TEXT_CHARS else text[:MAX_TEXT_CHARS] + "…"


def _chain(info: ExceptionInfo, lines: list[str], margin: str, depth: int) -> None:
    """What led to an exception stands before it, so the chain is walked to its start first."""
    links: list[tuple[ExceptionInfo, str]] = []
    current: ExceptionInfo | None = info
    while current is not None and len(links) < _MAX_DEPTH:
        sentence = CAUSE if current.cause is not None else CONTEXT
        links.append((current, sentence))
        current = current.cause if current.cause is not None else current.context
    for index, (link, sentence) in enumerate(reversed(links)):
        if index:
            lines.extend((margin, margin + sentence, margin))
        _one(link, lines, margin, depth)


def _one(info: ExceptionInfo, lines: list[str], margin: str, depth: int) -> None:
    title = "Exception Group Traceback" if info.group else "Traceback"
    opened = margin
    if info.group and not depth:
        opened, margin = "  + ", _MARGIN
    if info.stack:
        lines.append(f"{opened}{title} (most recent call last):")
        lines.extend(margin + line for line in _frames(info.stack))
    lines.extend(margin + line for line in _last(info).split("\n"))
    for note in info.notes:
        lines.extend(margin + line for line in note.split("\n"))
    if info.group:
        _group(info.group, lines, margin, depth + 1)


def _group(members: list[ExceptionInfo], lines: list[str], margin: str, depth: int) -> None:
    base = margin[: -len(_MARGIN)] + "  "
    for number, member in enumerate(members, 1):
        first = "+-+" if number == 1 else "  +"
        lines.append(f"{base}{first}---------------- {number} ----------------")
        if depth > _MAX_DEPTH:
            lines.append(f"{base}  | …")
        else:
            _chain(member, lines, f"{base}{_MARGIN}", depth)
    if not lines[-1].endswith(_END):  # a group at the end of a group has closed both
        lines.append(base + _END)


def _last(info: ExceptionInfo) -> str:
    return f"{info.type}: {info.message}" if info.message else info.type


def _frames(frames: list[Frame]) -> list[str]:
    """Lines of the frames; of equal ones in a row three are shown, as Python does."""
    lines: list[str] = []
    for _, run in groupby(frames, key=lambda frame: (frame.file, frame.line, frame.function)):
        equal = list(run)
        for frame in equal[:_SAME_FRAMES]:
            lines.extend(_frame(frame))
        more = len(equal) - _SAME_FRAMES
        if more > 0:
            lines.append(f"  [Previous line repeated {more} more time{'s' if more > 1 else ''}]")
    return lines


def _frame(frame: Frame) -> tuple[str, ...]:
    if frame.file == "…":
        return (f"  … {frame.text}",)
    place = f'  File "{frame.file}", line {frame.line}, in {frame.function}'
    return (place, f"    {frame.text}") if frame.text else (place,)

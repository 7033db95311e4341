"""What mplog itself has to say to the people at this program, on stderr and never on stdout: a
remark once, a fault at most once a second for each kind, with how many were not shown.

It goes past `logging` and past `sys.stderr`'s wrappers, so that it cannot come back as an event.
Faults go to the listeners of `on_error` too (`mplog.producer.listeners`, where there are any).
"""

from __future__ import annotations

import os
import sys
import time
from _thread import _local
from collections import deque
from typing import Any

from mplog._native import secrets

_told: set[str] = set()
_EVERY_S, _SELDOM_S = 1.0, 60.0
_MOST_KINDS = 64
_MOST_BYTES = 4095  # with its line break what a pipe that takes anything takes whole (PIPE_BUF)


Due = tuple[str, str, dict[str, Any], int]  # text, code, context, how many of the like


class _Faults:
    """What is known of one kind of fault: when it was told last, for how long it is quiet since,
    and how many were not told to people, and to listeners.
    """

    __slots__ = ("pause_s", "told_s", "unheard", "unshown")

    def __init__(self, now_s: float) -> None:
        self.told_s, self.pause_s = now_s - _SELDOM_S * 3, _EVERY_S
        self.unshown = self.unheard = 0

    def due(self, now_s: float) -> bool:
        """Whether it is told now; one that goes on and on is told less and less often."""
        since_s = now_s - self.told_s
        if since_s < self.pause_s:
            return False
        self.pause_s = _EVERY_S if since_s > 2 * self.pause_s else min(2 * self.pause_s, _SELDOM_S)
        self.told_s = now_s
        return True


class _Here(_local):
    """Of the thread that runs: how many locks of mplog's it holds, and whether it calls listeners.

    Attributes:
        held: listeners wait while it is not 0.
        delivering: what goes wrong meanwhile is no news for them.
    """

    held = 0
    delivering = False


class _Deferred:
    """In a `with` before a lock: listeners are called when the lock is free again."""

    def __enter__(self) -> None:
        HERE.held += 1

    def __exit__(self, *error: object) -> None:
        HERE.held -= 1
        if DUE:
            _deliver()


HERE = _Here()
DEFERRED = _Deferred()
DUE: deque[Due] = deque(maxlen=_MOST_KINDS)  # for the listeners
_faults: dict[str, _Faults] = {}
LISTENERS: dict[object, Any] = {}


def tell(text: str, *, kind: str) -> bool:
    """Write a remark to stderr, each kind once a process; whether it was written."""
    if kind in _told:
        return False
    _told.add(kind)
    return say(text)


def fault(text: str, *, kind: str, code: str, **context: Any) -> bool:
    """Something has gone wrong behind a log call: count it, and tell it when its time has come.

    Args:
        text: what has happened, without the prefix.
        kind: what it is about: at most one line a second for each.
        code: of native/include/errors.def.
        context: values for listeners.

    Returns:
        Whether it was told now.
    """
    now_s = time.monotonic()
    known = _faults.get(kind)
    if known is None:
        if len(_faults) >= _MOST_KINDS:
            _faults.pop(next(iter(_faults)), None)
        known = _faults[kind] = _Faults(now_s)
    known.unshown += 1
    known.unheard += 1
    if not known.due(now_s):
        return False
    text = _without_secrets(text)
    more = f" ({known.unshown - 1:,} more like it were not shown)" if known.unshown > 1 else ""
    known.unshown = 0
    say(f"{text}{more} [{code}]")
    if LISTENERS and not HERE.delivering:
        DUE.append((text, code, context, known.unheard))
        known.unheard = 0
        _deliver()
    return True


def _deliver() -> None:
    if HERE.held or HERE.delivering:
        return
    try:
        from mplog.producer.listeners import deliver  # only where there are listeners
    except ImportError:  # an interpreter that ends imports nothing
        return
    deliver()


def say(text: str) -> bool:
    """Write one line to stderr, unconditionally; False where there is no stderr to write to."""
    shown = printable(_without_secrets(text))
    line = f"mplog: {shown}".encode("utf-8", "backslashreplace")[:_MOST_BYTES] + b"\n"
    if sys.stderr is None and sys.__stderr__ is None:
        return False  # closed before the program began: 2 is another file by now, or nothing
    try:
        fd = sys.stderr.fileno()
    except Exception:
        fd = 2  # captured, replaced or gone: the descriptor itself
    try:
        if not _takes(fd):
            return False
        os.write(fd, line)
    except (OSError, ValueError, ImportError):  # nothing is imported while an interpreter ends
        return False
    return True


def _takes(fd: int) -> bool:
    """Whether a write would not block: a pipe that nobody reads must not stop the program."""
    import select  # only for those who have something to say

    if not hasattr(select, "poll"):  # taken away by a program that patches the library
        return fd in select.select([], [fd], [], 0)[1]
    waiting = select.poll()
    waiting.register(fd, select.POLLOUT)
    return any(event & select.POLLOUT for _, event in waiting.poll(0))


def _without_secrets(text: str) -> str:
    """*text* without what looks like one: what users' code has raised may say anything. As
    `redact_text`, of a module that is not there in every process.
    """
    data = text.encode("utf-8", "backslashreplace")
    found = secrets(data)
    if found is None:
        return text
    for start, end in reversed(found):
        data = data[:start] + b"[redacted]" + data[end:]
    return data.decode()


def printable(text: str) -> str:
    """*text* with every control character made visible, so that it can neither forge a line nor
    drive a terminal.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def forget() -> None:
    """A forked child may tell again what its parent has told."""
    _told.clear()
    _faults.clear()
    DUE.clear()
    HERE.held, HERE.delivering = 0, False


os.register_at_fork(after_in_child=forget)

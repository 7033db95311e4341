"""What mplog itself has to say to the people at this program: on stderr, once for each thing, never
on stdout.

It goes past `logging` and past `sys.stderr`'s wrappers, so that it cannot come back as an event.
"""

from __future__ import annotations

import os
import sys
import time

_told: dict[str, float] = {}
_EVERY_S = 1.0
_MOST_BYTES = 4095  # with its line break what a pipe that takes anything takes whole (PIPE_BUF)


def tell(text: str, *, kind: str, once: bool = True) -> bool:
    """Write one line to stderr.

    Args:
        text: the line, without the prefix.
        kind: what it is about; a kind is told once a process, or (not *once*) once a second.
        once: see *kind*.

    Returns:
        Whether it was written.
    """
    now = time.monotonic()
    last = _told.get(kind)
    if last is not None and (once or now - last < _EVERY_S):
        return False
    _told[kind] = now
    return say(text)


def say(text: str) -> bool:
    """Write one line to stderr, unconditionally; False where there is no stderr to write to."""
    line = f"mplog: {printable(text)}".encode("utf-8", "backslashreplace")[:_MOST_BYTES] + b"\n"
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


def printable(text: str) -> str:
    """*text* with every control character made visible, so that it can neither forge a line nor
    drive a terminal.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def forget() -> None:
    """A forked child may tell again what its parent has told."""
    _told.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget)

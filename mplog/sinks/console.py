"""A terminal, or whatever `mplog serve` and `mplog run` have for one.

A writer that a program has started has no terminal of its own. It is told the name of the program's
(`MPLOG_CONSOLE`, set by mplog/launch.py), or the number of a descriptor that the program has lent
it. None is lent where the service has no console: whoever reads the program's pipe would wait for
the writer's end.
"""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Mapping, Sequence

from mplog.errors import TargetError
from mplog.format import Format
from mplog.format.console import ConsoleFormat
from mplog.sinks.base import Outgoing

CONSOLE = "MPLOG_CONSOLE"  # the paths of stderr and stdout, one a line; an empty one: none
_FDS = {"stderr": 2, "stdout": 1}


def place_of(target: str, environ: Mapping[str, str]) -> int | str:
    """Where *target* is: a descriptor of this process, or a path.

    Raises:
        TargetError: there is none here.
    """
    if target not in _FDS:
        return target
    told = environ.get(CONSOLE)
    if told is None:
        return _FDS[target]
    places = [*told.split("\n"), "", ""]
    path = places[0] if target == "stderr" else places[1]
    if not path:
        raise TargetError(
            f"no console: the program that has started the writer has lent it no {target}",
            temporary=False,
            hint="Run the program under mplog run, or start the writer by mplog serve.",
        )
    return int(path) if path.isdigit() else path


def wants_colour(when: str, fd: int, environ: Mapping[str, str]) -> bool:
    """Whether lines on *fd* get colours.

    Args:
        when: "auto", "always" or "never".
        fd: where they go.
        environ: `NO_COLOR` and `FORCE_COLOR` count where they are not empty (no-color.org).
    """
    if when != "auto":
        return when == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return os.isatty(fd) and environ.get("TERM") != "dumb"


class ConsoleSink:
    """Lines for people.

    Args:
        target: "stderr", "stdout", or a path.
        colour: "auto", "always" or "never".
        body: another format than the console's own.
        environ: of the writer.
    """

    def __init__(
        self,
        target: str = "stderr",
        *,
        colour: str = "auto",
        body: Format | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._place, self._when, self._body, self._environ = (
            place_of(target, environ), colour, body, environ
        )  # fmt: skip
        self._fd = -1
        self._format: Format = ConsoleFormat()
        self._begun = b""  # of a line that is half written

    def open(self) -> None:
        """Open the terminal."""
        place = self._place
        if isinstance(place, int):
            self._fd = os.dup(place)
        else:
            flags = os.O_WRONLY | os.O_APPEND | os.O_NOCTTY | os.O_CLOEXEC | os.O_NONBLOCK
            self._fd = os.open(place, flags)
        colour = wants_colour(self._when, self._fd, self._environ)
        self._format = self._body or ConsoleFormat(colour=colour)

    def write(self, batch: Sequence[Outgoing]) -> None:
        """Show *batch*.

        Raises:
            TargetError: `done` lines are shown.
            OSError: none is.
        """
        lines = [self._format.line(one.event, one.stamped) for one in batch]
        if self._begun:  # its end is what the last error has cut off
            lines[0] = b"\n" + lines[0]
        shown = 0
        data = memoryview(b"".join(lines))
        try:
            while shown < len(data):
                shown += self._some(data[shown:])
        except OSError as error:
            done, begun = _whole(lines, shown)
            self._begun = begun
            if not done:
                raise
            raise TargetError(str(error), done=done) from error
        self._begun = b""

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Let go of the terminal."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with contextlib.suppress(OSError):
                os.close(fd)

    def _some(self, data: memoryview) -> int:
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            poll = select.poll()
            poll.register(self._fd, select.POLLOUT)
            poll.poll(1000)
            return 0


def _whole(lines: Sequence[bytes], shown: int) -> tuple[int, bytes]:
    """How many of *lines* the first *shown* bytes, which are not all, hold; and what they hold of
    the next one.
    """
    number = 0
    while shown >= len(lines[number]):
        shown -= len(lines[number])
        number += 1
    return number, lines[number][:shown]

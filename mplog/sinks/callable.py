"""A user's own object as a sink: one with the four methods, a class or function that makes one, or
a function that is called with each event.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from mplog.errors import TargetError
from mplog.event.sanitise import shortened
from mplog.format.own import Line, line_of
from mplog.sinks.base import Outgoing, Sink


def sink_of(found: object) -> Sink:
    """What *found* is as a sink.

    Raises:
        TypeError: it is none; and whatever a class or function raises that is to make one.
    """
    if isinstance(found, Sink) and not isinstance(found, type):
        return found
    if isinstance(found, type) or _asks_for_nothing(found):
        found = found()  # type: ignore[operator]
        if isinstance(found, Sink):
            return found
    if callable(found):
        return FunctionSink(found)
    raise TypeError(
        f"a {type(found).__name__} is no sink: it needs open, write, flush and close, or to be "
        "called with a Line"
    )


def _asks_for_nothing(found: object) -> bool:
    """Whether it can only be called without arguments, and so is no function of a Line."""
    if not callable(found):
        return False
    try:
        return not inspect.signature(found).parameters
    except (TypeError, ValueError):  # a builtin that does not say
        return False


class FunctionSink:
    """Calls a function with each event.

    Args:
        function: takes one `Line`.
    """

    def __init__(self, function: Callable[[Line], Any]) -> None:
        self.function = function

    def open(self) -> None:
        """Nothing is to be connected."""

    def write(self, batch: Sequence[Outgoing]) -> None:
        """Call the function with each event of *batch*.

        Raises:
            TargetError: the function has raised after the first `done` events.
            whatever it raises at the first one.
        """
        for done, one in enumerate(batch):
            try:
                self.function(line_of(one.event, one.stamped))
            except BaseException as error:  # noqa: PERF203 - anybody's code; it may call sys.exit()
                if not done:
                    raise
                text = shortened(f"{type(error).__name__}: {error}", 300)
                passing = isinstance(error, OSError) or getattr(error, "temporary", False)
                raise TargetError(text, temporary=passing, done=done) from error

    def flush(self) -> None:
        """Nothing is held."""

    def close(self) -> None:
        """Nothing is to be let go."""

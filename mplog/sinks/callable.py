"""A user's own object as a sink: one with the four methods, a class or function that makes one, or
a function that is called with each event.
"""

from __future__ import annotations

import functools
import inspect
import os
import types
from collections.abc import Callable, Sequence
from typing import Any

from mplog.errors import TargetError
from mplog.format.own import Line, line_of
from mplog.sinks.base import Outgoing, Sink, line_about

_LAZY = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
_UNRUN = (types.CoroutineType, types.GeneratorType, types.AsyncGeneratorType)
_RIGHT = "give a plain function, which may call asyncio.run()"
_METHODS = ("open", "write", "flush", "close")


def sink_of(found: object) -> Sink:
    """What *found* is as a sink.

    Raises:
        TypeError: it is none; and whatever a class or function raises that is to make one.
    """
    is_made = isinstance(found, Sink) and not isinstance(found, type)
    if not is_made and (isinstance(found, type) or _asks_for_nothing(found)):
        found = found()  # type: ignore[operator]
    if isinstance(found, Sink):
        for name in _METHODS:
            must_run(getattr(found, name), f"{name}()")
        return found
    if callable(found):
        must_run(found, "it")
        return FunctionSink(found)
    raise TypeError(
        f"a {type(found).__name__} is no sink: it needs open, write, flush and close, or to be "
        "called with a Line"
    )


def must_run(function: Any, name: str) -> None:
    """Have *function* be one that does something when it is called.

    Raises:
        TypeError: it would only make what somebody else is to run.
    """
    while isinstance(function, functools.partial):
        function = function.func
    for one in (function, type(function).__call__):
        if any(is_lazy(one) for is_lazy in _LAZY):
            raise TypeError(f"{name} is async, or a generator, which nobody would run; {_RIGHT}")


def refuse_unrun(made: object) -> None:
    """Look at what a user's code has returned.

    Raises:
        TypeError: what it was to do has not been done.
    """
    if isinstance(made, _UNRUN):
        if isinstance(made, types.CoroutineType):
            made.close()  # or it would complain on stderr, too
        raise TypeError(f"it has returned a {type(made).__name__}, which nobody runs; {_RIGHT}")


def _asks_for_nothing(found: object) -> bool:
    """Whether it can only be called without arguments, and so is no function of a Line."""
    if not callable(found):
        return False
    try:
        return not inspect.signature(found).parameters
    except (TypeError, ValueError):  # a builtin that does not say
        return False


class FunctionSink:
    """Calls a function with each event; with one that it has given up no second time, while the
    queue before it finds that one by smaller batches.

    Args:
        function: takes one `Line`.
    """

    def __init__(self, function: Callable[[Line], Any]) -> None:
        self.function = function
        self._pid = os.getpid()
        self._hopeless: tuple[Outgoing, BaseException] | None = None

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
                self._call(one)
            except BaseException as error:  # anybody's code  # noqa: PERF203
                if not done or os.getpid() != self._pid:
                    raise
                raise TargetError(
                    line_about(error),
                    temporary=_passes(error),
                    retry_after_s=_attribute(error, "retry_after_s"),
                    done=done,
                ) from error

    def _call(self, one: Outgoing) -> None:
        if self._hopeless is not None and self._hopeless[0] == one:
            raise self._hopeless[1].with_traceback(None)
        try:
            refuse_unrun(self.function(line_of(one.event, one.stamped)))
        except BaseException as error:
            self._hopeless = None if _passes(error) else (one, error)
            raise
        if os.getpid() != self._pid:  # forked by the function; the sink is the other one
            raise SystemExit(0)

    def flush(self) -> None:
        """Nothing is held."""

    def close(self) -> None:
        """Nothing is to be let go."""


def _passes(error: BaseException) -> bool:
    return isinstance(error, OSError) or bool(_attribute(error, "temporary"))


def _attribute(error: BaseException, name: str) -> Any:
    try:
        return getattr(error, name, None)
    except BaseException:  # it is anybody's code
        return None

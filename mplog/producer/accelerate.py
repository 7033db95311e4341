"""accelerate(): `logging`'s own calls without a LogRecord, where nobody could tell the difference.

The methods of `logging.Logger` get shortcuts in their places (native/python/accelerate.c). A call
looks each time at all that `logging` would look at; where something of the program's own would see
the record, the method that was there gets the call as it came.
"""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Any

from mplog._native import Shortcut, shortcut
from mplog.producer.handler import stands_in_logging

_METHODS = ("debug", "info", "warning", "error", "critical", "log")


class Acceleration:
    """What `accelerate()` has done; `undo()` takes it back, and so does the end of a `with` block.

    Attributes:
        methods: names of the methods of `logging.Logger` that are quicker now; one that somebody
            has replaced before is left to him.
    """

    def __init__(self, made: dict[str, Shortcut]) -> None:
        self._made = made
        self.methods = tuple(made)

    def undo(self) -> None:
        """`logging` is as it was before; of two accelerations at one time, the first one counts."""
        for name, one in self._made.items():
            one.awake = False  # somebody may have wrapped it meanwhile, and keep it
            if vars(logging.Logger).get(name) is one:
                setattr(logging.Logger, name, one.__wrapped__)
        self._made = {}

    def __enter__(self) -> Acceleration:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.undo()


def accelerate() -> Acceleration:
    """Make the calls of all loggers of `logging` skip the LogRecord where an `mplog.Handler` is the
    only one that would get it.

    Each call decides for itself. Filters, another handler (but a `NullHandler`, and one whose level
    is above the call's), a LogRecord factory, a class of loggers with methods of its own, a patched
    `logging`, `exc_info`, `stack_info` and `stacklevel`: with these, it goes the usual way.

    Returns:
        what can be undone. A call where all is accelerated already changes nothing, nor does its
        `undo()`.
    """
    made = {}
    for name in _METHODS:
        original: Any = vars(logging.Logger).get(name)
        if isinstance(original, Shortcut) and not original.awake:
            original = original.__wrapped__  # put back by somebody after an undo()
        if not isinstance(original, Shortcut) and stands_in_logging(original):
            made[name] = shortcut(name, original)
            setattr(logging.Logger, name, made[name])
    return Acceleration(made)

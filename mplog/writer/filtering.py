"""The `filter` of a file: an expression, which the drain looks at in C, or a callable, which is
asked here, about each event that the levels let through.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mplog._native import ITEM_FILTERED, ITEM_POISON, Reader
from mplog.config.file import FileSettings
from mplog.config.named import find, is_name
from mplog.config.wrong import WrongValue
from mplog.event.codec import decode
from mplog.event.event import Stamped
from mplog.event.sanitise import shortened
from mplog.format.own import Line, line_of
from mplog.writer.own_code import complain

if TYPE_CHECKING:
    from mplog._native import Item
    from mplog.writer.state import Job


class OwnFilter:
    """A callable that says of each `Line` whether it is written. One that raises, or that cannot be
    had, lets all through.

    Attributes:
        problem: what is wrong with it, until it is told.
    """

    def __init__(
        self, name: str, keep: Callable[[Line], Any] | None = None, problem: str = ""
    ) -> None:
        self.name = name
        self.problem = problem
        self._keep = keep
        self._told = False

    def refused(self, items: Sequence[Item]) -> bytes:
        """A byte for each item: 1 where the callable does not want it."""
        return bytes(
            [not (item[5] & (ITEM_FILTERED | ITEM_POISON) or self._wants(item)) for item in items]
        )

    def _wants(self, item: Item) -> bool:
        (session, pid, name), seq, wall_ns, level, kind, flags, payload, _, _ = item
        event = decode(payload) if self._keep is not None else None
        if event is None or self._keep is None:
            return True  # what cannot be read is there to be seen
        try:
            stamped = Stamped(wall_ns, level, kind, flags, session, seq, pid, name)
            return bool(self._keep(line_of(event, stamped)))
        except Exception as error:  # anybody's code
            self.problem = shortened(f"it has raised {type(error).__name__}: {error}", 300)
            return True

    def complaint(self) -> str:
        """What there is to tell, once."""
        if self._told or not self.problem:
            return ""
        self._told = True
        return self.problem


def set_condition(reader: Reader, number: int, settings: FileSettings) -> OwnFilter | None:
    """Put a file's filter in force; the callable that it is, if it is one."""
    reader.set_condition(None, number)
    if settings.filter is None:
        return None
    if is_name(settings.filter):
        return _found(settings.filter)
    # The writer alone pays for the parser, and only where there is an expression.
    from mplog.config.condition import to_bytes
    from mplog.config.filter import compiled

    try:
        reader.set_condition(to_bytes(compiled(settings.filter)), number)
    except WrongValue as wrong:  # stored by somebody else than configure()
        return OwnFilter("expression", None, str(wrong))
    return None


def _found(name: str) -> OwnFilter:
    try:
        return OwnFilter(name, find(name))
    except Exception as error:  # the module's own code has run
        why = shortened(f"it cannot be had: {type(error).__name__}: {error}", 300)
        return OwnFilter(name, None, why)


def refuse(job: Job) -> None:
    """Ask the callables about what was drained."""
    for sink in job.sinks:
        if sink.keep is None or job.losing >> sink.number & 1:
            continue
        job.reader.refuse(sink.number, sink.keep.refused(job.reader.items(sink.number)))
        complaint = sink.keep.complaint()
        if complaint:
            complain(
                job, sink, f"filter {sink.keep.name}", complaint, "what it fails at is written"
            )

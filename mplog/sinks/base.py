"""What a sink is: four methods that raise freely; and what it is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import msgspec

from mplog.event.event import Event, Stamped
from mplog.event.sanitise import shortened


class Outgoing(msgspec.Struct, array_like=True, frozen=True):
    """An event on its way to a sink; a notice of the service's own is one of the logger "mplog".

    Session and number (`stamped.session`, `stamped.seq`) tell it from every other one; a notice has
    none ("" and 0).
    """

    stamped: Stamped
    event: Event

    @property
    def id(self) -> tuple[str, int]:
        """What a far side may tell a repetition by."""
        return self.stamped.session, self.stamped.seq


@runtime_checkable
class Sink(Protocol):
    """A destination. One thread at a time calls it; every method may raise anything.

    An `OSError` says by its number, a `TargetError` by `temporary`, whether another try makes
    sense; anything else is taken for a fault of the sink and is not tried again.
    """

    def open(self) -> None:
        """Connect, once, before the first event and again after a `close`."""

    def write(self, batch: Sequence[Outgoing]) -> None:
        """Deliver all of *batch*, in order; return when the far side has it.

        Raises:
            TargetError: `done` says how many of the batch it has taken before.
        """

    def flush(self) -> None:
        """Return when what was written has left this process."""

    def close(self) -> None:
        """Let go of everything; never waits for the far side."""


def line_about(error: BaseException) -> str:
    """An error of anybody's code in one short line, also where it cannot say what it is."""
    try:
        return shortened(f"{type(error).__name__}: {error}", 300)
    except BaseException:  # its text is anybody's code, too
        return shortened(type(error).__name__, 300)

"""A sink that fails as a script says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec

from mplog.sinks.base import Outgoing


class Step(msgspec.Struct, frozen=True):
    """What a `FlakySink` does at one write.

    Attributes:
        what: see the functions that make one.
        error: what it raises, or what makes that.
        taken: events that it really takes before.
        seconds: how long it is slow.
    """

    what: Literal["take", "fail", "hang", "slow"] = "take"
    error: Any = None
    taken: int = 0
    seconds: float = 0.0


def take(times: int = 1) -> list[Step]:
    """Take everything, that many times."""
    return [Step()] * times


def fail(
    times: int = 1,
    error: BaseException | Callable[[], BaseException] = ConnectionResetError,
    taken: int = 0,
) -> list[Step]:
    """Fail that many times with *error*, after taking *taken* events of each batch. A `TargetError`
    whose `done` says something else is a lie that a good caller survives.
    """
    return [Step("fail", error, taken)] * times


def hang() -> list[Step]:
    """Hang until `FlakySink.release` is called; then take the batch."""
    return [Step("hang")]


def slow(seconds: float, times: int = 1) -> list[Step]:
    """Take everything, after *seconds* each time."""
    return [Step("slow", seconds=seconds)] * times


class FlakySink:
    """A sink that fails as a script says, and takes everything when the script is over.

    Args:
        script: steps made by `take`, `fail`, `hang` and `slow`, one a write.

    Attributes:
        got: every event that it has taken, in order, repetitions included.
        down: an error that every open and write raises while it is set, whatever the script says.
        refuses: events for which a write raises what this returns; None takes them.
        calls: the names of the methods called, in order.
        hanging: set while a write hangs.
    """

    def __init__(self, *script: Sequence[Step]) -> None:
        self._script = [step for steps in script for step in steps]
        self._released = threading.Event()
        self.got: list[Outgoing] = []
        self.down: BaseException | None = None
        self.refuses: Callable[[Outgoing], BaseException | None] = lambda one: None
        self.calls: list[str] = []
        self.hanging = threading.Event()
        self.opened = False

    @property
    def ids(self) -> list[tuple[str, int]]:
        """Session and number of all that it has taken; notices left out."""
        return [one.id for one in self.got if one.stamped.session]

    @property
    def notices(self) -> list[Outgoing]:
        """The service's own events among them."""
        return [one for one in self.got if not one.stamped.session]

    def release(self) -> None:
        """End the hanging, now and for ever."""
        self._released.set()

    def open(self) -> None:
        """Open it."""
        self.calls.append("open")
        if self.down is not None:
            raise self.down
        self.opened = True

    def write(self, batch: Sequence[Outgoing]) -> None:
        """Do what the script says next."""
        self.calls.append("write")
        if not self.opened:
            raise AssertionError("a write to a sink that is not open")
        if self.down is not None:
            raise self.down
        step = self._script.pop(0) if self._script else Step()
        if step.what == "hang":
            self.hanging.set()
            self._released.wait()
            self.hanging.clear()
        elif step.what == "slow":
            time.sleep(step.seconds)
        elif step.what == "fail":
            self.got += batch[: step.taken]
            raise step.error if isinstance(step.error, BaseException) else step.error()
        self._take(batch)

    def _take(self, batch: Sequence[Outgoing]) -> None:
        """All or nothing, as most far sides do."""
        for one in batch:
            error = self.refuses(one)
            if error is not None:
                raise error
        self.got += batch

    def flush(self) -> None:
        """Nothing is held back."""
        self.calls.append("flush")

    def close(self) -> None:
        """Close it."""
        self.calls.append("close")
        self.opened = False

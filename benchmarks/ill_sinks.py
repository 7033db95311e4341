"""The sinks of benchmarks, as the writer imports them."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

FOREVER_S = 3_600.0
SLOW_S = 1.0
BUSY_S = 0.05


class Sink:
    """One that takes everything, at once."""

    def open(self) -> None:
        pass

    def write(self, batch: Sequence[Any]) -> None:
        pass

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


class Timed(Sink):
    """Notes how long each event was on its way, in the file that TIMED names."""

    def open(self) -> None:
        self._out = open(os.environ["TIMED"], "a", buffering=1)  # noqa: SIM115

    def write(self, batch: Sequence[Any]) -> None:
        for one in batch:
            at_ns = one.event.fields.get("at") if one.event.fields else None
            if at_ns is not None:
                self._out.write(f"{time.time_ns() - at_ns}\n")


class Hanging(Sink):
    """Never returns."""

    def write(self, batch: Sequence[Any]) -> None:
        time.sleep(FOREVER_S)


class Raising(Sink):
    """Refuses every event."""

    def write(self, batch: Sequence[Any]) -> None:
        raise ValueError("never")


def slow(line: Any) -> None:
    """One line a second."""
    time.sleep(SLOW_S)


def busy(line: Any) -> None:
    """Python code that never waits."""
    ends_s = time.monotonic() + BUSY_S
    while time.monotonic() < ends_s:
        pass


def holding(line: Any) -> None:
    """One call of C that lets no other thread run meanwhile."""
    sum(range(2_000_000))

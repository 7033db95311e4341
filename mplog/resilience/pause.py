"""A wait that somebody can end; and what a clock is here, so that a test can bring its own."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Time, for those who decide by it and for those who wait."""

    def now_s(self) -> float:
        """Seconds that only grow."""

    def wall_ns(self) -> int:
        """Nanoseconds since 1970."""


class SystemClock:
    """The machine's."""

    def now_s(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()

    def wall_ns(self) -> int:
        """Nanoseconds since 1970."""
        return time.time_ns()


class Pause:
    """Waits that end when the sink is closed: all wrappers of one sink share one."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    @property
    def stopped(self) -> bool:
        """Whether nobody is to wait any more."""
        return self._stopped.is_set()

    def wait(self, timeout_s: float) -> bool:
        """Wait; True where that was ended early, and another try makes no sense."""
        return self._stopped.wait(max(timeout_s, 0.0))

    def stop(self) -> None:
        """End the waits that go on, and those to come."""
        self._stopped.set()

    def resume(self) -> None:
        """Let there be waits again: the sink is opened anew."""
        self._stopped.clear()


SYSTEM_CLOCK = SystemClock()

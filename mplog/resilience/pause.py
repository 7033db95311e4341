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
        self._changed, self._stopped, self._cut = threading.Condition(), False, 0

    @property
    def stopped(self) -> bool:
        """Whether nobody is to wait any more."""
        return self._stopped

    def wait(self, timeout_s: float) -> bool:
        """Wait; True where that was ended early, and another try makes no sense."""
        with self._changed:
            cut = self._cut
            self._changed.wait_for(lambda: self._stopped or self._cut != cut, max(timeout_s, 0.0))
            return self._stopped

    def stop(self) -> None:
        """End the waits that go on, and those to come."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def cut(self) -> None:
        """End the waits that go on: the next try is due."""
        with self._changed:
            self._cut += 1
            self._changed.notify_all()

    def resume(self) -> None:
        """Let there be waits again: the sink is opened anew."""
        self._stopped = False


SYSTEM_CLOCK = SystemClock()

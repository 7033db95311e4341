"""Time that a test moves."""

from __future__ import annotations

import threading

from mplog.resilience.pause import Pause


class FakeClock:
    """A clock that stands still until it is moved; whoever waits by `pause()` moves it.

    Args:
        now_s: its seconds at the beginning.
        wall_ns: nanoseconds since 1970 at the beginning.
    """

    def __init__(self, now_s: float = 1_000.0, wall_ns: int = 1_700_000_000_000_000_000) -> None:
        self._lock = threading.Lock()
        self._began_s = self._now_s = now_s
        self._began_ns = wall_ns

    def now_s(self) -> float:
        """Seconds, as `time.monotonic` has them."""
        with self._lock:
            return self._now_s

    def wall_ns(self) -> int:
        """Nanoseconds since 1970."""
        return self._began_ns + int((self.now_s() - self._began_s) * 1e9)

    def advance(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            ValueError: it would go back.
        """
        if seconds < 0:
            raise ValueError(f"time does not go back: advance({seconds!r})")
        with self._lock:
            self._now_s += seconds

    def pause(self) -> Pause:
        """What `Retry` and its like wait by: the wait is over at once, and the time has passed."""
        return _Passing(self)


class _Passing(Pause):
    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, timeout_s: float) -> bool:
        if self.stopped:
            return True
        self._clock.advance(max(timeout_s, 0.0))
        return False

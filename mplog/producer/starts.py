"""When a process may start a writer again: pure, the clock is passed in."""

from __future__ import annotations

STEADY_S = 60.0  # a writer that was not missed for so long was no failed start
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
KILLED_PAUSE_S = 2.0  # between starts that leave no word: it was not they that failed
REFUSED_PAUSE_S = 5.0

Done = tuple[int, tuple[int, int] | None]  # batches, and the bell that counts them


class Starts:
    """One service's, by this process.

    Attributes:
        failed: how many in a row have come to nothing.
    """

    def __init__(self) -> None:
        self.failed = 0
        self._at_s, self._pause_s = 0.0, 0.0
        self._done: Done = 0, None

    def due(self, now_s: float, done: Done) -> bool:
        """Whether the pause after the last start is over. There is none after one that was good.

        Args:
            now_s: monotonic.
            done: how many batches the service has delivered, and which life of it.
        """
        if now_s - self._at_s > STEADY_S or done != self._done:
            self.failed, self._pause_s = 0, 0.0
        return now_s - self._at_s >= self._pause_s

    def started(self, now_s: float, done: Done, said: str) -> None:
        """A writer was started just now.

        Args:
            now_s, done: as in `due`.
            said: what the one before has left on its stderr; empty where it was killed.
        """
        longest_s = LONGEST_PAUSE_S if said else KILLED_PAUSE_S
        self._pause_s = min(max(FIRST_PAUSE_S, self._pause_s * 2), longest_s)
        self._at_s, self._done = now_s, done
        self.failed += 1

    def refused(self, now_s: float, done: Done) -> None:
        """None could be started at all; *now_s*, *done* as in `due`."""
        self._at_s, self._done, self._pause_s = now_s, done, REFUSED_PAUSE_S

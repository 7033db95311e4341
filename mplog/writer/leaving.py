"""The end of a writer, as far as sinks that are no files go: they get what waits for them, and no
sink holds the writer longer than that takes, or than a time.
"""

from __future__ import annotations

from mplog.writer.state import Job

SINKS_S = 5.0  # for what waits when nobody is here; farewell.py gives up a little sooner
LAST_S = 0.5  # and when the writer leaves in any case


class Leaving:
    """How long the writer has been staying for its sinks.

    Attributes:
        waits: it stays for nothing else.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._since_s = 0.0
        self.waits = False

    def under_way(self, now_s: float) -> bool:
        """Nobody is here: whether sinks have still to get something, and time for it.

        Args:
            now_s: monotonic.
        """
        outlets = self._job.outlets
        if outlets is None:
            return False
        if outlets.idle:
            outlets.look(now_s, last=True)
            self.waits = False
            return any(sink.lines for sink in self._job.sinks)
        outlets.hurry()
        if not self.waits:
            self.waits, self._since_s = True, now_s
        return now_s - self._since_s < SINKS_S

    def somebody_is_here(self) -> None:
        """The time begins anew when they have left."""
        self.waits = False

    def let_go(self) -> None:
        """What waits is given the rest of its time."""
        if self._job.outlets is not None:
            self._job.outlets.close(0.0 if self._job.signals.now else LAST_S)

"""How long a writer stays that stays whoever is attached (`mplog serve`): as long as somebody could
end it. One whose supervisor was killed goes when nobody is attached, or hands over to the writer of
another supervisor.
"""

from __future__ import annotations

from mplog.ring import presence
from mplog.writer.state import Job

ORPHANED_S = 10.0  # whoever starts `mplog serve` again does so within that time, as systemd


class Residence:
    """One writer's."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._since_s: float | None = None

    def lasts(self, now_s: float) -> bool:
        """Whether it stays though nobody is attached.

        Args:
            now_s: monotonic.
        """
        signals = self._job.signals
        if not signals.resident or signals.stop:
            return False
        if not signals.orphaned:
            return True
        if self._since_s is None:
            self._since_s = now_s
        return now_s - self._since_s < ORPHANED_S and not self.has_heir

    @property
    def has_heir(self) -> bool:
        """Whether another supervisor is there, whose writer waits for this one's lock: the service
        is its.
        """
        if not self._job.signals.resident or not self._job.signals.orphaned:
            return False
        found = presence(self._job.directory, self._job.service)
        return found is not None and found.supervisor

"""How often a look may be taken that costs the more the more there is to see: for a small part of
the time, but where that would put it off for long.
"""

from __future__ import annotations

SHARE = 20  # of the time, at most one part
FREE_S = 0.01  # what takes no longer is done whenever it is wanted
LONGEST_S = 30.0  # a disk that hangs once must not suspend retention for many minutes


class Pace:
    """One kind of look.

    Attributes:
        waits: one was wanted, and is still to be taken.
    """

    def __init__(self) -> None:
        self._again_s = 0.0
        self.waits = False

    def due(self, now_s: float) -> bool:
        """Whether a look that is wanted may be taken now.

        Args:
            now_s: monotonic.
        """
        self.waits = now_s < self._again_s
        return not self.waits

    def took(self, began_s: float, ended_s: float) -> None:
        """One was taken."""
        took_s = ended_s - began_s
        self._again_s = ended_s + min(took_s * SHARE, LONGEST_S) if took_s > FREE_S else 0.0

    def hurry(self) -> None:
        """The next one need not wait."""
        self._again_s = 0.0

"""A sink that keeps the last events in memory, for tests."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from mplog.sinks.base import Outgoing

MOST = 10_000


class MemorySink:
    """Keeps the last events.

    Args:
        most: how many; older ones go.

    Attributes:
        events: them, the oldest first.
    """

    def __init__(self, most: int = MOST) -> None:
        self.events: deque[Outgoing] = deque(maxlen=most)

    def open(self) -> None:
        """Nothing is to be connected."""

    def write(self, batch: Sequence[Outgoing]) -> None:
        """Keep *batch*."""
        self.events.extend(batch)

    def flush(self) -> None:
        """Nothing is on its way."""

    def close(self) -> None:
        """What is kept stays."""

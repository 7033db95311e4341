"""A sink that takes everything, and keeps nothing."""

from __future__ import annotations

from collections.abc import Sequence

from mplog.sinks.base import Outgoing


class NullSink:
    """Delivers to nobody."""

    def open(self) -> None:
        """Nothing is to be connected."""

    def write(self, batch: Sequence[Outgoing]) -> None:
        """Count as delivered."""

    def flush(self) -> None:
        """Nothing is held."""

    def close(self) -> None:
        """Nothing is to be let go."""

"""What was appended before: of each session its last number, so that a repetition is left out."""

from __future__ import annotations

from collections.abc import Iterable

from mplog.resilience.store import Held

_MOST_SESSIONS = 16_384


class Seen:
    """The last numbers; sessions that have been quiet the longest are forgotten first."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def add(self, batch: Iterable[Held]) -> None:
        """These are kept now."""
        for stamped, _ in batch:
            if stamped.session:
                seq = max(stamped.seq, self._last.pop(stamped.session, 0))
                self._last[stamped.session] = seq
        while len(self._last) > _MOST_SESSIONS:
            del self._last[next(iter(self._last))]

    def fresh(self, batch: Iterable[Held]) -> list[Held]:
        """Those of *batch* that are not kept yet. Numbers of a session only grow."""
        last: dict[str, int] = {}
        found: list[Held] = []
        for one in batch:
            session, seq = one[0].session, one[0].seq
            if not session or seq > last.get(session, self._last.get(session, 0)):
                last[session] = seq
                found.append(one)
        return found

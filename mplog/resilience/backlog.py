"""What waits for a sink in memory: bounded in events and bytes.

Events are held as they were encoded: what a decoded one takes is nobody's to bound.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice

from mplog.event.level import WARNING
from mplog.resilience.store import Held, Limits, Store

HELD_BYTES = 400  # what an event takes beside its payload: its stamp, the objects, their places
FULL = "queue_full"


class Arrivals:
    """When what waits has come, oldest first.

    Args:
        most: of a line of that many nobody asks any more when it began.
    """

    def __init__(self, most: int) -> None:
        self._in = self._out = 0
        self._came: deque[tuple[float, int]] = deque(maxlen=most)  # when, and how many before

    def add(self, count: int, now_s: float) -> None:
        """So many more have come."""
        if count and (not self._came or self._came[-1][0] != now_s):
            self._came.append((now_s, self._in))
        self._in += count

    def keep(self, waiting: int) -> None:
        """So many wait still, delivered or not: the first ones have gone."""
        self._out = max(self._out, self._in - waiting)
        while len(self._came) > 1 and self._came[1][1] <= self._out:
            self._came.popleft()
        if self._out >= self._in:
            self._came.clear()

    @property
    def first_s(self) -> float:
        """When the oldest has come; before all times where that is not known."""
        return self._came[0][0] if self._came else float("-inf")


class Room:
    """A bounded line of events; the last eighth of it is for WARNING and above."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.events: deque[Held] = deque()
        self.size_bytes = 0
        self._arrivals = Arrivals(limits.batch_events)

    def add(self, one: Held, now_s: float) -> bool:
        """Whether there was room for it."""
        weight = len(one[1]) + HELD_BYTES
        limits = self.limits
        most, most_bytes = limits.max_events, limits.max_bytes
        if one[0].level < WARNING:
            most, most_bytes = most - most // 8, most_bytes - most_bytes // 8
        if len(self.events) >= most or self.size_bytes + weight > most_bytes:
            return False
        self._arrivals.add(1, now_s)
        self.events.append(one)
        self.size_bytes += weight
        return True

    def remove(self, count: int) -> list[Held]:
        """Take out the first *count*."""
        gone = [self.events.popleft() for _ in range(count)]
        self.size_bytes -= sum(len(payload) + HELD_BYTES for _, payload in gone)
        self._arrivals.keep(len(self.events))
        return gone

    def front(self, most: int) -> list[Held]:
        """The first ones, as many as a batch may have."""
        batch: list[Held] = []
        size_bytes = 0
        for one in islice(self.events, most):
            size_bytes += len(one[1])
            if batch and size_bytes > self.limits.batch_bytes:
                break
            batch.append(one)
        return batch

    def due_s(self, now_s: float) -> float | None:
        """A batch is due when it is full, or its first event has waited long enough."""
        limits = self.limits
        if not self.events:
            return None
        if len(self.events) >= limits.batch_events or self.size_bytes >= limits.batch_bytes:
            return 0.0
        return max(self._arrivals.first_s + limits.batch_s - now_s, 0.0)

    @property
    def fill(self) -> float:
        """From 0 to 1, by the limit that is nearer."""
        limits = self.limits
        return max(len(self.events) / limits.max_events, self.size_bytes / limits.max_bytes)


class Backlog(Store):
    """The events that wait for one sink, in memory.

    Args:
        limits: how much may wait.
        name: of the sink, for the notice of a loss.
    """

    def __init__(self, limits: Limits, name: str = "") -> None:
        super().__init__(limits, name)
        self._room = Room(limits)

    def put(self, batch: Iterable[Held], now_s: float) -> None:
        """Take what there is room for; what is dropped is counted."""
        for one in batch:
            self._accepted += 1
            if not self._room.add(one, now_s):
                self._lose(one[0], FULL)

    def give_up(self, reason: str) -> None:
        """Drop all that waits."""
        for stamped, _ in self._room.remove(len(self._room.events)):
            self._lose(stamped, reason)

    def _due_s(self, now_s: float) -> float | None:
        return self._room.due_s(now_s)

    def _front(self, most: int, now_s: float) -> Sequence[Held]:
        return self._room.front(most)

    def _remove(self, count: int, now_s: float) -> None:
        self._room.remove(count)

    @property
    def _in_flight(self) -> tuple[int, int]:
        return len(self._room.events), self._room.size_bytes

    @property
    def fill(self) -> float:
        """From 0 to 1, by the limit that is nearer."""
        return self._room.fill

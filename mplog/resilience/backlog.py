"""What waits for a sink: bounded in events and bytes, every loss counted and told.

No thread, no clock of its own.
Owner of the sum `accepted = delivered + dropped + in flight`, which holds after every call.
Events are held as they were encoded: what a decoded one takes is nobody's to bound.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Protocol

import msgspec

from mplog.event.codec import ENCODER, decode, encode
from mplog.event.event import Event, Stamped
from mplog.event.level import WARNING
from mplog.format.loss import Reasons
from mplog.resilience.loss import Counts, Loss, one_more, total
from mplog.sinks.base import Outgoing

Held = tuple[Stamped, bytes]

HELD_BYTES = 400  # what an event takes beside its payload: its stamp, the objects, their places
TELL_AGAIN_S = 1.0
_RELIEF = 0.75
_MOST_BYTES = 1 << 30


class Limits(msgspec.Struct, frozen=True):
    """How much may wait for a sink, and how it is handed over.

    Attributes:
        max_events, max_bytes: of all that waits and of what is being written; the last eighth of
            both is for WARNING and above.
        batch_events, batch_bytes: at most so much is handed over at once (one event may be larger).
        batch_s: an event waits no longer than that for others to go with it.
        pressure: the part of either limit from which the queue counts as under pressure; it is
            over when three quarters of that are left.
    """

    max_events: int = 10_000
    max_bytes: int = 64 << 20
    batch_events: int = 500
    batch_bytes: int = 1 << 20
    batch_s: float = 0.2
    pressure: float = 0.8


def held(one: Outgoing) -> Held:
    """An event as it waits."""
    try:
        return one.stamped, ENCODER.encode(one.event)
    except Exception:  # values that no lane could have brought
        return one.stamped, encode(one.event, _MOST_BYTES)[0]


def outgoing(one: Held) -> Outgoing:
    """The event again."""
    stamped, payload = one
    return Outgoing(stamped, decode(payload) or Event("mplog", "unreadable event"))


class Store(Protocol):
    """What a queue takes its batches from: `Backlog`, or a spool with one before it."""

    limits: Limits
    name: str

    def put(self, batch: Iterable[Held], now_s: float) -> None:
        """Take the events, or count them as dropped."""

    def due_s(self, now_s: float) -> float | None:
        """How long until a batch should be taken; None: nothing waits."""

    def take(self, now_s: float, wall_ns: int) -> list[Held]:
        """The next batch; to be followed by `settle`."""

    def settle(self, done: int, now_s: float, refused: str = "") -> None:
        """The first *done* of the batch are through."""

    def write_off(self, batch: Iterable[Outgoing], reason: str, now_s: float) -> None:
        """Of the batch that is being written these are lost."""

    def give_up(self, reason: str) -> None:
        """Drop what nobody keeps for a later run."""

    @property
    def counts(self) -> Counts:
        """What has become of the events so far."""

    def crossing(self) -> bool | None:
        """True or False where the pressure has just begun or ended."""


class Backlog:
    """The events that wait for one sink, in memory.

    Args:
        limits: how much may wait.
        name: of the sink, for the notice of a loss.
    """

    def __init__(self, limits: Limits, name: str = "") -> None:
        self.limits, self.name = limits, name
        self._waiting: deque[Held] = deque()
        self._bytes = 0
        self._oldest_s = 0.0
        self._limit = limits.batch_events
        self._accepted = self._delivered = 0
        self._dropped: Reasons = {}
        self._loss = Loss()
        self._tell_after_s = 0.0
        # of the batch that is being written
        self._taken = self._written_off = 0
        self._telling: Loss | None = None
        self._strained = False

    # ---- in ----
    def put(self, batch: Iterable[Held], now_s: float) -> None:
        """Take what there is room for; what is dropped is counted."""
        for one in batch:
            self._accepted += 1
            weight = len(one[1]) + HELD_BYTES
            if not self._has_room(one[0].level, weight):
                self._lose(one[0], "queue_full")
                continue
            if not self._waiting:
                self._oldest_s = now_s
            self._waiting.append(one)
            self._bytes += weight

    def _has_room(self, level: int, weight: int) -> bool:
        limits = self.limits
        kept = 0 if level >= WARNING else 1
        return len(self._waiting) < limits.max_events - kept * (
            limits.max_events // 8
        ) and self._bytes + weight <= limits.max_bytes - kept * (limits.max_bytes // 8)

    # ---- out ----
    def due_s(self, now_s: float) -> float | None:
        """How long until a batch should be taken; 0: now; None: nothing waits."""
        limits = self.limits
        if not self._waiting:
            return max(self._tell_after_s - now_s, 0.0) if self._loss.reasons else None
        if len(self._waiting) >= limits.batch_events or self._bytes >= limits.batch_bytes:
            return 0.0
        return max(self._oldest_s + limits.batch_s - now_s, 0.0)

    def take(self, now_s: float, wall_ns: int) -> list[Held]:
        """The next batch, in order, the notice of a loss before it; to be followed by `settle`."""
        batch: list[Held] = []
        if self._loss.reasons and now_s >= self._tell_after_s:
            self._telling, self._loss = self._loss, Loss()
            batch.append(held(self._telling.notice(wall_ns, self.name)))
        size_bytes = 0
        for one in self._waiting:
            size_bytes += len(one[1])
            if len(batch) >= self._limit or (batch and size_bytes > self.limits.batch_bytes):
                break
            batch.append(one)
        self._taken = len(batch)
        return batch

    def settle(self, done: int, now_s: float, refused: str = "") -> None:
        """The first *done* of the batch are through.

        Args:
            done: from the first on, the notice included.
            now_s: the time.
            refused: why the others will never be taken: a smaller batch is tried, until the event
                is found that is to be dropped for it. Empty: they are to be taken again.
        """
        left, told = self._taken - done, self._telling
        self._telling = None
        if told is not None and done:
            done -= 1
        elif told is not None:
            self._not_told(told, now_s, given_up=bool(refused) and left == 1)
            left -= left == 1
        for _ in range(done):
            self._pop()
        self._delivered += done - self._written_off
        if done > self._written_off:
            self._tell_after_s = 0.0
        self._written_off = 0
        self._oldest_s = now_s
        self._learn(left, done, refused)

    def _learn(self, left: int, done: int, refused: str) -> None:
        """How large the next batch is to be, after a refusal and after a success."""
        if refused and left == 1:
            self._lose(self._pop(), refused)
        elif refused:
            self._limit = max(left // 2, 1)
        elif done:
            self._limit = min(self._limit * 2, self.limits.batch_events)

    def _not_told(self, told: Loss, now_s: float, *, given_up: bool) -> None:
        """A notice that has not gone through is told with what is lost later, but not at once."""
        if not given_up:
            self._loss.merge(told)
            self._tell_after_s = now_s + TELL_AGAIN_S

    def _pop(self) -> Stamped:
        stamped, payload = self._waiting.popleft()
        self._bytes -= len(payload) + HELD_BYTES
        return stamped

    # ---- losses ----
    def write_off(self, batch: Iterable[Outgoing], reason: str, now_s: float) -> None:
        """Of the batch that is being written these are lost, though the write will succeed."""
        for one in batch:
            if one.stamped.session:
                self._written_off += 1
                self._lose(one.stamped, reason)
            elif self._telling is not None:
                self._not_told(self._telling, now_s, given_up=False)

    def give_up(self, reason: str) -> None:
        """Drop all that waits: nobody will take it any more."""
        while self._waiting:
            self._lose(self._pop(), reason)

    def _lose(self, stamped: Stamped, reason: str) -> None:
        one_more(self._dropped, reason, stamped.level)
        self._loss.add(stamped, reason)

    # ---- seen from outside ----
    @property
    def counts(self) -> Counts:
        """The sum, as it stands."""
        return Counts(
            accepted=self._accepted,
            delivered=self._delivered,
            dropped=total(self._dropped),
            in_flight=len(self._waiting) - self._written_off,
            in_flight_bytes=self._bytes,
            reasons={reason: dict(levels) for reason, levels in self._dropped.items()},
        )

    @property
    def fill(self) -> float:
        """From 0 to 1, by the limit that is nearer."""
        limits = self.limits
        return max(len(self._waiting) / limits.max_events, self._bytes / limits.max_bytes)

    def crossing(self) -> bool | None:
        """True or False where the pressure has just begun or ended; told once each."""
        fill, threshold = self.fill, self.limits.pressure
        strained = fill >= threshold if not self._strained else fill > threshold * _RELIEF
        if strained == self._strained:
            return None
        self._strained = strained
        return strained

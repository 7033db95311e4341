"""What a queue takes its batches from: how they are cut, how a loss is counted and told.

Owner of the sum `accepted = delivered + dropped + in flight`, which holds after every call. Where
the events lie is its subclasses' concern: in memory (`Backlog`), on the disk (`Spooled`). No
thread, no clock of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

import msgspec

from mplog.event.codec import ENCODER, decode, encode
from mplog.event.event import Event, Stamped
from mplog.format.loss import Reasons
from mplog.resilience.loss import Counts, Loss, one_more, total
from mplog.sinks.base import Outgoing

Held = tuple[Stamped, bytes]

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


class Encoded:
    """As `Outgoing`, and not decoded before somebody asks for the event."""

    __slots__ = ("_event", "payload", "stamped")

    def __init__(self, one: Held) -> None:
        self.stamped, self.payload = one
        self._event: Event | None = None

    @property
    def event(self) -> Event:
        """What was logged."""
        if self._event is None:
            self._event = outgoing((self.stamped, self.payload)).event
        return self._event

    @property
    def id(self) -> tuple[str, int]:
        """As of an `Outgoing`."""
        return self.stamped.session, self.stamped.seq


def held(one: Outgoing | Encoded) -> Held:
    """An event as it waits."""
    if isinstance(one, Encoded):
        return one.stamped, one.payload
    try:
        return one.stamped, ENCODER.encode(one.event)
    except Exception:  # values that no lane could have brought
        return one.stamped, encode(one.event, _MOST_BYTES)[0]


def outgoing(one: Held) -> Outgoing:
    """The event again."""
    stamped, payload = one
    return Outgoing(stamped, decode(payload) or Event("mplog", "unreadable event"))


class Store(ABC):
    """Events that wait for a sink.

    Args:
        limits: how much may wait.
        name: of the sink, for the notice of a loss.
    """

    def __init__(self, limits: Limits, name: str = "") -> None:
        self.limits, self.name = limits, name
        self._limit = limits.batch_events
        self._accepted = self._delivered = 0
        self._dropped: Reasons = {}
        self._loss = Loss()
        self._tell_after_s = 0.0
        # of the batch that is being written
        self._taken = self._written_off = 0
        self._telling: Loss | None = None
        self._notice: Stamped | None = None  # of what is being told
        self._strained = False
        self.trouble: OSError | None = None  # of its own; whoever tells it empties it

    # ---- where the events lie ----
    where = "waiting in memory"

    @abstractmethod
    def put(self, batch: Iterable[Held], now_s: float) -> None:
        """Take the events, or count them as dropped. Never raises."""

    @abstractmethod
    def give_up(self, reason: str) -> None:
        """Nobody will take any more in this run: drop what does not outlast it."""

    @abstractmethod
    def _due_s(self, now_s: float) -> float | None:
        """How long until what waits should be taken; None: nothing does."""

    @abstractmethod
    def _front(self, most: int, now_s: float) -> Sequence[Held]:
        """The oldest events: no more than *most*, and than a batch's bytes (but for one). They stay
        in flight.
        """

    @abstractmethod
    def _remove(self, count: int, now_s: float) -> None:
        """The first *count* of the front are done with."""

    @property
    @abstractmethod
    def _in_flight(self) -> tuple[int, int]:
        """Events and bytes."""

    @property
    def _on_disk(self) -> int:
        """Of the events in flight."""
        return 0

    @property
    @abstractmethod
    def fill(self) -> float:
        """From 0 to 1, by the limit that is nearer."""

    # ---- batches ----
    def due_s(self, now_s: float) -> float | None:
        """How long until a batch should be taken; 0: now; None: nothing waits."""
        due_s = self._due_s(now_s)
        if due_s is None and self._loss.reasons:
            return max(self._tell_after_s - now_s, 0.0)
        return due_s

    def take(self, now_s: float, wall_ns: int) -> list[Held]:
        """The next batch, in order, the notice of a loss before it; to be followed by `settle`."""
        batch: list[Held] = []
        if self._loss.reasons and now_s >= self._tell_after_s:
            self._telling, self._loss = self._loss, Loss()
            batch.append(held(self._telling.notice(wall_ns, self.name)))
            self._notice = batch[0][0]
        if self._limit > len(batch):
            batch += self._front(self._limit - len(batch), now_s)
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
        self._taken, self._telling, self._notice = 0, None, None
        if told is not None and done:
            done -= 1
        elif told is not None:
            self._not_told(told, now_s, given_up=bool(refused) and left == 1)
            left -= left == 1
        if done:
            self._remove(done, now_s)
        self._delivered += done - self._written_off
        if done > self._written_off:
            self._tell_after_s = 0.0
        self._written_off = 0
        self._learn(left, done, refused, now_s)

    def _learn(self, left: int, done: int, refused: str, now_s: float) -> None:
        """How large the next batch is to be, after a refusal and after a success."""
        if refused and left == 1:
            for stamped, _ in self._front(1, now_s):  # none where a disk cannot be read just now
                self._remove(1, now_s)
                self._lose(stamped, refused)
        elif refused:
            self._limit = max(left // 2, 1)
        elif done:
            self._limit = min(self._limit * 2, self.limits.batch_events)

    def _not_told(self, told: Loss, now_s: float, *, given_up: bool) -> None:
        """A notice that has not gone through is told with what is lost later, but not at once."""
        if not given_up:
            self._loss.merge(told)
            self._tell_after_s = now_s + TELL_AGAIN_S

    # ---- losses ----
    def write_off(self, batch: Iterable[Outgoing], reason: str, now_s: float) -> None:
        """Of the batch that is being written these are lost, though the write will succeed."""
        for one in batch:
            if self._telling is not None and one.stamped is self._notice:
                self._not_told(self._telling, now_s, given_up=False)
            else:
                self._written_off += 1
                self._lose(one.stamped, reason)

    def _lose(self, stamped: Stamped, reason: str) -> None:
        one_more(self._dropped, reason, stamped.level)
        self._loss.add(stamped, reason)

    # ---- seen from outside ----
    @property
    def counts(self) -> Counts:
        """The sum, as it stands."""
        events, size_bytes = self._in_flight
        in_flight = events - self._written_off
        return Counts(
            accepted=self._accepted,
            delivered=self._delivered,
            dropped=total(self._dropped),
            in_flight=in_flight,
            in_flight_bytes=size_bytes,
            on_disk=min(self._on_disk, in_flight),
            reasons={reason: dict(levels) for reason, levels in self._dropped.items()},
        )

    def crossing(self) -> bool | None:
        """True or False where the pressure has just begun or ended; told once each."""
        fill, threshold = self.fill, self.limits.pressure
        strained = fill >= threshold if not self._strained else fill > threshold * _RELIEF
        if strained == self._strained:
            return None
        self._strained = strained
        return strained

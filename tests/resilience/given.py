"""Events, and what is said of them, for the tests of what stands around a sink."""

from __future__ import annotations

from mplog.event.event import Event, Stamped
from mplog.resilience.spool import Spool
from mplog.resilience.spooled import Spooled
from mplog.resilience.store import Limits, held, outgoing
from mplog.sinks.base import Outgoing

WALL_NS = 1_700_000_000_000_000_000
SESSION = "0123456789ab-1-1"


def event(seq: int, level: int = 20, session: str = SESSION, text: str = "hello") -> Outgoing:
    """The event of that number."""
    stamped = Stamped(WALL_NS + seq, level, 0, 0, session, seq, 4242, "worker")
    return Outgoing(stamped, Event("shop", text, {"n": seq}))


def events(count: int, first: int = 1, level: int = 20, text: str = "hello") -> list[Outgoing]:
    """Events of consecutive numbers."""
    return [event(seq, level, text=text) for seq in range(first, first + count)]


def numbers(batch: list[Outgoing]) -> list[int]:
    """The numbers of a batch, its notices left out."""
    return [one.stamped.seq for one in batch if one.stamped.session]


def told(batch: list[Outgoing]) -> int:
    """How many events the notices in a batch tell as lost."""
    return sum(one.event.fields["count"] for one in batch if not one.stamped.session)


def spooled_in(place, rules=None, **limits):
    """A store whose spool lies below *place*."""
    return Spooled(Spool(place / "spool", rules), Limits(**limits), "loki")


def put(store, batch, now_s=0.0):
    """Let a store have the events of *batch*."""
    store.put([held(one) for one in batch], now_s)


def take(store, now_s=0.0):
    """Its next batch, decoded."""
    return [outgoing(one) for one in store.take(now_s, WALL_NS)]


def adds_up(store):
    """Whether every event that it has accepted is somewhere."""
    counts = store.counts
    return counts.accepted == counts.delivered + counts.dropped + counts.in_flight

"""What has been lost before a sink, counted and told; and the sum that it is a part of."""

from __future__ import annotations

from typing import Any

import msgspec

from mplog.event.event import Event, Stamped
from mplog.event.level import WARNING, name_of
from mplog.format.loss import Reasons, loss_text
from mplog.sinks.base import Outgoing

SINK_DROP = "mplog.sink.drop"


class Counts(msgspec.Struct, frozen=True):
    """The events of a sink so far: accepted = delivered + dropped + in flight; of the latter, so
    many are on disk.
    """

    accepted: int = 0
    delivered: int = 0
    dropped: int = 0
    in_flight: int = 0
    in_flight_bytes: int = 0
    on_disk: int = 0
    reasons: Reasons = {}


class Loss(msgspec.Struct):
    """Events lost since the sink was told last."""

    reasons: Reasons = {}
    since_ns: int = 0
    until_ns: int = 0

    def add(self, stamped: Stamped, reason: str) -> None:
        """One more."""
        one_more(self.reasons, reason, stamped.level)
        wall_ns = stamped.wall_ns
        self.since_ns = min(self.since_ns or wall_ns, wall_ns)
        self.until_ns = max(self.until_ns, wall_ns)

    def merge(self, other: Loss) -> None:
        """Those of *other* too."""
        add_reasons(self.reasons, other.reasons)
        self.since_ns = min(filter(None, (self.since_ns, other.since_ns)), default=0)
        self.until_ns = max(self.until_ns, other.until_ns)

    @property
    def count(self) -> int:
        """How many."""
        return total(self.reasons)

    def notice(self, wall_ns: int, sink: str) -> Outgoing:
        """The event that tells it."""
        keys = {"sink": sink, "count": self.count, "reasons": self.reasons}
        text, keys = loss_text(self.count, self.reasons, self.since_ns, self.until_ns, keys)
        return notice(wall_ns, SINK_DROP, text, keys)


def one_more(reasons: Reasons, reason: str, level: int) -> None:
    """Count an event."""
    levels, name = reasons.setdefault(reason, {}), name_of(level)
    levels[name] = levels.get(name, 0) + 1


def add_reasons(into: Reasons, more: Reasons) -> None:
    """Count those of *more* too."""
    for reason, levels in more.items():
        mine = into.setdefault(reason, {})
        for name, count in levels.items():
            mine[name] = mine.get(name, 0) + count


def total(reasons: Reasons) -> int:
    """Events of all reasons and levels."""
    return sum(sum(levels.values()) for levels in reasons.values())


def notice(wall_ns: int, event_name: str, text: str, keys: dict[str, Any]) -> Outgoing:
    """An event of the service's own, at WARNING."""
    stamped = Stamped(wall_ns, WARNING, 0, 0, "", 0, 0, "")
    return Outgoing(stamped, Event("mplog", text, {"event_name": event_name, **keys}))

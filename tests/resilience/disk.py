"""A spool in a test's directory, and what is asked of it."""

from __future__ import annotations

from mplog.resilience.spool import Spool
from mplog.resilience.spool_rules import SpoolRules
from mplog.resilience.store import held

SMALL = SpoolRules(max_bytes=1 << 20, segment_bytes=2_000)
MUCH = 1 << 20


def opened(place, rules=SMALL):
    spool = Spool(place / "spool", rules)
    spool.open()
    return spool


def append(spool, batch):
    fresh = spool.fresh([held(one) for one in batch])
    spool.append(fresh)
    return len(fresh)


def read(spool, most=1_000):
    return [stamped.seq for stamped, _ in spool.read(most, MUCH)]


def drained(spool):
    got = []
    while numbers := read(spool, 7):
        got += numbers
        spool.ack(len(numbers), 0.0)
    return got


def segments(place):
    return sorted((place / "spool").glob("*.spool"))


def lost(spool):
    return {loss.reason: loss.levels for loss in spool.losses()}

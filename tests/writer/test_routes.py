"""Sinks that are no files get of a drain what their own level and prefixes let through."""

from __future__ import annotations

import pytest

from mplog import _native
from mplog.config.condition import to_bytes
from mplog.config.filter import compiled
from mplog.event.codec import ENCODER
from mplog.event.event import Event


def publish(producer, *events):
    """An event of each (level, logger)."""
    for level, logger in events:
        assert producer.publish(level, ENCODER.encode(Event(logger, "x")))


def test_each_route_gets_what_it_wants(place):
    """A bit for each; what nobody wants is not there at all."""
    reader = place.job.reader
    reader.set_routes([(30, [], None), (0, [("shop.db", 40)], None)])
    publish(place.producer(), (10, "shop.db"), (20, "shop"), (30, "shop"), (40, "shop.db.pool"))
    count = reader.drain_count(1 << 20)
    routed = reader.routed(count)

    assert [(0b10, 2), (0b11, 3), (0b11, 4)] == [(mask, item[1]) for mask, item in routed]
    assert [2] == [item[1] for _, item in reader.routed(2)]


def test_a_route_has_a_condition_of_its_own(place):
    """It is looked at in C."""
    reader = place.job.reader
    program = to_bytes(compiled('logger == "shop" or level >= ERROR'))
    reader.set_routes([(20, [], program)])
    publish(place.producer(), (10, "shop"), (20, "shop"), (30, "other"), (40, "other"))

    assert [2, 4] == [item[1] for _, item in reader.routed(reader.drain_count(1 << 20))]


def test_a_gap_is_routed_whoever_wants_its_event(place):
    """So that its notice can be made for those that want warnings."""
    reader = place.job.reader
    producer = place.producer(policy=_native.DROP_NEWEST)
    big = ENCODER.encode(Event("shop", "x" * 60_000))
    while producer.publish(10, big):
        pass
    batch = place.both()[0]
    place.deliver(batch)
    reader.set_routes([(50, [], None)])
    publish(producer, (20, "shop"), (20, "shop"))
    while (count := reader.drain_count(1 << 20)) and not reader.routed(count):
        reader.accept(count)
        place.job.journal.commit_parts(reader, [(place.job.file.fd, 0, 0)])
    (mask, item), *others = reader.routed(count)

    assert (0, []) == (mask, others)
    assert item[7] is not None


@pytest.mark.parametrize(
    "routes",
    [
        [(0, [], None)] * 33,
        [(0, "x", None)],
        [3],
        [(0, [("", 3)], None)],
        [(0, [], b"no program")],
        [(0, [])],
    ],
)
def test_what_is_no_list_of_routes_is_refused(place, routes):
    """Nothing is in force then."""
    with pytest.raises((RuntimeError, TypeError)):
        place.job.reader.set_routes(routes)
    assert [] == place.job.reader.routed(place.job.reader.drain_count(1 << 20))

"""What a filter takes leaves no line; its number is told by the session's next one."""

from __future__ import annotations

import json

import pytest
from one_writer import PAYLOADS

from mplog import _native
from mplog._native import Reader
from mplog.event.codec import ENCODER
from mplog.event.event import Event
from mplog.files.manifest import SessionRange
from mplog.writer.state import ARENA_BYTES


def publish(producer, *levels):
    """An event of each level, by the logger "shop"."""
    for level in levels:
        assert producer.publish(level, PAYLOADS[0])


def test_what_is_filtered_leaves_no_byte_and_is_settled(place):
    """A batch of nothing else too; the session's next line tells how many, after more batches."""
    place.job.reader.set_filter(20, [])
    producer = place.producer()
    publish(producer, 20, 10, 10)
    batch, lines = place.both()
    first = place.deliver(batch)
    publish(producer, 10)
    empty, nothing = place.both()
    second = place.deliver(empty)
    publish(producer, 30, 20)
    third, more = place.both()

    assert (3, 2, 1) == (batch.count, first.filtered, len(lines))
    assert (1, 1, [], {}) == (empty.count, second.filtered, nothing, second.ranges)
    assert 4 == producer.settled
    assert [(5, 3), (6, None)] == [(line["seq"], line.get("filtered")) for line in loads(more)]
    assert [SessionRange(2, 6, 2)] == list(place.deliver(third).ranges.values())
    assert [(6, 6, 3, 3)] == [end[5:9] for end in ended(place, producer)]


def test_another_writer_goes_on_counting(place):
    """What no line has told yet lies in shared memory."""
    place.job.reader.set_filter(20, [])
    producer = place.producer()
    publish(producer, 20, 10, 10)
    place.deliver(place.both()[0])
    reader = Reader(str(place.directory), "shop", True, ARENA_BYTES)
    reader.scan(place.job.journal)
    place.job.reader = reader
    publish(producer, 20)
    (line,) = loads(place.both()[1])

    assert (4, 2) == (line["seq"], line["filtered"])


@pytest.mark.parametrize("level", [10, 20])
def test_a_gap_is_told_whether_its_event_is_filtered_or_not(place, level):
    """With what was filtered before it; an event that is filtered then waits for the next line."""
    place.job.reader.set_filter(20, [])
    producer = place.producer(policy=_native.DROP_NEWEST)
    publish(producer, 10, 10)
    while producer.publish(10, PAYLOADS[5]):
        pass
    accepted = producer.seq - 1
    while (batch := place.both()[0]).count:
        assert 0 == batch.size_bytes
        place.deliver(batch)
    publish(producer, level, 20)
    batch, lines = place.both()
    notice, *events = loads(lines)
    told = place.deliver(batch)

    assert (2, 1) == (batch.count, told.dropped)
    assert (accepted + 1, accepted) == (notice["first"], notice["filtered"])
    expected = [(accepted + 2, None)] if level == 20 else []
    expected += [(accepted + 3, 1 if level == 10 else None)]
    assert expected == [(line["seq"], line.get("filtered")) for line in events]
    assert [SessionRange(1, accepted + 3, len(events))] == list(told.ranges.values())


def test_levels_of_loggers_decide_in_either_way(place):
    """Plain events, others, and such that cannot be read."""
    place.job.reader.set_filter(20, [("shop", 40), ("shop.db", 10)])
    producer = place.producer()
    for logger in ("shop", "shop.db", "shop.dbx", "other"):
        for level in (10, 30, 50):
            assert producer.publish(level, ENCODER.encode(Event(logger, logger, {"b": b"x"})))
            assert producer.publish(level, ENCODER.encode((logger, logger)))
    assert producer.publish(10, b"\xc1")
    assert producer.publish(20, b"\xc1")
    batch, lines = place.both()
    there = [(line.get("message"), line["level"]) for line in loads(lines)]

    assert 26 == batch.count
    wanted = {"shop": (50,), "shop.db": (10, 30, 50), "shop.dbx": (50,), "other": (30, 50)}
    names = {10: "DEBUG", 30: "WARNING", 50: "CRITICAL"}
    expected = [(logger, names[level]) for logger in wanted for level in wanted[logger]]
    assert expected == there[:-1:2] == there[1::2]
    assert ("unreadable event", "INFO") == there[-1]


def loads(lines):
    """Lines as what they say."""
    return [json.loads(line) for line in lines]


def ended(place, producer):
    """What the reader says of the producer's session at its end."""
    producer.detach(True)
    place.job.reader.rewind()
    return place.job.reader.ends(True)

"""What a filter takes leaves no line; its number is told by the session's next one."""

from __future__ import annotations

import json

import pytest
from one_writer import PAYLOADS

from mplog import _native
from mplog._native import Reader
from mplog.config.condition import to_bytes
from mplog.config.file import FileSettings
from mplog.config.filter import compiled
from mplog.event.codec import ENCODER
from mplog.event.event import Event
from mplog.files.manifest import SessionRange
from mplog.writer.filtering import OwnFilter, set_condition
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


def by_own(place, keep, problem=""):
    """The file's filter is that callable."""
    place.job.sinks[0].keep = OwnFilter("shop.filters:keep", keep, problem)


@pytest.mark.parametrize("how", ["expression", "callable"])
def test_an_expression_and_a_callable_take_as_levels_do(place, how):
    """Numbers are told by the session's next line, in whichever batch, and counted at its end."""
    if how == "expression":
        place.job.reader.set_condition(to_bytes(compiled("n > 2 and logger ~ 'shop'")))
    else:
        by_own(place, lambda line: line.fields.get("n", 0) > 2 and line.logger == "shop")
    producer = place.producer()
    for n in (3, 1, 2):
        assert producer.publish(20, ENCODER.encode(Event("shop", "x", {"n": n})))
    batch, lines = place.both()
    first = place.deliver(batch)
    for n in (0, 4, 1):
        assert producer.publish(20, ENCODER.encode(Event("shop", "x", {"n": n})))
    second, more = place.both()
    told = place.deliver(second)

    assert (3, 2, 1) == (batch.count, first.filtered, len(lines))
    assert [(5, 3)] == [(line["seq"], line.get("filtered")) for line in loads(more)]
    assert (3, 2, [SessionRange(2, 5, 1)]) == (second.count, told.filtered, [*told.ranges.values()])
    assert [(6, 6, 2, 4)] == [end[5:9] for end in ended(place, producer)]


def test_a_callable_is_asked_only_about_what_levels_and_expression_let_through(place):
    """And about no event that cannot be read, which is there to be seen."""
    seen = []
    place.job.reader.set_filter(20, [])
    by_own(place, lambda line: seen.append(line.level))
    producer = place.producer()
    publish(producer, 10, 30)
    assert producer.publish(30, b"\xc1")
    batch, lines = place.both()

    assert {30} == set(seen)
    assert (3, ["unreadable event"]) == (batch.count, [line["message"] for line in loads(lines)])


@pytest.mark.parametrize("problem", ["", "it cannot be had"])
def test_a_callable_that_fails_lets_the_event_through_and_is_told_once(place, problem):
    """Whatever it raises, and where there is none."""

    def fails(line):
        raise KeyError(line.level)

    by_own(place, None if problem else fails, problem)
    producer = place.producer()
    publish(producer, 20, 30)
    batch, lines = place.both()
    told = place.job.reader.problem
    place.job.tell("")
    place.deliver(batch)
    publish(producer, 20)

    assert 1 == len(place.both()[1])
    assert (2, 2) == (batch.count, len(lines))
    assert (problem or "it has raised KeyError") in told
    assert "filter shop.filters:keep of " in told
    assert told.endswith("; what it fails at is written [MPL-U004]")
    assert "" == place.job.reader.problem


def test_a_gap_before_what_a_callable_refuses_is_told(place):
    """As where levels have taken it."""
    by_own(place, lambda line: line.level > 10)
    producer = place.producer(policy=_native.DROP_NEWEST)
    publish(producer, 10, 10)
    while producer.publish(10, PAYLOADS[5]):
        pass
    accepted = producer.seq - 1
    while (batch := place.both()[0]).count:
        place.deliver(batch)
    publish(producer, 10, 20)
    batch, lines = place.both()
    notice, event = loads(lines)
    place.deliver(batch)

    assert (accepted + 1, accepted) == (notice["first"], notice["filtered"])
    assert (accepted + 3, 1) == (event["seq"], event["filtered"])


def test_a_filter_is_found_by_its_name_or_told(place):
    """What the writer cannot import, and an expression that nobody should have stored."""
    reader = place.job.reader
    made = [
        set_condition(reader, 0, FileSettings(filter=text))
        for text in ("n == 1", "operator:truth", "operator:no_such", "n ==", None)
    ]

    assert [None, True, True, True, None] == [keep and isinstance(keep, OwnFilter) for keep in made]
    assert "" == made[1].complaint()
    assert "no_such" in made[2].complaint()
    assert "is no filter at column 5" in made[3].complaint()


def loads(lines):
    """Lines as what they say."""
    return [json.loads(line) for line in lines]


def ended(place, producer):
    """What the reader says of the producer's session at its end."""
    producer.detach(True)
    place.job.reader.rewind()
    return place.job.reader.ends(True)

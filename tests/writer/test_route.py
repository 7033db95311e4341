"""From a batch to the sinks that are no files, in one process."""

from __future__ import annotations

import time
from pathlib import Path

import apartside
import msgspec
import pytest
from one_writer import PAYLOADS

from mplog import _native
from mplog.config.sink import canonical
from mplog.event.codec import ENCODER
from mplog.event.event import Event
from mplog.metrics.board import read_board
from mplog.writer import announce, route
from mplog.writer.reload import route_anew


def setting(*tables):
    """The setting of these sinks: in memory, and quick."""
    return canonical([{"type": "memory", "batch_wait": "0 s", **table} for table in tables])


def use(place, text):
    """Have the writer's settings name these sinks."""
    place.job.settings = msgspec.structs.replace(place.job.settings, sinks=text)


@pytest.fixture
def routed(place):
    """`routed(*tables)`: the outlets of a job with these sinks."""

    def begin(*tables):
        use(place, setting(*tables))
        route_anew(place.job)
        return place.job.outlets

    yield begin
    if place.job.outlets is not None:
        place.job.outlets.close(1.0)


def outlet_of(outlets, name):
    """By its name."""
    return next(one for one in outlets._outlets if one.name == name)


def events_of(outlets, name, wait_for, count):
    """What a sink in memory has, once there is so much."""
    sink = outlet_of(outlets, name)._sink
    wait_for(lambda: len(sink.events) >= count, 10.0, f"{count} events")
    return list(sink.events)


def batch(place, *events):
    """Log, collect and deliver."""
    producer = place.producers[0] if place.producers else place.producer()
    for level, logger in events:
        assert producer.publish(level, ENCODER.encode(Event(logger, "x")))
    made = place.both()[0]
    place.job.outlets.collect(made.count)
    place.deliver(made)
    place.job.outlets.deliver()


def test_each_gets_its_own_and_the_board_shows_it(place, routed, wait_for):
    """What is promised before the commit is delivered after it."""
    outlets = routed(
        {"name": "all"}, {"name": "loud", "level": "ERROR"}, {"name": "s", "standby": "on"}
    )
    batch(place, (20, "shop"), (40, "shop.db"))
    shown = events_of(outlets, "all", wait_for, 2)
    events_of(outlets, "loud", wait_for, 1)
    wait_for(lambda: outlets.idle, 10.0, "the queues")

    def rows():
        return [
            (row.name, row.promised, row.delivered, row.owed)
            for row in read_board(place.directory, "shop")[1]
        ]

    wait_for(lambda: rows() == [("all", 2, 2, 0), ("loud", 1, 1, 0), ("s", 0, 0, 0)], 10.0, rows())
    assert [(20, "shop", 1), (40, "shop.db", 2)] == [
        (one.stamped.level, one.event.logger, one.stamped.seq) for one in shown
    ]


def test_what_cannot_be_read_is_an_event_too(place, routed, wait_for):
    """Its number is there."""
    outlets = routed({"name": "all"})
    assert place.producer().publish(20, PAYLOADS[4])
    batch(place)
    (one,) = events_of(outlets, "all", wait_for, 1)

    assert (1, "unreadable event") == (one.stamped.seq, one.event.template)


def test_a_gap_is_told_to_those_who_want_warnings(place, routed, wait_for):
    """As an event of the logger mplog, before the event behind it."""
    outlets = routed({"name": "all"}, {"name": "quiet", "levels": {"mplog": "ERROR"}})
    producer = place.producer(policy=_native.DROP_NEWEST)
    while producer.publish(10, PAYLOADS[5]):
        pass
    while place.both()[0].count:
        batch(place)
    wait_for(lambda: outlets.idle, 10.0, "the queues")
    before = len(outlet_of(outlets, "quiet")._sink.events)
    batch(place, (20, "shop"))
    wait_for(lambda: outlets.idle, 10.0, "the queues")
    *_, notice, last = outlet_of(outlets, "all")._sink.events

    assert ("mplog", "mplog.drop", "") == (
        notice.event.logger, notice.event.fields["event_name"], notice.stamped.session
    )  # fmt: skip
    assert "shop" == last.event.logger
    assert before + 1 == len(outlet_of(outlets, "quiet")._sink.events)


def test_sinks_come_go_and_change(place, routed, wait_for):
    """One that is the same goes on; the one after a change waits for the one before it."""
    outlets = routed({"name": "same"}, {"name": "other"}, {"name": "gone"})
    same, other = outlet_of(outlets, "same"), outlet_of(outlets, "other")
    batch(place, (20, "shop"))
    outlets.take_up(setting({"name": "same"}, {"name": "other", "level": "ERROR"}, {"name": "new"}))
    batch(place, (40, "shop"))
    wait_for(lambda: outlets.look(time.monotonic(), last=True) or outlets.idle, 10.0, "the queues")
    outlets.look(time.monotonic(), last=True)  # the one that is gone may have been idle since

    assert outlet_of(outlets, "same") is same
    assert outlet_of(outlets, "other") is not other
    assert [1] == [one.stamped.seq for one in other._sink.events]
    assert [2] == [one.stamped.seq for one in events_of(outlets, "other", wait_for, 1)]
    assert [2] == [one.stamped.seq for one in events_of(outlets, "new", wait_for, 1)]
    assert ["same", "other", "new"] == [row.name for row in read_board(place.directory, "shop")[1]]


class Failing:
    """A sink whose far side is away."""

    away = True

    def open(self):
        """Or not."""
        if self.away:
            raise ConnectionRefusedError(111, "refused")

    def write(self, batch):
        """Or not."""
        self.open()

    def flush(self):
        """Nothing."""

    def close(self):
        """Nothing."""


def test_an_outage_is_told_once_and_its_end_too(place, routed, wait_for):
    """In the files; by hand it is tried at once."""
    Failing.away = True
    target = {"type": "callable", "target": f"{__name__}:Failing", "process": "writer"}
    outlets = routed({**target, "name": "far", "retry_for": "0 s"})
    batch(place, (20, "shop"))
    lines = place.job.sinks[0].lines

    def told(text):
        outlets.look(time.monotonic(), last=True)
        return any(text in line for line in lines)

    wait_for(lambda: told(b"does not take its events"), 10.0, "the news")
    assert "refused" in outlet_of(outlets, "far").row().error.lower()
    assert not outlets.idle
    Failing.away = False
    outlets.try_again()
    wait_for(lambda: told(b"takes its events again"), 10.0, "the end of it")

    assert 2 == len(lines)
    wait_for(lambda: outlets.idle, 10.0, "the queue")


def test_a_process_that_is_let_go_and_does_not_end_is_killed(place, routed, wait_for, monkeypatch):
    """When its time is over, in whatever call it is."""
    monkeypatch.setenv("APARTSIDE", str(place.job.path.parent))
    monkeypatch.syspath_prepend(str(Path(apartside.__file__).parent))
    monkeypatch.setattr(route, "LET_GO_S", 0.1)
    outlets = routed({"type": "callable", "target": "apartside:hold", "timeout": "0 s"})
    batch(place, (20, "shop"))
    pid = int(wait_for(lambda: apartside.left(place.job.path.parent, "held"), 40.0, "a call")[0])
    outlets.take_up(setting({"name": "other"}))
    wait_for(lambda: outlets.look(time.monotonic(), last=True) or not outlets._leaving, 20.0, "it")
    wait_for(lambda: not Path("/proc", str(pid)).exists(), 20.0, "its end")


def test_what_cannot_be_had_in_its_process_is_off_and_told_once(place, routed, wait_for):
    """Its events are refused, and go to its fallback; by hand it is looked at again."""
    table = {"type": "callable", "target": "nowhere:at_all", "name": "mine", "fallback": "second"}
    outlets = routed(table, {"name": "second", "standby": "on"})
    batch(place, (20, "shop"), (40, "shop"))
    events_of(outlets, "second", wait_for, 2)
    assert outlets.look(0.0, last=True) is outlets.look(0.0, last=True) is None
    row = outlet_of(outlets, "mine").row()
    assert ("off", "ModuleNotFoundError") == (row.breaker, row.error[:19])
    told = b"".join(place.job.sinks[0].lines)
    assert 1 == told.count(b"cannot be had: ModuleNotFoundError")
    outlets.try_again()
    assert not outlet_of(outlets, "mine").problem


def test_what_cannot_be_made_is_off(place, routed):
    """What it would have got is counted as dropped."""
    outlets = routed({"type": "callable", "target": "carried:nobody", "name": "mine"})
    batch(place, (20, "shop"))
    row = outlet_of(outlets, "mine").row()

    assert ("off", 1, 0) == (row.breaker, row.dropped, row.owed)
    assert "is not here" in row.error
    assert b"cannot be had" in place.job.sinks[0].lines[0]


def test_a_setting_that_is_broken_stops_no_writer(place):
    """It is told, and the files go on."""
    use(place, '[{"type": "nothing"}]')
    route_anew(place.job)

    assert place.job.outlets is None
    assert b"the sinks cannot be had" in place.job.sinks[0].lines[0]


def test_news_of_a_file_goes_to_the_sinks(place, routed, wait_for):
    """As to the files themselves."""
    outlets = routed({"name": "all"})
    sink = place.job.sinks[0]
    sink.notices.append(("truncated", 3, 0))
    announce.tell_of_file(place.job, sink, 1)
    batch(place)
    (one,) = events_of(outlets, "all", wait_for, 1)

    assert ("mplog.file", "truncated") == (one.event.fields["event_name"], one.event.fields["what"])


def test_no_secret_reaches_a_sink(place, routed, wait_for):
    """Neither of an event nor of a notice, which may hold a dead process's traceback."""
    outlets = routed({"name": "all"})
    producer = place.producer()
    assert producer.publish(20, ENCODER.encode(Event("shop", "password=hunter2canary")))
    keys = {"exception.stacktrace": "login('x', password='hunter2canary')"}
    announce.announce(place.job, 30, "mplog.test", "it died with token=hunter2canary", keys)
    batch(place)
    shown = events_of(outlets, "all", wait_for, 2)

    assert 2 == len(shown)
    assert "hunter2canary" not in repr(shown)


def test_a_redaction_that_fails_leaves_no_text(place, routed, wait_for, monkeypatch):
    """And the writer goes on."""
    outlets = routed({"name": "all"})
    monkeypatch.setattr("mplog.writer.route.hide", lambda *_: 1 / 0)
    batch(place, (20, "shop"))
    (one,) = events_of(outlets, "all", wait_for, 1)

    assert (1, "unreadable event") == (one.stamped.seq, one.event.template)


def test_the_board_reads_a_spool_in_one_piece(routed, monkeypatch):
    """Read beside the thread that moves it on, less than nothing could wait there."""
    outlets, held = routed({"name": "all", "spool": "1 MB"}), []
    outlet = outlet_of(outlets, "all")
    lock = outlet.chain.queue._changed

    def waiting(spool):
        held.append(lock._is_owned())
        return 3

    monkeypatch.setattr("mplog.resilience.spool.Spool.waiting", property(waiting))
    row = outlet.row()

    assert (3, 0) == (row.spooled, row.queued)
    assert {True} == set(held)


def test_the_files_are_told_what_a_sink_has_lost(place, routed, wait_for):
    """Also of one that will never take anything; it is not told of that itself."""
    outlets = routed({"name": "full", "queue": 1, "batch": 1}, {"name": "other"})
    queue = outlet_of(outlets, "full").chain.queue
    with queue._changed:  # nothing leaves it meanwhile
        batch(place, (20, "shop"), (20, "shop"), (20, "shop"))
    wait_for(lambda: queue.counts.dropped, 10.0, "a loss")
    outlets.look(1e9)
    lines = place.job.sinks[0].lines
    (told,) = [line for line in lines if b"mplog.sink.drop" in line]

    assert b"sink full: " in told
    assert b"events dropped: " in told
    outlets.collect(0)
    assert [0, 1] == [len(held) for held in outlets._batch]
    outlets.deliver()

"""What waits for a sink is bounded, in order, and adds up."""

from __future__ import annotations

import tracemalloc

import pytest
from given import WALL_NS, event, events, numbers, put, take, told
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mplog.resilience.backlog import HELD_BYTES, Backlog
from mplog.resilience.store import Limits, held


def test_an_event_comes_out_as_it_went_in():
    """Waiting changes nothing."""
    backlog = Backlog(Limits())
    put(backlog, [event(7)])

    assert [event(7)] == take(backlog)


def test_the_last_eighth_is_for_warnings():
    """Of a full queue DEBUG and INFO are dropped first; WARNING and above still find room."""
    backlog = Backlog(Limits(max_events=80))
    put(backlog, events(100))
    put(backlog, events(8, first=101, level=40))

    assert 70 + 8 == backlog.counts.in_flight
    assert {"queue_full": {"INFO": 30}} == backlog.counts.reasons

    put(backlog, events(8, first=201, level=40))

    assert {"queue_full": {"INFO": 30, "ERROR": 6}} == backlog.counts.reasons


def test_the_bound_in_bytes_holds_for_real_memory():
    """Events whose decoded form is many times their bytes take no more than the bound."""
    limits = Limits(max_events=1_000_000, max_bytes=4 << 20)
    backlog = Backlog(limits)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for seq in range(20_000):
            one = event(seq, 40)
            one.event.fields["zeros"] = [0] * 500
            backlog.put([held(one)], 0.0)
        used = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()

    assert backlog.counts.dropped > 0
    assert used <= limits.max_bytes


def test_an_event_that_is_larger_than_the_queue_is_dropped_and_told():
    """It cannot wait for room that will never be."""
    backlog = Backlog(Limits(max_bytes=4_000))
    put(backlog, [event(1, text="x" * 5_000), event(2)])

    batch = take(backlog)

    assert [2] == numbers(batch)
    assert 1 == told(batch)


def test_a_batch_waits_for_company_but_not_for_long():
    """N events or T ms, whichever comes first."""
    backlog = Backlog(Limits(batch_events=3, batch_s=0.2))

    assert backlog.due_s(0.0) is None
    put(backlog, events(2), 10.0)
    assert backlog.due_s(10.0) == pytest.approx(0.2)
    assert backlog.due_s(10.3) == 0.0
    put(backlog, events(1, first=3), 10.05)
    assert backlog.due_s(10.05) == 0.0


def test_what_came_during_a_write_waits_no_longer_for_it():
    """The wait of an event is counted from its own arrival, whatever goes before it."""
    backlog = Backlog(Limits(batch_events=100, batch_s=0.2))
    put(backlog, events(2), 10.0)
    take(backlog, 10.2)
    put(backlog, events(1, first=3), 10.25)
    put(backlog, events(1, first=4), 10.35)
    backlog.settle(2, 10.4)

    assert backlog.due_s(10.4) == pytest.approx(0.05)


def test_a_batch_is_bounded_in_bytes():
    """One event may be larger than a batch, two may not."""
    backlog = Backlog(Limits(batch_bytes=1_000))
    put(backlog, [event(1, text="x" * 2_000), event(2), event(3)])

    assert [1] == numbers(take(backlog))
    backlog.settle(1, 0.0)
    assert [2, 3] == numbers(take(backlog))


def test_what_has_failed_is_taken_again_from_where_it_was_left():
    """`done` events are through; the others come again, in order, before newer ones."""
    backlog = Backlog(Limits())
    put(backlog, events(5))
    take(backlog)
    backlog.settle(2, 0.0)
    put(backlog, events(1, first=6))

    assert [3, 4, 5, 6] == numbers(take(backlog))


def test_one_bad_event_is_found_and_dropped_alone():
    """A far side that refuses a batch gets smaller ones until the event is found."""
    backlog = Backlog(Limits(batch_events=100))
    put(backlog, events(100))
    got, calls = [], 0
    while backlog.counts.in_flight:
        batch = take(backlog)
        calls += 1
        bad = 41 in numbers(batch)
        got += [] if bad else numbers(batch)
        backlog.settle(0 if bad else len(batch), 0.0, "refused" if bad else "")

    assert [n for n in range(1, 101) if n != 41] == got
    assert {"refused": {"INFO": 1}} == backlog.counts.reasons
    assert calls < 30


def test_a_loss_is_told_in_the_words_of_every_loss():
    """The notice says how many, why, of which levels, and between which times."""
    backlog = Backlog(Limits(max_events=8), name="loki")
    put(backlog, events(9))

    (notice, *_) = take(backlog)

    assert "mplog" == notice.event.logger
    assert notice.event.template.startswith("2 events dropped: queue full, INFO 2, between 2023-")
    assert "mplog.sink.drop" == notice.event.fields["event_name"]
    assert "loki" == notice.event.fields["sink"]
    assert {"queue_full": {"INFO": 2}} == notice.event.fields["reasons"]


def test_a_loss_is_told_once_and_again_only_if_nobody_took_it():
    """A notice that has not gone through is kept and told with what is lost later."""
    backlog = Backlog(Limits(max_events=8))
    put(backlog, events(9))
    assert 2 == told(take(backlog))
    backlog.settle(0, 0.0)
    put(backlog, events(1, first=10))

    assert 3 == told(take(backlog, now_s=2.0))
    backlog.settle(8, 2.0)
    assert 0 == told(take(backlog, now_s=9.0))


def test_a_notice_that_nobody_wants_does_not_stand_in_the_way():
    """A far side that refuses the notice itself still gets the events."""
    backlog = Backlog(Limits(max_events=8))
    put(backlog, events(9))
    got = []
    for round_ in range(40):
        batch = take(backlog, float(round_))
        bad = told(batch) > 0
        got += [] if bad else numbers(batch)
        backlog.settle(0 if bad else len(batch), float(round_), "refused" if bad else "")

    assert list(range(1, 8)) == got
    assert backlog.due_s(99.0) is None


def test_what_a_fallback_has_lost_is_no_delivery():
    """The sum holds also where a write succeeds and has lost events."""
    backlog = Backlog(Limits())
    put(backlog, events(5))
    batch = take(backlog)
    backlog.write_off(batch[3:], "no_sink_left", 0.0)

    assert 3 == backlog.counts.in_flight
    backlog.settle(5, 0.0)

    counts = backlog.counts
    assert (3, 2, 0) == (counts.delivered, counts.dropped, counts.in_flight)


def test_pressure_is_told_once_on_its_way_up_and_once_down():
    """It begins at the threshold, and ends well below it."""
    backlog = Backlog(Limits(max_events=100, pressure=0.5))
    crossings = []
    for seq in range(1, 81):
        put(backlog, [event(seq)])
        crossings.append(backlog.crossing())
    while backlog.counts.in_flight:
        backlog.take(0.0, WALL_NS)
        backlog.settle(1, 0.0)
        crossings.append(backlog.crossing())

    assert [True, False] == [c for c in crossings if c is not None]
    assert 49 == crossings.index(True)
    assert 80 + 42 == crossings.index(False)


class Queueing(RuleBasedStateMachine):
    """A queue under everything at once, and a reader who counts for himself."""

    @initialize(
        most=st.integers(1, 40),
        most_bytes=st.integers(HELD_BYTES, 30_000),
        batch=st.integers(1, 9),
    )
    def begin(self, most, most_bytes, batch):
        self.limits = Limits(most, most_bytes, batch, 3_000)
        self.backlog = Backlog(self.limits, "s")
        self.now_s, self.seq, self.told, self.forgotten = 0.0, 0, 0, 0
        self.got: list[int] = []

    @rule(
        count=st.integers(1, 30), level=st.sampled_from([10, 20, 30, 50]), size=st.integers(0, 900)
    )
    def put(self, count, level, size):
        batch = events(count, self.seq + 1, level, "x" * size)
        self.seq += count
        put(self.backlog, batch, self.now_s)

    @rule(seconds=st.floats(0, 3))
    def wait(self, seconds):
        self.now_s += seconds

    def _write(self, done_of):
        batch = take(self.backlog, self.now_s)
        done = done_of(len(batch))
        self.got += numbers(batch[:done])
        self.told += told(batch[:done])
        return batch, done

    @rule()
    def succeed(self):
        _, done = self._write(lambda n: n)
        self.backlog.settle(done, self.now_s)

    @rule(part=st.floats(0, 1), refused=st.booleans())
    def fail(self, part, refused):
        batch, done = self._write(lambda n: int(n * part))
        before = self.backlog.counts.dropped
        if refused and len(batch) - done == 1:
            self.forgotten += told(batch[done:])
        self.backlog.settle(done, self.now_s, "refused" if refused else "")
        lost = self.backlog.counts.dropped - before
        assert lost <= (refused and len(batch) - done == 1)

    @precondition(lambda self: self.backlog.counts.in_flight)
    @rule(part=st.floats(0, 1))
    def lose_behind_a_fallback(self, part):
        batch = take(self.backlog, self.now_s)
        kept = int(len(batch) * part)
        self.got += numbers(batch[:kept])
        self.told += told(batch[:kept])
        self.backlog.write_off(batch[kept:], "no_sink_left", self.now_s)
        self.backlog.settle(len(batch), self.now_s)

    @invariant()
    def adds_up(self):
        counts = self.backlog.counts
        assert counts.accepted == self.seq
        assert counts.accepted == counts.delivered + counts.dropped + counts.in_flight
        assert counts.delivered == len(self.got)

    @invariant()
    def keeps_its_bounds(self):
        counts = self.backlog.counts
        assert counts.in_flight <= self.limits.max_events
        assert counts.in_flight_bytes <= self.limits.max_bytes

    @invariant()
    def keeps_the_order(self):
        assert self.got == sorted(set(self.got))

    def teardown(self):
        if not hasattr(self, "backlog"):
            return
        for _ in range(200):
            self.now_s += 1.0
            self.succeed()
        counts = self.backlog.counts
        assert 0 == counts.in_flight
        assert self.backlog.due_s(self.now_s) is None
        assert counts.dropped == self.told + self.forgotten


Queueing.TestCase.settings = settings(max_examples=100, stateful_step_count=25, deadline=None)
TestQueueing = Queueing.TestCase

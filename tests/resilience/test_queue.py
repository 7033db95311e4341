"""A sink's own queue and thread: nobody waits for it, and everything adds up."""

from __future__ import annotations

import threading
import time

import pytest
from given import event, events, numbers, told

from mplog.resilience.backlog import Backlog
from mplog.resilience.queue import Hooks, Queue
from mplog.resilience.store import Limits
from mplog.testing import FlakySink, fail, hang

QUICK = Limits(batch_s=0.01)
LONG_S = 20.0


def soon():
    """A deadline that is only met by what does not end."""
    return time.monotonic() + LONG_S


@pytest.fixture
def opened():
    """Opens queues, and closes them at the end."""
    queues, sinks = [], []

    def _opened(sink, limits=QUICK, **more):
        queue = Queue(sink, Backlog(limits, "s"), **more)
        queue.open()
        queues.append(queue)
        sinks.append(sink)
        return queue

    yield _opened
    for sink in sinks:
        sink.release()
    for queue in queues:
        queue.close("immediate")
        queue.join(LONG_S)


def test_events_come_out_in_order(opened):
    """All of them, once."""
    sink = FlakySink()
    queue = opened(sink)
    for first in range(1, 1001, 10):
        queue.put(events(10, first))

    assert queue.drain(soon())
    assert list(range(1, 1001)) == numbers(sink.got)


def test_a_hanging_sink_holds_nobody(opened, wait_for):
    """`put` goes on, memory stays within its bound, and the loss is counted."""
    sink = FlakySink(hang())
    queue = opened(sink, Limits(max_events=100, batch_s=0.0))
    queue.put([event(1)])
    wait_for(sink.hanging.is_set)
    queue.put(events(1000, first=2))

    counts = queue.counts
    assert 1001 == counts.accepted == counts.delivered + counts.dropped + counts.in_flight
    assert 88 >= counts.in_flight

    sink.release()
    assert queue.drain(soon())
    assert 1001 == len(numbers(sink.got)) + told(sink.got)


def test_a_hanging_sink_cannot_hold_the_close(opened, wait_for):
    """The thread is left behind after the time-out, and what it holds is told as left."""
    sink = FlakySink(hang())
    queue = opened(sink)
    queue.put(events(3))
    wait_for(sink.hanging.is_set)

    queue.close("graceful", timeout_s=0.05)

    report = queue.report()
    assert (0, 3, 0) == (report.delivered, report.left, report.dropped)
    assert "in a write that does not return" == report.where


def test_an_immediate_close_gives_up_what_waits(opened):
    """Nothing is waited for; it is counted."""
    sink = FlakySink()
    queue = opened(sink, Limits(batch_s=3600.0))
    queue.put(events(3))

    queue.close("immediate")

    assert {"shutdown": {"INFO": 3}} == queue.counts.reasons
    assert "close" == sink.calls[-1]


def test_a_flush_hands_everything_over_once(opened):
    """A failure ends it: what could not be delivered is given up."""
    sink = FlakySink()
    queue = opened(sink, Limits(batch_s=3600.0))
    queue.put(events(3))
    queue.close("flush")
    assert [1, 2, 3] == numbers(sink.got)

    sink = FlakySink(fail(99))
    queue = opened(sink, Limits(batch_s=3600.0))
    queue.put(events(3))
    queue.close("flush", timeout_s=LONG_S)

    assert {"shutdown": {"INFO": 3}} == queue.counts.reasons
    assert 1 == sink.calls.count("write")


def test_a_graceful_close_tries_again_until_its_time_is_over(opened):
    """A far side that comes back in time gets everything."""
    sink = FlakySink(fail(3))
    queue = opened(sink)
    queue.put(events(3))
    queue.close("graceful", timeout_s=LONG_S)

    assert [1, 2, 3] == numbers(sink.got)
    assert 0 == queue.report().left


def test_a_far_side_that_is_down_for_a_while_gets_all_of_it_in_order(opened, wait_for):
    """What waits is held, not dropped."""
    sink = FlakySink()
    sink.down = ConnectionRefusedError()
    queue = opened(sink)
    queue.put(events(100))
    wait_for(lambda: len(sink.calls) > 2)
    sink.down = None
    queue.put(events(100, first=101))

    assert queue.drain(soon())
    assert list(range(1, 201)) == numbers(sink.got)


def test_the_loss_is_told_as_soon_as_the_sink_takes_anything(opened, wait_for):
    """The notice comes before what is delivered after the outage."""
    sink = FlakySink()
    sink.down = ConnectionRefusedError()
    queue = opened(sink, Limits(max_events=8, batch_s=0.0))
    queue.put(events(20))
    wait_for(lambda: len(sink.calls) > 2)
    sink.down = None
    assert queue.drain(soon())

    assert 13 == told(sink.got)
    assert list(range(1, 8)) == numbers(sink.got)


def test_a_sink_that_fails_for_an_event_loses_that_event_alone(opened):
    """A fault in a sink is not tried again, and is told to whoever listens."""
    errors = []
    sink = FlakySink()
    sink.refuses = lambda one: TypeError("a bug") if one.id[1] == 3 else None
    queue = opened(sink, hooks=Hooks(trouble=lambda error, counts: errors.append(error)))
    queue.put(events(5))
    assert queue.drain(soon())

    assert [1, 2, 4, 5] == numbers(sink.got)
    assert {"failed": {"INFO": 1}} == queue.counts.reasons
    assert {TypeError} == {type(error) for error in errors}


def test_pressure_is_told_up_and_down(opened, wait_for):
    """Once each, and a listener that raises harms nothing."""
    told_ = []

    def listener(strained, counts):
        told_.append(strained)
        raise RuntimeError

    sink = FlakySink(hang())
    queue = opened(
        sink, Limits(max_events=100, batch_s=0.0, batch_events=5), hooks=Hooks(pressure=listener)
    )
    queue.put(events(85))
    wait_for(sink.hanging.is_set)
    sink.release()
    assert queue.drain(soon())

    assert [True, False] == told_


def test_a_queue_can_be_opened_again(opened):
    """After a close it takes events as before."""
    sink = FlakySink()
    queue = opened(sink)
    queue.put(events(2))
    queue.close("flush")
    queue.open()
    queue.put(events(2, first=3))

    assert queue.drain(soon())
    assert [1, 2, 3, 4] == numbers(sink.got)
    assert 2 == sink.calls.count("open")


def test_no_thread_is_left_after_a_close(opened):
    """Of a sink that is well."""
    before = set(threading.enumerate())
    queue = opened(FlakySink())
    queue.put(events(2))
    assert set(threading.enumerate()) - before
    queue.close("flush")

    assert set() == set(threading.enumerate()) - before


def test_each_drain_has_its_own_deadline(opened, wait_for):
    """One that gives up does not tell another one that all is well."""
    sink = FlakySink(hang())
    queue = opened(sink, Limits(batch_s=0.0))
    queue.put([event(1)])
    wait_for(sink.hanging.is_set)
    found = []
    thread = threading.Thread(target=lambda: found.append(queue.drain(soon())))
    thread.start()
    assert not queue.drain(time.monotonic())
    assert not queue.drain(time.monotonic() + 0.01)
    assert [] == found
    sink.release()
    thread.join(LONG_S)

    assert [True] == found


def test_a_flush_that_has_a_fault_is_not_asked_for_without_end(opened):
    """It is tried again after a pause, and the drain ends at its deadline."""
    sink = FlakySink()
    asked = []

    def flush():
        asked.append(1)
        raise TypeError("a bug")

    sink.flush = flush
    queue = opened(sink)
    queue.put([event(1)])

    drains = 0
    while not asked:  # at the first one, if the machine is not busy
        assert not queue.drain(time.monotonic() + 0.3)
        drains += 1
    assert 1 <= len(asked) < 20 * drains
    assert [1] == numbers(sink.got)


def test_a_store_that_fails_does_not_end_the_thread(opened, monkeypatch):
    """Whatever it raises; what waits is delivered when it is well."""
    sink, errors = FlakySink(), []
    queue = opened(sink, hooks=Hooks(trouble=lambda error, counts: errors.append(error)))
    take = queue._store.take

    def failing(*args):
        if len(errors) < 2:
            raise MemoryError
        return take(*args)

    monkeypatch.setattr(queue._store, "take", failing)
    queue.put([event(1)])

    assert queue.drain(soon())
    assert [1] == numbers(sink.got)
    assert [MemoryError, MemoryError] == [type(error) for error in errors]

"""A queue whose events outlast the process, and whose disk may fail."""

from __future__ import annotations

import errno
import time

import pytest
from given import adds_up, events, numbers, put, spooled_in, take, told

from mplog.resilience.queue import Hooks, Queue
from mplog.resilience.spool import Spool
from mplog.resilience.spool_rules import SpoolRules
from mplog.testing import FlakySink, hang

LONG_S = 20.0


def failing(monkeypatch, spool, error=errno.ENOSPC):
    """A disk that takes nothing while what this returns says so."""
    bad = [True]
    append = spool.append

    def maybe(batch):
        if bad:
            raise OSError(error, "no space left on device")
        append(batch)

    monkeypatch.setattr(spool, "append", maybe)
    return bad


def test_what_was_not_delivered_is_delivered_by_the_next_process(tmp_path, wait_for):
    """The report says that it is left, and where."""
    sink = FlakySink()
    sink.down = ConnectionRefusedError()
    queue = Queue(sink, spooled_in(tmp_path, batch_s=0.01))
    queue.open()
    queue.put(events(50))
    wait_for(lambda: len(sink.calls) > 2)
    queue.close("flush")
    report = queue.report()
    assert (0, 50, 0) == (report.delivered, report.left, report.dropped)
    assert f"in the spool {tmp_path}/spool" == report.where

    sink = FlakySink()
    queue = Queue(sink, spooled_in(tmp_path, batch_s=0.01))
    queue.open()
    queue.put(events(50, 51))
    assert queue.drain(time.monotonic() + LONG_S)
    queue.close("flush")

    assert list(range(1, 101)) == numbers(sink.got)
    report = queue.report()
    assert (100, 0, 0) == (report.delivered, report.left, report.dropped)


def test_a_repetition_after_a_kill_is_neither_accepted_nor_delivered_again(tmp_path):
    """The sum is about events, not about how often they came."""
    store = spooled_in(tmp_path)
    put(store, events(5))
    store.give_up("shutdown")
    store = spooled_in(tmp_path)
    put(store, events(8))

    assert [1, 2, 3, 4, 5, 6, 7, 8] == numbers(take(store))
    assert 8 == store.counts.accepted


def test_a_full_disk_sends_events_into_memory_and_back(tmp_path, monkeypatch):
    """In order; the error is told, and the disk is tried again a second later."""
    store = spooled_in(tmp_path)
    put(store, events(3))
    bad = failing(monkeypatch, store._spool)
    put(store, events(3, 4))
    assert errno.ENOSPC == store.trouble.errno
    put(store, events(3, 7), 0.5)
    bad.clear()
    put(store, events(1, 10), 0.9)
    assert 3 == store._spool.waiting
    put(store, events(1, 11), 1.1)
    assert 11 == store._spool.waiting
    assert adds_up(store)

    assert list(range(1, 12)) == numbers(take(store, 1.1))


def test_memory_is_delivered_behind_the_spool_while_the_disk_stays_full(tmp_path, monkeypatch):
    """Nobody waits for the disk."""
    store = spooled_in(tmp_path, batch_events=4)
    put(store, events(3))
    failing(monkeypatch, store._spool)
    put(store, events(7, 4))
    got = []
    while batch := take(store):
        got += numbers(batch)
        store.settle(len(batch), 0.0)
        assert adds_up(store)

    assert list(range(1, 11)) == got


def test_memory_has_its_bound_and_the_loss_is_told(tmp_path, monkeypatch):
    """A full disk and a dead far side end in a counted drop."""
    store = spooled_in(tmp_path, max_events=8)
    failing(monkeypatch, store._spool)
    put(store, events(20))

    assert {"queue_full": {"INFO": 13}} == store.counts.reasons
    assert adds_up(store)
    assert 13 == told(take(store))


def test_the_losses_of_the_spool_are_told_to_the_sink(tmp_path):
    """A spool that is full drops its oldest segment, and says so."""
    store = spooled_in(
        tmp_path, SpoolRules(max_bytes=10_000, segment_bytes=1_000), batch_events=1000
    )
    for first in range(1, 401, 4):
        put(store, events(4, first))
    assert adds_up(store)
    lost = store.counts.dropped
    assert lost > 100
    batch = take(store)

    assert lost == told(batch)
    assert "spool full, INFO" in batch[0].event.template
    assert list(range(lost + 1, 401)) == numbers(batch)


def test_a_spool_that_cannot_be_opened_is_memory_until_it_can(tmp_path):
    """The path is a file; when that is gone, what waits moves to the disk."""
    (tmp_path / "spool").write_text("in the way")
    store = spooled_in(tmp_path)
    assert errno.ENOTDIR == store.trouble.errno
    put(store, events(3), 0.5)
    (tmp_path / "spool").unlink()
    put(store, events(3, 4), 5.0)

    assert 6 == store._spool.waiting
    assert [1, 2, 3, 4, 5, 6] == numbers(take(store, 5.0))


def test_a_disk_that_cannot_be_read_is_tried_again(tmp_path, monkeypatch, wait_for):
    """The events stay where they are, and the thread does not spin."""
    store = spooled_in(tmp_path, batch_s=0.0)
    reads = []
    read = store._spool.read

    def maybe(most, most_bytes):
        reads.append(most)
        if len(reads) < 3:
            raise OSError(errno.EIO, "input/output error")
        return read(most, most_bytes)

    monkeypatch.setattr(store._spool, "read", maybe)
    sink = FlakySink()
    queue = Queue(sink, store)
    queue.open()
    queue.put(events(3))
    assert queue.drain(time.monotonic() + LONG_S)
    queue.close("flush")

    assert [1, 2, 3] == numbers(sink.got)
    assert len(reads) < 20


def test_a_far_side_that_hangs_leaves_the_spool_to_the_next(tmp_path, wait_for):
    """The thread is left behind with its batch; the events are where they were."""
    sink, errors = FlakySink(hang()), []
    queue = Queue(
        sink,
        spooled_in(tmp_path, batch_s=0.0),
        hooks=Hooks(trouble=lambda error, counts: errors.append(error)),
    )
    queue.open()
    queue.put(events(3))
    wait_for(sink.hanging.is_set)
    queue.close("graceful", 0.05)
    assert 3 == queue.report().left

    spool = queue._store._spool
    with pytest.raises(OSError, match="another writer"):
        Spool(tmp_path / "spool").open()
    spool.close()  # as its process's end does
    assert [1, 2, 3] == numbers(take(spooled_in(tmp_path)))
    sink.release()
    assert queue.join(LONG_S)


def test_an_event_is_refused_while_the_disk_cannot_be_read(tmp_path, monkeypatch):
    """It is found again, and dropped then; the sum holds meanwhile."""
    store = spooled_in(tmp_path, batch_events=1)
    put(store, events(2))
    assert [1] == numbers(take(store))

    def failing(most, most_bytes):
        raise OSError(errno.EIO, "input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(store._spool, "read", failing)
        store.settle(0, 0.0, "refused")
        assert adds_up(store)
    assert [1] == numbers(take(store, 2.0))
    store.settle(0, 2.0, "refused")

    assert 1 == told(take(store, 9.0))
    store.settle(1, 9.0)
    assert [2] == numbers(take(store, 9.0))
    assert {"refused": {"INFO": 1}} == store.counts.reasons
    assert adds_up(store)


def test_what_is_being_delivered_out_of_memory_does_not_go_to_the_disk_too(tmp_path, monkeypatch):
    """The disk is well again in the middle of a write: nothing is delivered twice."""
    store = spooled_in(tmp_path)
    bad = failing(monkeypatch, store._spool)
    put(store, events(3))
    batch = take(store)
    bad.clear()
    put(store, events(2, 4), now_s=5.0)
    store.settle(len(batch), 5.0)
    put(store, events(1, 6), now_s=10.0)
    rest = take(store, 10.0)

    assert ([1, 2, 3], [4, 5, 6]) == (numbers(batch), numbers(rest))
    assert adds_up(store)


def test_what_only_memory_has_is_lost_with_the_process_and_counted(tmp_path, monkeypatch):
    """What stands in the spool stays there."""
    store = spooled_in(tmp_path)
    put(store, events(2))
    failing(monkeypatch, store._spool)
    put(store, events(3, 3))
    store.give_up("shutdown")

    assert {"shutdown": {"INFO": 3}} == store.counts.reasons
    assert [1, 2] == numbers(take(spooled_in(tmp_path), 1.0))

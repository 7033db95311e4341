"""When a batch out of a spool is due, and what that is to be known by."""

from __future__ import annotations

import tracemalloc

from given import events, numbers, put, spooled_in, take

from mplog.resilience.spool_rules import SpoolRules


def test_an_event_waits_for_others_also_after_the_spool_was_full(tmp_path):
    """As long as any other: what was dropped has taken the times of its arrival along."""
    store = spooled_in(tmp_path, SpoolRules(max_bytes=10_000, segment_bytes=1_000), batch_s=2.0)
    for first in range(1, 401, 4):
        put(store, events(4, first), float(first))
    while batch := take(store, 500.0):
        store.settle(len(batch), 500.0)
    put(store, events(1, 401), 600.0)

    assert 2.0 == store.due_s(600.0)
    assert 0.5 == store.due_s(601.5)


def test_an_event_waits_for_others_also_after_what_a_killed_writer_has_left(tmp_path):
    """What was there before has not come in this one's time, and is due at once."""
    first = spooled_in(tmp_path)
    put(first, events(20))
    first.give_up("gone")
    store = spooled_in(tmp_path, batch_s=2.0)
    assert 0.0 == store.due_s(10.0)
    put(store, events(1, 21), 10.0)
    batch = take(store, 10.0)
    store.settle(len(batch), 10.0)
    put(store, events(3, 22), 20.0)
    take(store, 20.0)
    store.settle(1, 20.0)

    assert list(range(1, 22)) == numbers(batch)
    assert 2.0 == store.due_s(20.0)


def test_what_waits_on_the_disk_takes_no_memory(tmp_path):
    """Thousands of events, each come by itself, or come and dropped for others."""
    rules = SpoolRules(max_bytes=1 << 20, segment_bytes=100_000)
    store = spooled_in(tmp_path, rules, batch_events=50)
    used = []
    tracemalloc.start()
    try:
        for seq in range(1, 20_001):
            put(store, events(1, seq), seq / 10)
            if seq in (10_000, 15_000, 20_000):
                used.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()

    assert store.counts.dropped > 5_000 < store.counts.in_flight
    assert max(used) - used[0] < 100_000

"""What waits in a spool, and what it has lost, is counted once."""

from __future__ import annotations

from disk import MUCH, append, drained, opened, read, segments
from given import events

from mplog.resilience.spool_rules import SpoolRules


def test_a_segment_that_is_done_and_gone_does_not_count(tmp_path):
    """The bytes that wait are those of what follows it."""
    spool = opened(tmp_path)
    first = 1
    while len(segments(tmp_path)) < 2:
        append(spool, events(1, first))
        first += 1
    spool.ack(len(read(spool, first - 2)), 0.0)
    waiting = len(segments(tmp_path)), spool.waiting, spool.waiting_bytes

    assert (1, 1, spool.size_bytes) == waiting


def test_what_is_lost_behind_two_batches_that_are_under_way_counts_once(tmp_path):
    """The spool is full, and stays so, while one batch after the other is being delivered."""
    spool = opened(tmp_path, SpoolRules(max_bytes=4_000, segment_bytes=500))
    got, dropped, appended = 0, 0, append(spool, events(5))
    for most in (3, 4, 5):
        taken = len(spool.read(most, MUCH))
        appended += sum(append(spool, events(5, appended + 1 + n)) for n in range(0, 60, 5))
        spool.ack(taken, 0.0)
        got += taken
        dropped += sum(sum(loss.levels.values()) for loss in spool.losses())
        assert appended == got + dropped + spool.waiting
    got += len(drained(spool))
    dropped += sum(sum(loss.levels.values()) for loss in spool.losses())

    assert appended == got + dropped
    assert dropped

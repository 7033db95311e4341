"""A process starts a writer again at once, or after pauses that grow with what went wrong."""

from __future__ import annotations

from mplog.producer.starts import KILLED_PAUSE_S, LONGEST_PAUSE_S, STEADY_S, Starts

NONE = 0, (1, 1)  # batches of a bell


def pauses(said, count=8, done=NONE):
    """Seconds that passed before each further start."""
    starts, now, found = Starts(), 1000.0, []
    assert starts.due(now, done)
    for _ in range(count):
        starts.started(now, done, said)
        began = now
        while not starts.due(now, done):
            now += 0.25
        found.append(now - began)
    return found, starts


def test_pauses_grow_while_starts_fail_and_say_why():
    """Doubling, up to the longest."""
    found, starts = pauses("ImportError: no module")
    assert [1.0, 2.0, 4.0, 8.0, 16.0] == found[:5]
    assert LONGEST_PAUSE_S == found[-1]
    assert 8 == starts.failed


def test_pauses_stay_short_while_writers_are_killed():
    """Who leaves no word was not at fault: events wait for a moment only."""
    assert [1.0, *[KILLED_PAUSE_S] * 7] == pauses("")[0]


def test_no_pause_after_a_writer_that_has_delivered():
    """Or that was not missed for a long time."""
    starts = Starts()
    for _ in range(4):
        starts.started(1000.0, (7, (1, 1)), "why")
    assert not starts.due(1000.5, (7, (1, 1)))
    assert starts.due(1000.5, (8, (1, 1)))
    assert 0 == starts.failed
    starts.started(2000.0, (8, (1, 1)), "why")
    assert starts.due(2000.0 + STEADY_S + 1, (8, (1, 1)))


def test_no_pause_after_a_writer_that_has_taken_the_service_down():
    """It had delivered all there was; the next life of the service begins with nothing done."""
    starts = Starts()
    for life in range(1, 9):
        assert starts.due(1000.0, (0, (1, life)))
        starts.started(1000.0, (0, (1, life)), "")
    assert 1 == starts.failed


def test_a_start_that_is_refused_is_tried_again_after_some_seconds():
    """It is the system that refuses."""
    starts = Starts()
    starts.refused(1000.0, NONE)
    assert not starts.due(1004.0, NONE)
    assert starts.due(1005.0, NONE)

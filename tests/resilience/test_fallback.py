"""Where events go while their sink is down, and that they come back to it."""

from __future__ import annotations

import itertools

import pytest
from given import event, events, numbers
from hypothesis import given, settings
from hypothesis import strategies as st

from mplog.errors import TargetError
from mplog.resilience.breaker import Breaker, BreakerRules
from mplog.resilience.fallback import NOBODY, Fallback
from mplog.testing import FakeClock, FlakySink, fail


class Scene:
    """A primary behind a breaker, a secondary, and what is told and lost."""

    def __init__(self, primary=None, secondary=None):
        self.primary, self.secondary = primary or FlakySink(), secondary or FlakySink()
        self.clock, self.lines, self.lost = FakeClock(), [], []
        self.breaker = Breaker(self.primary, BreakerRules(failures=1), clock=self.clock)
        self.fallback = Fallback(self.breaker, self.secondary, self.lines.append, clock=self.clock)
        self.fallback.lost = lambda batch, reason: self.lost.append((numbers(batch), reason))
        self.fallback.open()


def test_a_healthy_primary_has_them_all():
    """The secondary is not even opened."""
    scene = Scene()
    scene.fallback.write(events(3))

    assert [1, 2, 3] == numbers(scene.primary.got)
    assert [] == scene.secondary.calls
    assert [] == scene.lines


def test_the_secondary_has_what_the_primary_has_not_taken():
    """From `done` on, and nothing twice."""
    scene = Scene(FlakySink(fail(1, TargetError("gone", done=2), taken=2)))
    scene.fallback.write(events(5))

    assert [1, 2] == numbers(scene.primary.got)
    assert [3, 4, 5] == numbers(scene.secondary.got)
    assert "secondary" == scene.fallback.active
    assert ["gone; events go to the fallback"] == scene.lines


def test_it_goes_back_to_the_primary_when_that_is_well():
    """The breaker's next probe is one event; from there on all go where they belong."""
    scene = Scene()
    scene.primary.down = ConnectionRefusedError(111, "refused")
    scene.fallback.write(events(2))
    scene.fallback.write(events(2, first=3))
    scene.primary.down = None
    scene.clock.advance(1.0)
    scene.fallback.write(events(2, first=5))

    assert [1, 2, 3, 4] == numbers(scene.secondary.got)
    assert [5, 6] == numbers(scene.primary.got)
    assert "primary" == scene.fallback.active
    assert scene.lines[-1].startswith("it is back")


def test_what_nobody_takes_is_told_on_stderr_once_a_second_and_counted():
    """One line a second a kind, however many batches are lost; none is lost uncounted."""
    scene = Scene()
    scene.primary.down = scene.secondary.down = ConnectionRefusedError(111, "refused")
    for n in range(50):
        scene.fallback.write([event(n + 1, text="the disk is on fire")])
        scene.clock.advance(0.05)

    assert [([n + 1], NOBODY) for n in range(50)] == scene.lost
    assert 50 == scene.fallback.counts.dropped
    dropped = [line for line in scene.lines if "dropped" in line]
    assert 3 == len(dropped)
    assert "INFO shop: the disk is on fire" in dropped[0]


def test_one_bad_event_goes_to_the_secondary_alone():
    """A primary that refuses a batch for one event keeps the others, in order."""
    scene = Scene()
    scene.primary.refuses = (
        lambda one: TargetError("400", temporary=False) if one.id[1] == 7 else None
    )
    scene.fallback.write(events(100))

    assert [n for n in range(1, 101) if n != 7] == numbers(scene.primary.got)
    assert [7] == numbers(scene.secondary.got)


def test_a_primary_that_refuses_everything_is_not_asked_for_each_event():
    """A wrong key costs a few calls a batch, not one an event."""
    scene = Scene()
    scene.primary.refuses = lambda one: TargetError("401", temporary=False)
    scene.fallback.write(events(500))

    assert list(range(1, 501)) == numbers(scene.secondary.got)
    assert scene.primary.calls.count("write") < 30


@pytest.mark.parametrize("error", [ConnectionResetError(), TypeError("a bug"), SystemExit(1)])
def test_writing_never_raises(error):
    """Whatever both raise, the queue before them goes on."""
    scene = Scene(FlakySink(fail(9, error)), FlakySink(fail(9, error)))
    scene.fallback.write(events(2))

    assert [1, 2] == sorted(n for batch, _ in scene.lost for n in batch)


@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(1, 6), st.floats(0, 1))),
)
@settings(max_examples=150, deadline=None)
def test_every_event_goes_to_one_place(steps):
    """Under outages of both at any time each event is taken once or lost once, each in order."""
    scene, seq = Scene(), 0
    for primary_down, secondary_down, count, wait_s in steps:
        scene.primary.down = ConnectionResetError() if primary_down else None
        scene.secondary.down = ConnectionResetError() if secondary_down else None
        scene.fallback.write(events(count, first=seq + 1))
        seq += count
        scene.clock.advance(wait_s)
    lost = [n for batch, _ in scene.lost for n in batch]
    places = [numbers(scene.primary.got), numbers(scene.secondary.got), lost]

    assert list(range(1, seq + 1)) == sorted(itertools.chain(*places))
    assert all(place == sorted(place) for place in places)
    counts = scene.fallback.counts
    assert [len(place) for place in places] == [counts.primary, counts.secondary, counts.dropped]


def test_a_primary_that_fails_when_it_has_taken_all_leaves_nothing_for_the_secondary():
    """Nothing is delivered twice for an error that came too late, and nothing is told."""
    scene = Scene(FlakySink(fail(1, TargetError("late", done=3), taken=3)))
    scene.fallback.write(events(3))

    assert [1, 2, 3] == numbers(scene.primary.got)
    assert ([], []) == (scene.secondary.calls, scene.lines)
    assert (3, "primary") == (scene.fallback.counts.primary, scene.fallback.active)


def test_a_flush_is_of_those_that_have_something():
    """The primary while it is well; a secondary that was never needed is not touched."""
    scene = Scene()
    scene.fallback.write(events(1))
    scene.fallback.flush()
    assert "flush" == scene.primary.calls[-1]
    assert [] == scene.secondary.calls

    scene.primary.down = ConnectionRefusedError(111, "refused")
    scene.fallback.write(events(1, first=2))
    before = scene.primary.calls.count("flush")
    scene.fallback.flush()
    assert "flush" == scene.secondary.calls[-1]
    assert before == scene.primary.calls.count("flush")

"""A clock that stands still until a test, or who waits by it, moves it."""

from __future__ import annotations

import pytest

from mplog.testing import FakeClock


def test_both_its_times_go_together():
    """Seconds, and nanoseconds since 1970; by themselves they stand still."""
    clock = FakeClock(now_s=5.0, wall_ns=1_000)
    assert (5.0, 1_000) == (clock.now_s(), clock.wall_ns())
    clock.advance(0.25)

    assert (5.25, 250_001_000) == (clock.now_s(), clock.wall_ns())


def test_it_does_not_go_back():
    """A mistake of the test, told as that; nothing has moved."""
    clock = FakeClock(now_s=5.0)
    with pytest.raises(ValueError, match=r"advance\(-0\.5\)"):
        clock.advance(-0.5)

    assert 5.0 == clock.now_s()


def test_a_wait_takes_its_time_at_once():
    """And none where it was ended, until there are waits again."""
    clock = FakeClock(now_s=5.0)
    pause = clock.pause()
    assert not pause.wait(10.0)
    pause.stop()
    assert pause.wait(10.0)
    assert 15.0 == clock.now_s()
    pause.resume()

    assert not pause.wait(-1.0)
    assert 15.0 == clock.now_s()

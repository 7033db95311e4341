"""The kit finds sinks that hang, keep their errors to themselves, or do nothing when called."""

from __future__ import annotations

import contextlib
import threading

import pytest
from far_side import Kept

from mplog.errors import TargetError
from mplog.testing import SinkFault, check_sink


@pytest.fixture
def kept():
    """A class of its own, what its sinks have got, and whether their far side is there."""
    return type("Mine", (Kept,), {"got": [], "up": True})


@contextlib.contextmanager
def away(kept):
    kept.up = False
    try:
        yield
    finally:
        kept.up = True


def found_in(kept, timeout_s=1.0, **methods):
    """What the kit says of a sink that differs from a good one in these methods."""
    bad = type("Bad", (kept,), methods)
    with pytest.raises(SinkFault) as raised:
        check_sink(bad, lambda: kept.got, lambda: away(kept), timeout_s=timeout_s)
    return str(raised.value)


@pytest.mark.parametrize("name", ["open", "write", "flush", "close"])
def test_a_sink_that_hangs_is_found(kept, name):
    """In whichever call; the kit does not hang with it."""
    released = threading.Event()
    try:
        said = found_in(kept, 0.2, **{name: lambda self, *given: released.wait()})
    finally:
        released.set()

    assert f"{name}() " in said
    assert "does not return within 0.2 s" in said


@pytest.mark.parametrize("when", ["large", "away"])
def test_a_sink_that_hangs_now_and_then_is_found(kept, when):
    """At an event that is hard, or while its far side is away."""
    released = threading.Event()

    def write(self, batch):
        large = any(len(one.event.template) > 1 << 19 for one in batch)
        if large if when == "large" else not self.up:
            released.wait()
        Kept.write(self, batch)

    try:
        said = found_in(kept, 1.0, write=write)
    finally:
        released.set()

    assert "write() does not return within 1 s" in said


@pytest.mark.parametrize("name", ["open", "write", "flush", "close"])
def test_a_sink_that_is_async_is_found(kept, name):
    """Also where nobody looks at what arrives."""

    async def method(self, *given):
        """Nobody awaits it."""

    bad = type("Bad", (kept,), {name: method})
    with pytest.raises(SinkFault, match=f"{name}.. is async"):
        check_sink(bad)


def test_a_sink_that_keeps_its_errors_to_itself_is_found(kept):
    """What it has returned from is nowhere."""

    def write(self, batch):
        if self.up:
            Kept.write(self, batch)

    assert "told as taken during the outage have not arrived" in found_in(kept, write=write)


def test_a_sink_that_tells_more_as_taken_than_it_has_is_found(kept):
    """`done` is believed by its queue."""

    def write(self, batch):
        if not self.up:
            raise TargetError("away", done=1)
        Kept.write(self, batch)

    assert "5 of 5 events that were told as taken" in found_in(kept, write=write)


def test_a_sink_that_delivers_when_it_is_flushed_is_found(kept):
    """A killed writer flushes nothing."""

    def write(self, batch):
        self.held = [*getattr(self, "held", []), *batch]

    def flush(self):
        Kept.write(self, self.held)
        self.held = []

    assert "after write(), without a flush()" in found_in(kept, write=write, flush=flush)


def test_a_sink_that_writes_again_when_it_is_closed_is_found(kept):
    """Its events are there twice."""

    def write(self, batch):
        self.last = batch
        Kept.write(self, batch)

    def close(self):
        Kept.write(self, getattr(self, "last", []))
        self.last = []

    assert "has arrived with close()" in found_in(kept, write=write, close=close)


def test_one_thread_makes_all_calls_of_a_sink(kept):
    """As in the writer: some things belong to the thread that has made them."""
    callers = set()

    def noted(name):
        def method(self, *given):
            callers.add(threading.get_ident())
            return getattr(Kept, name)(self, *given)

        return method

    good = type("Good", (kept,), {name: noted(name) for name in ("open", "write", "close")})
    check_sink(good, lambda: kept.got)

    assert 1 == len(callers)

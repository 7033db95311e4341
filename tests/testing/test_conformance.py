"""The conformance kit passes good sinks, and finds what is wrong with bad ones."""

from __future__ import annotations

import contextlib
import os
import re
import threading

import pytest
from far_side import FarSide, Kept, Lines

from mplog.errors import TargetError
from mplog.sinks.callable import FunctionSink
from mplog.sinks.memory import MemorySink
from mplog.sinks.null import NullSink
from mplog.testing import SinkFault, check_sink, conformance
from mplog.testing.content import hostile

ALL = [
    *("is_a_sink", "delivers_in_order", "opens_again", "ends", "takes_any_content"),
    "leaves_nothing",
]


@pytest.fixture
def kept():
    """A class of its own, and what its sinks have got."""
    return type("Mine", (Kept,), {"got": []})


def test_a_good_sink_passes(kept):
    """And is told what was looked at."""
    assert ALL == check_sink(kept, lambda: kept.got)


def test_our_simple_sinks_pass():
    """Memory, null, and a function of a user's."""
    memory = MemorySink()
    lines: list[str] = []

    check_sink(lambda: memory, lambda: [one.event.template.split("\n")[0] for one in memory.events])
    check_sink(NullSink)
    check_sink(
        lambda: FunctionSink(lambda line: lines.append(line.message.split("\n")[0])), lambda: lines
    )


def test_a_sink_over_a_socket_passes_with_an_outage(tmp_path):
    """A far side that goes and comes back, and its lines in every format's escapes."""
    far = FarSide(str(tmp_path / "far"))
    with far.there():
        looked_at = check_sink(lambda: Lines(far.path), lambda: list(far.lines), far.away)

    assert [*ALL, "survives_an_outage"] == looked_at


def test_what_comes_between_two_looks_is_not_taken_for_a_leak(kept, monkeypatch):
    """A far side in the same process may come to a connection only after the sink has closed it."""
    looks = []

    def descriptors():
        looks.append(1)
        return {"3 (socket)", "4 (late)"} if len(looks) > 2 else {"3 (socket)"}

    monkeypatch.setattr(conformance, "_descriptors", descriptors)

    assert "leaves_nothing" in check_sink(kept, lambda: kept.got)
    assert 2 == len(looks)


def found_in(sink, received=None, outage=None, timeout_s=1.0):
    """What the kit says of a bad sink."""
    with pytest.raises(SinkFault) as raised:
        check_sink(sink, received, outage, timeout_s=timeout_s)
    return str(raised.value)


def bad(kept, **methods):
    """A sink that differs from a good one in these methods."""
    return type("Bad", (kept,), methods)


def test_a_missing_method_is_found(kept):
    """Four methods, not three."""
    assert "has no method flush()" in found_in(bad(kept, flush=None))


def test_a_sink_that_loses_events_is_found(kept):
    """One of a hundred is enough."""
    sink = bad(kept, write=lambda self, batch: Kept.write(self, batch[:99]))

    assert "have not arrived" in found_in(sink, lambda: kept.got)


def test_a_sink_that_doubles_or_turns_events_is_found(kept):
    """Order, and once."""
    twice = bad(kept, write=lambda self, batch: Kept.write(self, [*batch, *batch]))
    turned = bad(kept, write=lambda self, batch: Kept.write(self, batch[::-1]))

    assert "doubled or out of order" in found_in(twice, lambda: kept.got)
    assert "doubled or out of order" in found_in(turned, lambda: kept.got)


def test_a_sink_that_cannot_be_opened_again_is_found(kept):
    """A close is no end."""

    def open_(self):
        self.opens = kept.opens = getattr(kept, "opens", 0) + 1

    def write(self, batch):
        if self.opens != 3:  # the second one of the sink that is opened twice
            Kept.write(self, batch)

    sink = bad(kept, open=open_, write=write)

    assert "after it was opened again have not arrived" in found_in(sink, lambda: kept.got)


def test_a_sink_that_fails_for_an_empty_batch_is_found(kept):
    """There may be nothing to write."""
    sink = bad(kept, write=lambda self, batch: Kept.write(self, [batch[0], *batch[1:]]))

    assert "a batch of 0 raises IndexError" in found_in(sink, lambda: kept.got)


def test_a_sink_whose_close_hangs_is_found(kept):
    """The kit does not hang with it."""
    released = threading.Event()
    sink = bad(kept, close=lambda self: released.wait())

    assert "does not return" in found_in(sink)
    released.set()


def test_a_sink_whose_close_raises_is_found(kept):
    """Before it was opened, too."""
    assert "before it was ever opened raises" in found_in(bad(kept, close=lambda self: 1 / 0))


def test_a_sink_that_delivers_after_its_close_is_found(kept):
    """Whatever it had in hand was to be let go."""
    closed = []

    def received():
        if closed and kept.got:  # between any two looks
            kept.got.append("late")
        return kept.got

    sink = bad(kept, close=lambda self: closed.append(1))
    assert "after close() had returned" in found_in(sink, received)


def test_a_sink_that_stumbles_over_content_is_found(kept):
    """A lone surrogate does not encode."""

    def write(self, batch):
        for one in batch:
            kept.got.append(one.event.template.encode().decode())

    assert "makes write() raise UnicodeEncodeError" in found_in(bad(kept, write=write))


def test_a_sink_that_takes_content_for_an_outage_is_found(kept):
    """Or it would be tried again for ever."""

    def write(self, batch):
        for one in batch:
            if len(one.event.template) > 1 << 16:
                raise TargetError("too large")
        Kept.write(self, batch)

    assert "taken for an outage" in found_in(bad(kept, write=write), lambda: kept.got)


def test_refusing_what_is_too_large_is_right(kept):
    """As long as the sink says that it is for good."""

    def write(self, batch):
        for one in batch:
            if len(one.event.template) > 1 << 16:
                raise TargetError("too large", temporary=False)
        Kept.write(self, batch)

    assert check_sink(bad(kept, write=write), lambda: kept.got)


def test_a_sink_that_lets_events_forge_lines_is_found(kept):
    """What begins on a line of its own is an event of its own."""
    text: list[str] = []

    def write(self, batch):
        for one in batch:
            text.extend(re.split(r"[\n\r\x85\u2028]", one.event.template))

    assert "has forged" in found_in(bad(kept, write=write), lambda: text)


def test_a_descriptor_left_behind_is_found(kept):
    """By its number and what it is of."""
    left = []

    def leave(self):
        left.append(os.open("/dev/null", os.O_RDONLY))

    try:
        assert "(/dev/null)" in found_in(bad(kept, open=leave))
    finally:
        for fd in left:
            os.close(fd)


def test_a_thread_left_behind_is_found(kept):
    """By its name."""
    over = threading.Event()

    def leave(self):
        threading.Thread(target=over.wait, name="leftover").start()

    assert "leftover" in found_in(bad(kept, open=leave))
    over.set()


def test_a_sink_that_hides_an_outage_behind_another_error_is_found(kept):
    """Only OSError and TargetError say that it may pass."""
    away = []

    @contextlib.contextmanager
    def outage():
        away.append(1)
        yield
        away.clear()

    def write(self, batch):
        if away:
            raise ValueError("gone")
        Kept.write(self, batch)

    assert "raise ValueError('gone'), not OSError" in found_in(
        bad(kept, write=write), lambda: kept.got, outage
    )


def test_a_sink_that_keeps_events_through_an_outage_passes(kept):
    """At flush() it says that they are not there yet, and it opens when the far side is back."""
    away = []

    @contextlib.contextmanager
    def outage():
        away.append("a write")
        yield
        away[:] = ["an open"] * 3

    def opens(self):
        if away:
            raise ConnectionRefusedError(away.pop())
        Kept.open(self)

    def write(self, batch):
        if not away:
            Kept.write(self, batch)

    def flush(self):
        if away:
            raise ConnectionResetError

    sink = bad(kept, open=opens, write=write, flush=flush)

    assert [*ALL, "survives_an_outage"] == check_sink(sink, lambda: kept.got, outage)
    assert [] == away


def test_an_impossible_done_is_found(kept):
    """More than there was in the batch."""
    away = []

    @contextlib.contextmanager
    def outage():
        away.append(1)
        yield
        away.clear()

    def write(self, batch):
        if away:
            raise TargetError("gone", done=7)
        Kept.write(self, batch)

    assert "done=7 of a batch of 2" in found_in(bad(kept, write=write), lambda: kept.got, outage)


def test_hostile_content_is_hostile():
    """It has what it promises: controls, a megabyte, lone surrogates, NUL, numbers out of range."""
    batch = list(hostile(1))
    texts = [one.event.template for one in batch]

    assert max(map(len, texts)) > 1 << 20
    for part in ("\x1b]52;", "\0", "\ud800", "\u2028", "\n", "{name}", "%s"):
        assert any(part in text for text in texts)
    assert list(range(1, len(batch) + 1)) == [one.stamped.seq for one in batch]

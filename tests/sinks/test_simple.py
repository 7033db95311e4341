"""The sinks that need nothing: null, memory, and a user's own object."""

from __future__ import annotations

import pytest

from mplog.errors import TargetError
from mplog.event.event import Event, Stamped
from mplog.sinks.base import Outgoing, Sink
from mplog.sinks.callable import FunctionSink, sink_of
from mplog.sinks.memory import MemorySink
from mplog.sinks.null import NullSink


def outgoing(seq, text="x", **fields):
    """An event of that number."""
    return Outgoing(
        Stamped(seq * 10**9, 20, 0, 0, "a-0-1", seq, 7, "shop"), Event("shop", text, fields)
    )


class Own:
    """A sink of a user's."""

    def open(self):
        """Nothing."""

    def write(self, batch):
        """Nothing."""

    def flush(self):
        """Nothing."""

    def close(self):
        """Nothing."""


def test_memory_keeps_the_last():
    """In their order."""
    sink = MemorySink(2)
    sink.open()
    sink.write([outgoing(1), outgoing(2), outgoing(3)])
    sink.flush()
    sink.close()

    assert [2, 3] == [one.stamped.seq for one in sink.events]


def test_null_is_a_sink():
    """It takes all."""
    sink = NullSink()
    sink.open()
    sink.write([outgoing(1)])
    sink.flush()
    sink.close()

    assert isinstance(sink, Sink)


@pytest.mark.parametrize("found", [Own, Own(), lambda: Own()])
def test_what_has_the_four_methods_is_the_sink(found):
    """An object, a class, or what a function without arguments makes."""
    assert isinstance(sink_of(found), Own)


def test_a_function_is_called_with_each_line():
    """Message and fields are there."""
    seen = []
    sink = sink_of(seen.append)
    sink.open()
    sink.write([outgoing(1, "sold {n}", n=3), outgoing(2)])
    sink.flush()
    sink.close()

    assert [("sold 3", {"n": 3}, 1, "shop"), ("x", {}, 2, "shop")] == [
        (line.message, line.fields, line.seq, line.logger) for line in seen
    ]


def test_a_notice_of_the_services_own_has_its_event_name():
    """It has no session."""
    seen = []
    notice = Outgoing(
        Stamped(1, 30, 0, 0, "", 0, 0, "mplog"), Event("mplog", "x", {"event_name": "mplog.drop"})
    )
    sink_of(seen.append).write([notice])

    assert ["mplog.drop"] == [line.event_name for line in seen]


@pytest.mark.parametrize("found", [3, None, "text", lambda: 3])
def test_what_is_no_sink_is_refused(found):
    """With what would be one."""
    with pytest.raises(TypeError, match="is no sink"):
        sink_of(found)


@pytest.mark.parametrize(
    ("error", "temporary"), [(ValueError("no"), False), (OSError(5), True), (SystemExit(3), False)]
)
def test_a_function_that_raises_says_how_far_it_got(error, temporary):
    """At the first event its own error comes out."""

    def picky(line):
        if line.seq == 3:
            raise error

    sink = FunctionSink(picky)
    with pytest.raises(TargetError) as caught:
        sink.write([outgoing(1), outgoing(2), outgoing(3), outgoing(4)])
    with pytest.raises(type(error)):
        sink.write([outgoing(3)])

    assert (2, temporary) == (caught.value.done, caught.value.temporary)


def test_a_builtin_that_does_not_say_what_it_takes_is_a_function():
    """It is called with a Line, and what it raises then is an event's affair."""
    sink = sink_of(max)

    assert isinstance(sink, FunctionSink)
    with pytest.raises(TypeError, match="not iterable"):
        sink.write([outgoing(1)])

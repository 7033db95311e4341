"""The sinks that need nothing: null, memory, and a user's own object."""

from __future__ import annotations

import functools
import os

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


class Nameless(Exception):
    """It cannot say what it is."""

    def __str__(self):
        """Nothing comes of it."""
        raise SystemExit(9)


class Odd(Exception):
    """Whoever asks it whether it may pass gets another error."""

    @property
    def temporary(self):
        """Nobody knows."""
        raise KeyError


@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), Nameless(), Odd("x")], ids=repr
)
def test_whatever_a_function_raises_in_the_middle_says_how_far_it_got(error):
    """Events before it are not given to the function a second time."""

    def picky(line):
        if line.seq == 3:
            raise error

    with pytest.raises(TargetError) as caught:
        FunctionSink(picky).write([outgoing(1), outgoing(2), outgoing(3), outgoing(4)])

    assert (2, False) == (caught.value.done, caught.value.temporary)
    assert type(error).__name__ in caught.value.text


def test_a_far_side_that_asks_for_time_in_the_middle_of_a_batch_is_given_it():
    """As at the first event."""

    def busy(line):
        if line.seq == 2:
            raise TargetError("busy", retry_after_s=30.0)

    with pytest.raises(TargetError) as caught:
        FunctionSink(busy).write([outgoing(1), outgoing(2)])

    assert (1, True, 30.0) == (
        caught.value.done, caught.value.temporary, caught.value.retry_after_s,
    )  # fmt: skip


def test_a_function_gets_an_event_that_it_has_failed_at_once():
    """While a queue finds it by smaller batches; one at which a far side was away comes again."""
    calls = []

    def picky(line):
        calls.append(line.seq)
        if line.seq in (3, 5):
            raise ValueError("no") if line.seq == 3 else ConnectionResetError()

    sink = FunctionSink(picky)
    for batch in ([1, 2, 3, 4], [3, 4], [3], [4, 5], [5]):
        with pytest.raises((TargetError, ValueError, ConnectionResetError)):
            sink.write([outgoing(seq) for seq in batch])

    assert [1, 2, 3, 4, 5, 5] == calls


async def waits(line):
    """Done by whoever awaits it."""


def yields(line):
    """Done by whoever goes through it."""
    yield line


async def streams(line):
    """Both."""
    yield line


class Awaited(Own):
    """An object whose write is for an event loop."""

    async def write(self, batch):
        """Nobody awaits it."""


class Called:
    """Is called as a function."""

    async def __call__(self, line):
        """Nobody awaits it."""


@pytest.mark.parametrize(
    "found", [waits, yields, streams, functools.partial(waits), Called(), Awaited, Awaited()]
)
def test_what_nobody_would_run_is_no_sink(found):
    """It would be taken for delivered, and nothing of it done."""
    with pytest.raises(TypeError, match="nobody would run"):
        sink_of(found)


@pytest.mark.parametrize("found", [waits, yields, streams])
def test_a_function_that_returns_what_nobody_runs_has_failed(found):
    """The event is not delivered."""
    with pytest.raises(TypeError, match="which nobody runs"):
        sink_of(lambda line: found(line)).write([outgoing(1)])


@pytest.mark.parametrize("ends", [lambda: None, lambda: exit(0)], ids=["returns", "exits"])
def test_a_child_that_a_function_has_forked_is_not_the_sink(ends, tmp_path):
    """It ends where it comes back; each event is done once, by the one that was asked."""
    notes = tmp_path / "notes"

    def forking(line):
        if line.seq == 2 and os.fork() == 0:
            ends()
            return
        with notes.open("a") as file:
            file.write(f"{line.seq} ")

    parent = os.getpid()
    try:
        sink_of(forking).write([outgoing(seq) for seq in (1, 2, 3)])
    except BaseException as error:
        if os.getpid() == parent:
            raise
        os._exit(not isinstance(error, SystemExit))
    _, status = os.wait()

    assert (0, "1 2 3 ") == (os.waitstatus_to_exitcode(status), notes.read_text())


def test_a_builtin_that_does_not_say_what_it_takes_is_a_function():
    """It is called with a Line, and what it raises then is an event's affair."""
    sink = sink_of(max)

    assert isinstance(sink, FunctionSink)
    with pytest.raises(TypeError, match="not iterable"):
        sink.write([outgoing(1)])

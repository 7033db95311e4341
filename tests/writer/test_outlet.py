"""A sink that is no file: what is counted of it, and what is said on stderr."""

from __future__ import annotations

import os
from contextlib import contextmanager

import pytest

from mplog.config.sink import canonical, parse_sinks
from mplog.errors import TargetError
from mplog.event.event import Event, Stamped
from mplog.sinks.base import Outgoing
from mplog.writer import outlet as module
from mplog.writer.outlet import MAX_STDERR_BYTES, Outlet, Stderr

EVENT = Outgoing(Stamped(1, 20, 0, 0, "", 1, 7, "web"), Event("shop", "a line for people"))


@contextmanager
def stderr_in(path):
    """A file in the place of stderr; what is given is a function of its size, if it is to have
    another one: it returns what the file holds behind its first bytes.
    """
    kept, fd = os.dup(2), os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    os.dup2(fd, 2)

    def grown(size_bytes=None):
        if size_bytes is not None:
            os.ftruncate(2, size_bytes)
        return path.read_bytes().lstrip(b"\0")

    try:
        yield grown
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(fd)


def test_stderr_takes_events_until_it_is_a_file_that_has_grown_large(tmp_path):
    """It stands in memory where nobody reads it."""
    sink = Stderr()
    with stderr_in(tmp_path / "stderr") as grown:
        sink.open()
        sink.write([EVENT])
        sink.flush()
        shown = grown()
        before = grown(MAX_STDERR_BYTES)
        sink.write([EVENT])
        last = grown()
        with pytest.raises(TargetError, match="stderr holds 1,048,6") as refused:
            sink.write([EVENT])
        sink.close()
        left = grown()

    assert b"a line for people" in shown
    assert last == left != before
    assert not refused.value.temporary


@pytest.mark.parametrize(("size_bytes", "said"), [(0, True), (MAX_STDERR_BYTES + 1, False)])
def test_what_is_said_of_a_sink_is_a_line_on_stderr(tmp_path, size_bytes, said):
    """That no terminal obeys; nothing, where it has grown large."""
    with stderr_in(tmp_path / "stderr") as grown:
        grown(size_bytes)
        module._say("a sink\x1b is away")
        shown = grown()

    assert said == shown.startswith(b"mplog: a sink")
    assert said == shown.endswith(b" is away\n")
    assert b"\x1b" not in shown


def test_an_outlet_without_a_sink_counts_all_as_dropped():
    """Also what another one hands over to it, and where no board shows it."""
    (settings,) = parse_sinks(canonical([{"type": "memory", "name": "none"}]))
    outlet = Outlet(settings, None, "it cannot be made")
    outlet.arm(None)
    outlet.open()
    outlet.promise(3)
    outlet.put([])
    outlet.hand_over([EVENT, EVENT])
    row = outlet.row()

    assert (5, 5, "off", "it cannot be made") == (row.promised, row.dropped, row.breaker, row.error)
    assert outlet.idle

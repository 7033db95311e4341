"""A queue as a sink of its own, before it is opened, and when its sink cannot be closed."""

from __future__ import annotations

import errno

from given import events, numbers

from mplog.resilience.backlog import Backlog
from mplog.resilience.queue import Hooks, Queue
from mplog.resilience.spool import Spool
from mplog.resilience.spooled import Spooled
from mplog.resilience.store import Limits
from mplog.testing import FlakySink

QUICK = Limits(batch_s=0.01)
LONG_S = 20.0


def test_it_is_a_sink_itself():
    """What was written before a flush is through behind it."""
    sink = FlakySink()
    queue = Queue(sink, Backlog(QUICK, "s"))
    queue.open()
    queue.write(events(3))
    queue.flush()
    got = numbers(sink.got)
    queue.close("graceful", LONG_S)

    assert [1, 2, 3] == got


def test_one_that_was_never_opened_gives_up_what_waits():
    """There is no thread to wait for; what nobody will deliver is counted."""
    queue = Queue(FlakySink(), Backlog(QUICK, "s"))
    queue.put(events(3))

    assert queue.join(0.0)
    assert (3, 0, {"shutdown": {"INFO": 3}}) == (
        queue.counts.dropped, queue.counts.in_flight, queue.counts.reasons,
    )  # fmt: skip


def test_a_disk_that_takes_nothing_is_told_by_whoever_puts(tmp_path, monkeypatch):
    """At once, once a try, with what the events are held in: memory."""
    told = []
    spool = Spool(tmp_path / "spool")
    hooks = Hooks(trouble=lambda error, counts: told.append((error.errno, counts.in_flight)))
    queue = Queue(FlakySink(), Spooled(spool, QUICK, "s"), hooks=hooks)

    def full(batch):
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(spool, "append", full)
    queue.put(events(3))
    queue.close()

    assert [(errno.ENOSPC, 3)] == told
    assert {"shutdown": {"INFO": 3}} == queue.counts.reasons


def test_a_sink_that_fails_to_close_is_told():
    """Its events are through, and its thread ends all the same."""
    told = []

    class Stuck(FlakySink):
        def close(self):
            raise RuntimeError("cannot let go")

    sink = Stuck()
    hooks = Hooks(trouble=lambda error, counts: told.append((str(error), counts.delivered)))
    queue = Queue(sink, Backlog(QUICK, "s"), hooks=hooks)
    queue.open()
    queue.put(events(3))
    queue.stop("graceful")

    assert queue.join(LONG_S)
    assert ([1, 2, 3], [("cannot let go", 3)]) == (numbers(sink.got), told)

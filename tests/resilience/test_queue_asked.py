"""A sink is tried at once where somebody asks for it; and a queue is one process's own."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from given import events, numbers

from mplog.errors import TargetError
from mplog.resilience.backlog import Backlog
from mplog.resilience.pause import Pause
from mplog.resilience.queue import Queue
from mplog.resilience.retry import Retry, RetryRules
from mplog.resilience.store import Limits
from mplog.testing import FlakySink, fail

LONG_S = 20.0
BUSY = TargetError("busy", retry_after_s=3_600.0)


@pytest.fixture
def opened():
    """Opens queues, and closes them at the end."""
    queues = []

    def _opened(inner, **more):
        queue = Queue(inner, Backlog(Limits(batch_s=0.01), "s"), **more)
        queue.open()
        queues.append(queue)
        return queue

    yield _opened
    for queue in queues:
        queue.close("immediate")


def test_what_is_held_is_tried_at_once_where_somebody_asks(opened):
    """A far side has asked for an hour; whoever knows better does not wait for that."""
    sink = FlakySink(fail(1, BUSY))
    queue = opened(sink)
    queue.put(events(3))
    assert not queue.drain(time.monotonic() + 0.5)
    queue.try_again()

    assert queue.drain(time.monotonic() + LONG_S)
    assert [1, 2, 3] == numbers(sink.got)


def test_a_pause_inside_of_a_write_is_cut_where_somebody_asks(opened):
    """The write goes on with its next try."""
    waits = threading.Event()

    class Watched(Pause):
        def wait(self, timeout_s):
            waits.set()
            return super().wait(timeout_s)

    sink, pause = FlakySink(fail(1, BUSY)), Watched()
    queue = opened(Retry(sink, RetryRules(limit_s=9_999.0), pause=pause), pause=pause)
    queue.put(events(3))
    assert waits.wait(LONG_S)
    while not queue.drain(time.monotonic() + 0.05):
        queue.try_again()

    assert [1, 2, 3] == numbers(sink.got)


def test_a_child_that_a_sink_forks_in_the_queues_thread_is_no_second_queue(tmp_path):
    """It ends; what waits is delivered once."""
    code = """
import os, sys, time
from given import events
from mplog.resilience.backlog import Backlog
from mplog.resilience.queue import Queue
from mplog.resilience.store import Limits
from mplog.testing import FlakySink

class Forking(FlakySink):
    def write(self, batch):
        super().write(batch)
        os.fork()
        os.write(1, f"{len(batch)} {os.getpid() == PID}\\n".encode())

PID = os.getpid()
queue = Queue(Forking(), Backlog(Limits(batch_events=5, batch_s=0.01), "s"))
queue.open()
queue.put(events(10))
done = queue.drain(time.monotonic() + 60)
for _ in range(2):
    os.wait()
print(done, queue.counts.delivered)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ["5 False"] * 2 + ["5 True"] * 2 + ["True 10"] == sorted(done.stdout.splitlines())

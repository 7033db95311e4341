"""Attach, flush, shut down, and what happens at the process's exit."""

from __future__ import annotations

import atexit
import os
import time

import msgspec

from mplog._native import attacher
from mplog.producer.connection import Connection
from mplog.producer.gate import GATE, inherited
from mplog.producer.tell import DEFERRED
from mplog.service.state import STATE
from mplog.service.uncaught import unwatch, watch

DRAIN_S = 30.0  # how long a process that created a service waits at its exit, at most


class Report(msgspec.Struct, frozen=True):
    """What became of this process's events, all counted since it attached.

    Attributes:
        delivered: they stand in the sinks, or the service's filters keep them out of there.
        left: accepted, and still in shared memory for the writer to deliver.
        dropped: lost on purpose, and announced in the log.
    """

    delivered: int
    left: int
    dropped: int


def _attach_late() -> bool:
    """What `attach` does where this process has no connection yet, or gets no lane by a claim."""
    connection = GATE.connection
    if connection is None:
        found = inherited(os.environ)
        if found is None:
            return False
        connection = found[0]
        GATE.connect(connection, found[1].level)
        watch(connection)
    return connection.attach()


attach = attacher(_attach_late)


def flush(timeout: float = 5.0) -> bool:
    """Wait until all that this process has had accepted so far stands in the sinks.

    Args:
        timeout: seconds.

    Returns:
        False when it does not after *timeout*. True where nothing has been logged.
    """
    deadline = time.monotonic() + timeout
    done = True
    for connection in _connections():
        if connection.producer.attached:
            connection.ensure_writer(at_once=True)
            left_s = max(deadline - time.monotonic(), 0.0)
            done &= connection.producer.wait_settled(connection.producer.published, left_s)
    return done


def sync(timeout: float = 10.0) -> bool:
    """Wait until all that this process has had accepted so far is on the disk, whatever `fsync`
    says.

    Args:
        timeout: seconds.

    Returns:
        False when it is not after *timeout*, and once where a disk error, or a session that was
        left before, has put in doubt what had been logged until then. True where nothing has been.
    """
    deadline = time.monotonic() + timeout
    done = True
    for connection in _connections():
        if connection.producer.attached:
            connection.ensure_writer(at_once=True)
        done &= connection.producer.sync(max(deadline - time.monotonic(), 0.0))
    return done


def shutdown(timeout: float = 5.0) -> Report:
    """Deliver what this process has logged, and detach; the next event attaches again.

    Args:
        timeout: seconds to wait for the delivery at most.

    Returns:
        What was delivered, left to the writer, dropped.
    """
    with DEFERRED, STATE.lock:
        deadline = time.monotonic() + timeout
        flush(timeout)
        connections = _connections()
        reports = [_report(connection) for connection in connections]
        unwatch()
        for connection in connections:
            connection.detach()
        for connection in connections:
            from mplog.producer.farewell import drain_at_exit  # of who made the service

            drain_at_exit(connection, max(deadline - time.monotonic(), 0.0), quiet=True)
        return Report(
            sum(r.delivered for r in reports),
            sum(r.left for r in reports),
            sum(r.dropped for r in reports),
        )


def _connections() -> list[Connection]:
    """The process's own, and those of handlers with a log file of their own."""
    return [c for c in (GATE.connection, *STATE.others) if c is not None]


def _report(connection: Connection) -> Report:
    producer = connection.producer
    left = max(producer.published - producer.settled, 0)
    return Report(max(producer.accepted - left, 0), left, producer.dropped)


def _at_exit() -> None:
    """Say goodbye; the process that created a service waits for its drain as well."""
    deadline = time.monotonic() + DRAIN_S
    connections = _connections()
    for connection in connections:
        connection.ensure_writer(at_once=True)  # there is no later call that would do it
        connection.detach(final=True)
    for connection in (*STATE.former, *connections):
        if connection.creator_pid == os.getpid():
            from mplog.producer.farewell import drain_at_exit  # of who made the service

            drain_at_exit(connection, max(deadline - time.monotonic(), 0.0))


atexit.register(_at_exit)

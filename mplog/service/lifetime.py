"""Attach, flush, shut down, and what happens at the process's exit."""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from mplog import _native
from mplog._native import attacher
from mplog.errors import UsageError
from mplog.producer.connection import Connection
from mplog.producer.gate import GATE, inherited
from mplog.producer.tell import DEFERRED
from mplog.service.state import STATE
from mplog.service.uncaught import unwatch, watch

if TYPE_CHECKING:
    from mplog.service.closing import SinkReport

Mode = Literal["immediate", "flush", "graceful"]
_MODES = ("immediate", "flush", "graceful")
CALLBACKS: list[tuple[int, Callable[[], Any]]] = []  # with the process that has registered it
DRAIN_S = 30.0  # how long a process that created a service waits at its exit, at most


class Report(msgspec.Struct, frozen=True):
    """What became of this process's events, all counted since it attached.

    Attributes:
        delivered: they stand in the files, or the service's filters keep them out of there.
        left: accepted, and still in shared memory for the writer to deliver.
        dropped: lost on purpose, and announced in the log.
        sinks: of each sink that is no file, if the service has any: what it has of the events of
            all processes.
    """

    delivered: int
    left: int
    dropped: int
    sinks: tuple[SinkReport, ...] = ()

    @property
    def where(self) -> dict[str, int]:
        """Where events are left, and how many: in "lanes", in a sink's queue, in its spool."""
        places = {"lanes": self.left}
        for sink in self.sinks:
            places[f"queue of {sink.name}"] = sink.queued
            places[f"spool of {sink.name}"] = sink.spooled
        return {place: count for place, count in places.items() if count}


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
            if has_sinks(connection):
                from mplog.service.closing import sinks_settled

                done &= sinks_settled(connection, deadline)
    return done


def has_sinks(connection: Connection) -> bool:
    """Whether the service has sinks that are no files."""
    board = f"{connection.service}.{_native.ABI}.sinks"
    return os.path.exists(os.path.join(connection.directory, board))


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


def shutdown(timeout: float = 5.0, *, mode: Mode = "graceful") -> Report:
    """Deliver what this process has logged, and detach; the next event attaches again. Unless there
    is one, the process's exit waits for nothing more.

    Args:
        timeout: seconds that it waits at most, whatever a sink does.
        mode: "graceful": first the callbacks of `on_shutdown`; the process that created the service
            waits for all that others have left, too. "flush": for its own events only. "immediate":
            for nothing; the writer delivers what is there.

    Returns:
        What was delivered, left and where, dropped.

    Raises:
        UsageError: there is no such mode.
    """
    if mode not in _MODES:
        right = f"Give one of {', '.join(_MODES)}."
        raise UsageError(f"shutdown: there is no mode {mode!r}", hint=right)
    deadline = time.monotonic() + (0.0 if mode == "immediate" else timeout)
    if mode == "graceful" and CALLBACKS:
        from mplog.service.closing import run_callbacks

        run_callbacks(deadline)
    with DEFERRED, STATE.lock:
        if mode != "immediate":
            flush(max(deadline - time.monotonic(), 0.0))
        connections = _connections()
        sinks = _sink_reports(connections, deadline if mode == "graceful" else 0.0)
        reports = [_report(connection) for connection in connections]
        unwatch()
        for connection in connections:
            connection.detach()
            connection.shut_down = True
        for connection in connections if mode == "graceful" else ():
            from mplog.producer.farewell import drain_at_exit  # of who made the service

            drain_at_exit(connection, max(deadline - time.monotonic(), 0.0), quiet=True)
        return Report(
            sum(r.delivered for r in reports),
            sum(r.left for r in reports),
            sum(r.dropped for r in reports),
            sinks,
        )


def _sink_reports(connections: list[Connection], deadline: float) -> tuple[SinkReport, ...]:
    """Of a service that this process has created, after what processes have left that have ended:
    it may have logged nothing itself.
    """
    for connection in connections if deadline else ():
        ours = connection.creator_pid == os.getpid()
        if ours and getattr(connection.settings, "sinks", "off") != "off":
            from mplog.producer.farewell import drain_at_exit  # of who made the service

            drain_at_exit(connection, max(deadline - time.monotonic(), 0.0), quiet=True)
    if not any(has_sinks(connection) for connection in connections):
        return ()
    from mplog.service.closing import sink_reports

    return sink_reports(connections)


def _connections() -> list[Connection]:
    """The process's own, and those of handlers with a log file of their own."""
    return [c for c in (GATE.connection, *STATE.others) if c is not None]


def _report(connection: Connection) -> Report:
    producer = connection.producer
    left = max(producer.published - producer.settled, 0)
    return Report(max(producer.accepted - left, 0), left, producer.dropped)


def _at_exit() -> None:
    """Say goodbye; the process that created a service waits for its drain as well, unless it has
    been shut down and nothing was logged since: that has waited as long as was wanted.
    """
    deadline = time.monotonic() + DRAIN_S
    connections = [c for c in _connections() if c.producer.attached or not c.shut_down]
    for connection in connections:
        connection.ensure_writer(at_once=True)  # there is no later call that would do it
        connection.detach(final=True)
    for connection in (*STATE.former, *connections):
        if connection.creator_pid == os.getpid():
            from mplog.producer.farewell import drain_at_exit  # of who made the service

            drain_at_exit(connection, max(deadline - time.monotonic(), 0.0))


atexit.register(_at_exit)

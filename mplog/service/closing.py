"""What a shutdown does beyond a flush: callbacks, sinks that are no files, and what it reports of
them. Loaded by those who use it.
"""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from mplog.metrics.board import Row, read_board
from mplog.producer.connection import Connection
from mplog.producer.tell import tell
from mplog.service.lifetime import CALLBACKS

_POLL_S = 0.002
_Callback = TypeVar("_Callback", bound=Callable[[], Any])


class SinkReport(msgspec.Struct, frozen=True):
    """What became of the service's events in one sink that is no file, since its writer began.

    Attributes:
        delivered, dropped: events.
        queued: wait for it in memory; they go with the writer.
        spooled: wait for it on disk; a later writer delivers them.
    """

    name: str
    delivered: int
    queued: int
    spooled: int
    dropped: int


def on_shutdown(callback: _Callback) -> _Callback:
    """Have *callback* called, without arguments, when this process's logging is shut down: by
    `shutdown()`, before anything is waited for, or else at the process's exit. The last one
    registered is called first, each once; what it logs is still delivered. A decorator too.

    Args:
        callback: what it raises is told on stderr, and keeps no other from being called.
    """
    if not CALLBACKS:
        atexit.register(run_callbacks)  # later registered than the goodbye, so called before it
    CALLBACKS.append((os.getpid(), callback))
    return callback


def run_callbacks(deadline_s: float = float("inf")) -> None:
    """Call what this process has registered; what is left at the deadline is told."""
    here = os.getpid()
    while CALLBACKS:
        pid, callback = CALLBACKS.pop()
        if pid != here:
            continue  # a parent's
        if time.monotonic() > deadline_s:
            tell(f"no time left for {callback!r} at shutdown", kind="shutdown late")
            continue
        try:
            callback()
        except Exception as error:  # a user's own code
            tell(f"{callback!r} at shutdown: {type(error).__name__}: {error}", kind="shutdown")


def sinks_settled(connection: Connection, deadline_s: float) -> bool:
    """Wait until every sink has, or has dropped, what stands in the files now.

    Returns:
        False where one has not at the deadline.
    """
    place = connection.directory, connection.service
    life, rows = read_board(*place)
    wanted = _sums(rows, "promised")
    while wanted:
        sums = _settled(rows)
        if all(sums.get(name, 0) >= promised for name, promised in wanted.items()):
            return True
        if time.monotonic() >= deadline_s:
            return False
        time.sleep(_POLL_S)
        before, (life, rows) = life, read_board(*place)
        if life != before:  # what was in the queues has gone with its writer
            wanted = _sums(rows, "promised")
    return True


def _sums(rows: list[Row], name: str) -> dict[str, int]:
    """By sink: while one is let go there is another of its name."""
    sums: dict[str, int] = {}
    for row in rows:
        sums[row.name] = sums.get(row.name, 0) + getattr(row, name)
    return sums


def _settled(rows: list[Row]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for row in rows:
        sums[row.name] = sums.get(row.name, 0) + row.delivered + row.dropped + row.spooled
    return sums


def sink_reports(connections: list[Connection]) -> tuple[SinkReport, ...]:
    """Of all sinks of these services."""
    return tuple(
        SinkReport(row.name, row.delivered, max(row.owed, row.queued), row.spooled, row.dropped)
        for connection in connections
        for row in read_board(connection.directory, connection.service)[1]
    )

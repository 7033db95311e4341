"""At the end of the process that created a service: wait for the drain, bounded, and say so when it
takes long.

Others need not wait: what they have logged is in shared memory, and the writer outlives them.
"""

from __future__ import annotations

import os
import time

from mplog import _native
from mplog.producer.connection import Connection
from mplog.producer.tell import say
from mplog.ring import presence

_POLL_S = 0.003
_SINKS_S = 4.5  # less than the writer gives them when nobody is here: so it can still be asked
_PROGRESS_AFTER_S = 2.0
_HOPELESS_S = 5.0  # without a step forward, where the writer reports a problem or there is none


def drain_at_exit(connection: Connection, timeout_s: float, *, quiet: bool = False) -> bool:
    """Wait until nothing is pending in lanes that nobody holds any more.

    Args:
        connection: already detached.
        timeout_s: at most so long.
        quiet: no line of progress.

    Returns:
        Whether all of it was delivered.
    """
    deadline_s = time.monotonic() + timeout_s
    try:
        done = _wait(connection, timeout_s, quiet)
        return done and _wait_for_sinks(connection, deadline_s, quiet)
    except KeyboardInterrupt:
        if not quiet:
            say("interrupted; the writer goes on delivering what is left")
        return False
    except (OSError, RuntimeError):
        return True  # the service is gone: it leaves only when all is delivered


def _wait(connection: Connection, timeout_s: float, quiet: bool) -> bool:
    reader = _native.Reader(connection.directory, connection.service, False, 1 << 16)
    began = moved = next_line = time.monotonic()
    next_line += _PROGRESS_AFTER_S
    before = 0
    while True:
        reader.scan(None)
        left_bytes = left_behind(reader)
        now = time.monotonic()
        if left_bytes == 0 or reader.state != 1:
            return True
        if left_bytes != before:
            before, moved = left_bytes, now
        hopeless = now - moved >= _HOPELESS_S and (reader.problem or not _writer_is_up(connection))
        if now - began >= timeout_s or hopeless:
            if not quiet:
                say(
                    f"{_what(left_bytes)} have not reached {connection.settings.file};"
                    f" they stay in shared memory for the next writer{_why(reader)}"
                )
            return False
        if now >= next_line:
            next_line = now + 1.0
            connection.ensure_writer()
            if not quiet:
                say(
                    f"waiting for {_what(left_bytes)} to reach "
                    f"{connection.settings.file}{_why(reader)}"
                )
        time.sleep(_POLL_S)


def _wait_for_sinks(connection: Connection, deadline_s: float, quiet: bool) -> bool:
    """The same for sinks that are no files, as long as the writer gives them."""
    board = f"{connection.service}.{_native.ABI}.sinks"
    if not os.path.exists(os.path.join(connection.directory, board)):
        return True
    from mplog.metrics.board import read_board

    deadline_s = min(deadline_s, time.monotonic() + _SINKS_S)
    while True:
        rows = [r for r in read_board(connection.directory, connection.service)[1] if r.owed]
        if not rows:
            return True
        if time.monotonic() >= deadline_s:
            break
        time.sleep(_POLL_S)
    for row in rows if not quiet else ():
        why = f" ({row.error})" if row.error else ""
        say(f"{row.owed:,} events have not reached the sink {row.name}{why}")
    return False


def left_behind(reader: _native.Reader) -> int:
    """Bytes in lanes without an owner; -1 where there are none but an end line or a batch is still
    to be written.
    """
    rows = [row for row in reader.lanes() if not row["live"] and not row["quarantined"]]
    left = sum(int(row["pending_bytes"]) for row in rows)
    if left == 0 and (any(row["open"] for row in rows) or reader.begun != reader.done):
        return -1
    return left


def _what(left_bytes: int) -> str:
    return f"{left_bytes:,} bytes of log" if left_bytes > 0 else "the last lines of the log"


def _writer_is_up(connection: Connection) -> bool:
    found = presence(connection.directory, connection.service)
    return found is not None and found.writer


def _why(reader: _native.Reader) -> str:
    return f" (the writer says: {reader.problem})" if reader.problem else ""

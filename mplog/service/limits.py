"""What a program may ask about the limits of its service, and be told of them."""

from __future__ import annotations

from collections.abc import Callable

from mplog.errors import MplogError, SystemFault
from mplog.metrics.usage import Usage, usage_of
from mplog.producer.gate import GATE
from mplog.producer.listeners import on_error
from mplog.producer.trouble import EXCEEDED


def usage() -> tuple[Usage, ...]:
    """How much of each of its limits the service uses that this process logs to: memory, overflow,
    what files are owed that cannot be written, the queues and spools of its sinks.

    Raises:
        SystemFault: this process is attached to none, or it cannot be read.
    """
    connection = GATE.connection
    if connection is None:
        raise SystemFault("usage: this process logs to no service", hint="Call configure() first.")
    try:
        return usage_of(connection.directory, connection.service)
    except OSError as error:
        raise SystemFault(f"usage: {error}", errno=error.errno) from error


def on_memory_exceeded(callback: Callable[[MplogError], object]) -> Callable[[], None]:
    """Have *callback* called when this process loses events to a limit of memory: to `overflow`, or
    to `memory`. As `on_error`, at most once a second for each limit.

    Args:
        callback: takes one error, whose `context` has `limit` (the setting), `used_bytes` and
            `limit_bytes`, and whose `count` says how often since the last one.

    Returns:
        A function that takes it back.

    Raises:
        UsageError: it cannot be called.
    """

    def told(error: MplogError) -> None:
        if error.code == EXCEEDED:
            callback(error)

    return on_error(told if callable(callback) else callback)

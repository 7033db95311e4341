"""What this process logs, for a test that wants to look at it: no service, no writer, no file."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import msgspec

from mplog._native import FLAG_CUT
from mplog.config.load import Loaded
from mplog.event.codec import decode
from mplog.event.event import Event
from mplog.event.level import name_of
from mplog.format.base import message_of
from mplog.format.exception import stacktrace
from mplog.producer.gate import GATE
from mplog.producer.logger import number_of
from mplog.service import Service
from mplog.service import configure as _configure_module
from mplog.service.state import STATE


class Captured(msgspec.Struct, frozen=True):
    """An event as a service would have got it: encoded, redacted, and decoded again.

    Attributes:
        level: from 0 to 255; `level_name` has its name.
        message: the template with its fields put in.
        fields: of the call and of `bind()`.
        context: of `mplog.context`.
        exception: its traceback, or "".
        cut: whether it had to be shortened.
        time_ns: when it came, nanoseconds since 1970.
        event: all of it.
    """

    level: int
    level_name: str
    logger: str
    message: str
    fields: dict[str, Any]
    context: dict[str, Any]
    exception: str
    cut: bool
    time_ns: int
    event: Event


class Log:
    """What was logged while `capture` was in force, by all threads of this process.

    Attributes:
        events: in the order of the calls.
    """

    def __init__(self) -> None:
        self.events: list[Captured] = []

    def __len__(self) -> int:
        return len(self.events)

    def __iter__(self) -> Iterator[Captured]:
        return iter(self.events)

    @property
    def messages(self) -> list[str]:
        """Of all events."""
        return [one.message for one in self.events]

    def find(
        self,
        message: str | None = None,
        *,
        level: int | str | None = None,
        logger: str | None = None,
        **fields: Any,
    ) -> list[Captured]:
        """The events to which all of this applies.

        Args:
            message: a part of it.
            level: its number or name.
            logger: its name.
            fields: of the call, of `bind()` or of the context, with these values.
        """
        number = None if level is None else number_of(level)
        return [
            one
            for one in self.events
            if (message is None or message in one.message)
            and (number is None or one.level == number)
            and (logger is None or one.logger == logger)
            and fields.items() <= {**one.context, **one.fields}.items()
        ]

    def clear(self) -> None:
        """Forget what was logged so far."""
        self.events.clear()

    # ---- what the gate calls ----
    def _emit(self, level: int, event: tuple[Any, ...], kind: int = 0) -> None:
        """Every event goes the bounded way, which encodes and redacts it: to `_publish`."""

    def _publish(self, level: int, payload: bytes, kind: int = 0, flags: int = 0) -> bool:
        event = decode(payload)
        if event is not None:
            exception = "" if event.exception is None else stacktrace(event.exception)
            self.events.append(
                Captured(
                    level=level,
                    level_name=name_of(level),
                    logger=event.logger,
                    message=message_of(event, kind),
                    fields=event.fields,
                    context=event.context or {},
                    exception=exception,
                    cut=bool(flags & FLAG_CUT),
                    time_ns=time.time_ns(),
                    event=event,
                )
            )
        return event is not None


_lock = threading.Lock()
_blocks: list[list[Any]] = []  # those that go on, each with what was in force before it


def _in_force() -> Any:
    gate = GATE.connection, GATE.emit, GATE.publish, GATE.unmet, GATE.level
    return gate, (STATE.service, STATE.wanted), _configure_module._attach


def _put_in_force(state: Any) -> None:
    gate, service, _configure_module._attach = state
    GATE.connection, GATE.emit, GATE.publish, GATE.unmet, GATE.level = gate
    STATE.service, STATE.wanted = service


def _leave(block: list[Any]) -> None:
    """Blocks of several threads may end in any order: the one begun after it takes over."""
    place = next(at for at, one in enumerate(_blocks) if one is block)
    del _blocks[place]
    if place == len(_blocks):
        _put_in_force(block[0])
    else:
        _blocks[place][0] = block[0]


@contextlib.contextmanager
def capture(level: int | str = 0) -> Iterator[Log]:
    """Collect what this process logs, by `get_logger` and by `Handler`, instead of sending it.

    In the block `configure()` and `Handler(file)` check their settings and start nothing; a level
    given there counts. Processes that are forked in the block collect for themselves.

    Args:
        level: events below it are not collected; all are, if not given.
    """
    log = Log()

    def inert(loaded: Loaded) -> Service:
        GATE.level = loaded.settings.level
        return Service(loaded.settings.service or "captured", False, ())

    gate = None, log._emit, log._publish, False, number_of(level)
    with _lock:
        block = [_in_force()]
        _blocks.append(block)
        _put_in_force((gate, (STATE.service, STATE.wanted), inert))
    try:
        yield log
    finally:
        with _lock:
            _leave(block)

"""What this process is attached to, and who it was that created the service."""

from __future__ import annotations

import os
import threading
from typing import Any

import msgspec

from mplog.producer.connection import Connection


class Service(msgspec.Struct, frozen=True):
    """What `configure()` has attached this process to.

    Attributes:
        name: of the service.
        created: whether this call has created it.
        differences: sentences telling where the running service's settings hold against this
            call's.
    """

    name: str
    created: bool
    differences: tuple[str, ...] = ()


class Attached(msgspec.Struct):
    """This process's state; a forked child inherits it and keeps what is still true of it.

    Attributes:
        service: what the last `configure()` returned.
        wanted: the settings that it asked for; the same call again changes nothing.
        others: connections of handlers with a log file of their own.
        former: connections to services that this process had created before it went to another one.
        lock: between `configure()` and `shutdown()`; new in a forked child.
    """

    service: Service | None = None
    wanted: Any = None
    former: list[Connection] = []
    others: list[Connection] = []
    lock: Any = msgspec.field(default_factory=threading.RLock)


STATE = Attached()


def _in_child() -> None:
    STATE.lock = threading.RLock()


os.register_at_fork(after_in_child=_in_child)

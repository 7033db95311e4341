"""Notices of the service for sinks that are no files: events of the logger "mplog"."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from mplog.config.condition import Program, holds
from mplog.config.filter import compiled
from mplog.config.prefixes import Rules
from mplog.config.sink import SinkSettings
from mplog.event.event import Event, Stamped
from mplog.sinks.base import Outgoing

LOGGER = "mplog"


class Notices:
    """A format that keeps what it is told, for those who make lines by one."""

    def __init__(self) -> None:
        self._kept: list[Outgoing] = []
        self._under_way: list[Outgoing] = []

    def line(self, event: Event, stamped: Stamped) -> bytes:
        """Events go another way."""
        return b""

    def unreadable(self, payload: bytes | memoryview, stamped: Stamped) -> bytes:
        """Events go another way."""
        return b""

    def notice(
        self, wall_ns: int, level: int, event_name: str, message: str, keys: dict[str, Any]
    ) -> bytes:
        """Of the batch that is being made."""
        stamped = Stamped(wall_ns, level, 0, 0, "", 0, 0, "")
        fields = {"event_name": event_name, "message": message, **keys}
        self._under_way.append(Outgoing(stamped, Event(LOGGER, "{message}", fields)))
        return b""

    def keep(self) -> None:
        """What has been told goes with the batch."""
        self._kept += self._under_way
        self._under_way.clear()

    def drop(self) -> None:
        """It goes with a later one, and will be told again."""
        self._under_way.clear()

    def take(self) -> list[Outgoing]:
        """All that goes with this batch."""
        self.keep()
        taken, self._kept = self._kept, []
        return taken


def is_for(settings: SinkSettings, told: Outgoing) -> bool:
    """Whether a sink gets what the service tells: its level and its filter hold for that too."""
    least = level_for(settings.level, settings.levels, LOGGER)
    if settings.standby or told.stamped.level < least:
        return False
    return settings.filter is None or holds(_program(settings.filter), told.event, told.stamped)


@lru_cache
def _program(text: str) -> Program:
    return compiled(text)


def level_for(level: int, rules: Rules, logger: str) -> int:
    """The least level that goes to a sink: that of the longest prefix of *logger*."""
    longest = -1
    for prefix, of_prefix in rules:
        below = logger == prefix or logger.startswith(prefix + ".")
        if below and len(prefix) > longest:
            level, longest = of_prefix, len(prefix)
    return level

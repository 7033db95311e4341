"""journald: its native protocol, without a library."""

from __future__ import annotations

import msgspec


class JournaldSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a journald sink is told.

    Attributes:
        app: SYSLOG_IDENTIFIER, what `journalctl -t` looks for.
        socket: where journald listens.
        timeout_s: for as long as journald takes nothing.
    """

    app: str = "mplog"
    socket: str = "/run/systemd/journal/socket"
    timeout_s: float = 5.0

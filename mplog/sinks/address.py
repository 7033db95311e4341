"""Where a sink's far side is, as the user writes it: `tcp://logs.example:601`, `unix:/dev/log`."""

from __future__ import annotations

import re
from typing import NamedTuple

from mplog.errors import UsageError

_PORTS = {"udp": 514, "tcp": 601, "tls": 6514}
_UNIX = ("unix", "unix-dgram", "unix-stream")
_net = re.compile(r"(udp|tcp|tls)://(\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|[^\s:/\[\]]+)(?::(\d{1,5}))?/?").fullmatch
_MAX_PATH_BYTES = 107  # what sockaddr_un has room for


class Address(NamedTuple):
    """A far side.

    Attributes:
        kind: "unix" (datagrams, else a stream), "unix-dgram", "unix-stream", "udp", "tcp", "tls".
        host: its name or number; of a unix socket its path.
        port: 0 for a unix socket.
    """

    kind: str
    host: str
    port: int = 0


def parse(text: str, place: str) -> Address:
    """The address that *text* means.

    Args:
        place: the setting's name, for the error.

    Raises:
        UsageError: it means none.
    """
    kind, _, path = text.partition(":")
    if text.startswith("/"):
        kind, path = "unix", text
    if kind in _UNIX:
        path = path.removeprefix("//")
        if path.startswith("/") and "\0" not in path and len(path.encode()) <= _MAX_PATH_BYTES:
            return Address(kind, path)
        right = f"use an absolute path of at most {_MAX_PATH_BYTES} bytes, as unix:/dev/log"
        raise UsageError(f"{place}: {text!r} has no such path; {right}")
    found = _net(text)
    port = int(found[3] or _PORTS[found[1]]) if found else 0
    if found is None or not 0 < port < 65_536:
        right = "use unix:/path, udp://host:514, tcp://host:601 or tls://host:6514"
        raise UsageError(f"{place}: {text!r} is no address; {right}")
    return Address(found[1], found[2].strip("[]"), port)

"""What of a syslog sink can be judged without connecting: its target, facility and names."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from mplog.config.wrong import WrongValue, nearest, plain
from mplog.errors import UsageError

FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
)  # fmt: skip
"""By their numbers, from 0 on."""
FRAMINGS = ("octets", "lf")
MIN_BYTES = 480  # what every receiver must take (RFC 5424, 6.1)
MAX_BYTES = 16 << 20
SD_ID_CHARS = 32
MAX_TIMEOUT_S = 3_600
_PORTS = {"udp": 514, "tcp": 601, "tls": 6514}
_UNIX = ("unix", "unix-dgram", "unix-stream")
_net = re.compile(
    r"(udp|tcp|tls)://(\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|[^\s:/\[\]]+)(?::(\d{1,5}))?/?"
).fullmatch
_sd_id = re.compile(r"[!#-<>-?A-\\^-~]+@[1-9][0-9]{0,9}(?:\.[0-9]+)*").fullmatch
_MAX_PATH_BYTES = 107  # what sockaddr_un has room for

_Right = TypeVar("_Right")


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


def parse_target(value: object) -> Address:
    """The far side that *value* means.

    Raises:
        WrongValue: it means none.
    """
    text = plain(value)
    if not isinstance(text, str):
        text = ""
    kind, _, path = text.partition(":")
    if text.startswith("/"):
        kind, path = "unix", text
    if kind in _UNIX:
        path = path.removeprefix("//")
        if path.startswith("/") and path.isprintable() and len(path.encode()) <= _MAX_PATH_BYTES:
            return Address(kind, path)
        right = f'give an absolute path of at most {_MAX_PATH_BYTES} bytes, as "unix:/dev/log"'
        raise WrongValue(value, "has no such path", right)
    found = _net(text)
    port = int(found[3] or _PORTS[found[1]]) if found else 0
    if found is None or not 0 < port < 65_536:
        right = 'give "unix:/path", "udp://host:514", "tcp://host:601" or "tls://host:6514"'
        raise WrongValue(value, "is no address", right)
    return Address(found[1], found[2].strip("[]"), port)


def target(value: object) -> str:
    """*value*, where it is an address."""
    parse_target(value)
    return str(plain(value))


def facility(value: object) -> str:
    """*value*, where it is a facility's name."""
    text = plain(value)
    if isinstance(text, str) and text in FACILITIES:
        return text
    near = nearest(str(text), FACILITIES)
    right = f"did you mean {near}?" if near else f"give one of {', '.join(FACILITIES)}"
    raise WrongValue(value, "is no facility", right)


def sd_id(value: object) -> str:
    """*value*, where it is the name of structured data with an enterprise number."""
    text = plain(value)
    if isinstance(text, str) and len(text) <= SD_ID_CHARS and _sd_id(text):
        return text
    right = f'give a name and an enterprise number, "mplog@32473", of {SD_ID_CHARS} characters'
    raise WrongValue(value, "is no such name", right)


def max_bytes(value: int) -> int:
    """*value*, where a message may be so long."""
    if MIN_BYTES <= value <= MAX_BYTES:
        return value
    raise WrongValue(value, "is out of range", f"give {MIN_BYTES} to {MAX_BYTES:,} bytes")


def path(value: object) -> str:
    """*value*, where it is an absolute path; `~` is its user's home. The writer, which opens it,
    stands in another directory than the program.
    """
    text = plain(value)
    if isinstance(text, str) and text.isprintable():
        home = os.path.expanduser(text)
        if home.startswith("/"):
            return home
    raise WrongValue(value, "is no absolute path", 'give one, as "/etc/ssl/certs/logs.pem"')


def timeout_s(value: float) -> float:
    """*value*, where a write may take so long."""
    if 0 < value <= MAX_TIMEOUT_S:
        return value
    raise WrongValue(value, "is out of range", f"give more than 0 and at most {MAX_TIMEOUT_S:,} s")


def framing(value: object) -> str:
    """*value*, where it is a framing, or "" for the usual one."""
    text = plain(value)
    if isinstance(text, str) and text in ("", *FRAMINGS):
        return text
    raise WrongValue(value, "is no framing", 'give "octets" or "lf"')


def required(check: Callable[[Any], _Right], value: object, place: str) -> _Right:
    """What *check* makes of *value*, for who has no loader that adds the place.

    Raises:
        UsageError: it is wrong.
    """
    try:
        return check(value)
    except WrongValue as wrong:
        raise UsageError(f"{place}: {wrong}") from None

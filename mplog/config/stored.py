"""The settings as a service keeps them for its writer: strict JSON, checked again when read."""

from __future__ import annotations

import msgspec

from mplog.config.schema import Settings
from mplog.errors import ConfigError, Problem

_PLACE = "stored settings of the service"


def to_bytes(settings: Settings) -> bytes:
    """*settings* as JSON, by key."""
    return msgspec.json.encode(settings)


def from_bytes(data: bytes) -> Settings:
    """The settings that `to_bytes` has written.

    Raises:
        ConfigError: they are anything else; the bytes lie in shared memory and are not trusted.
    """
    try:
        return msgspec.json.decode(data, type=Settings, strict=True)
    except (msgspec.MsgspecError, ValueError, RecursionError) as why:
        right = "start the service again, with one version of mplog"
        raise ConfigError.of([Problem(_PLACE, f"cannot be read ({why})", right)]) from None

"""The settings as a service keeps them for its writer: strict JSON, checked again when read."""

from __future__ import annotations

import msgspec

from mplog.config.own import unreadable
from mplog.config.schema import Settings


def to_bytes(settings: Settings) -> bytes:
    """*settings* as JSON, by key."""
    return settings.stored()


def from_bytes(data: bytes) -> Settings:
    """The settings that `to_bytes` has written.

    Raises:
        ConfigError: they are anything else; the bytes lie in shared memory and are not trusted.
    """
    try:
        return msgspec.json.decode(data, type=Settings, strict=True)
    except (msgspec.MsgspecError, ValueError, RecursionError) as why:
        raise unreadable(why) from None

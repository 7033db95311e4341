"""What a process needs that only logs: a view of its service's settings.

Workers load this and not the schema, whose parsers and tables would be a sixth of what mplog takes
in memory. Each field has the name and the bounds that it has in `Settings`; a test holds that.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from mplog.config import limits
from mplog.errors import ConfigError, Problem

PLACE = "stored settings of the service"

Level = Annotated[int, Meta(ge=0, le=255)]
Overflow = Annotated[int, Meta(ge=0, le=limits.MAX_OVERFLOW_BYTES)]
Memory = Annotated[int, Meta(ge=0, le=limits.MAX_MEMORY_BYTES)]
EventBytes = Annotated[int, Meta(ge=limits.MIN_EVENT_BYTES, le=limits.MAX_EVENT_BYTES)]
Seconds = Annotated[float, Meta(ge=0, le=limits.MAX_S)]
_Secret = Annotated[str, Meta(min_length=1, max_length=limits.MAX_SECRET_BYTES)]
Secrets = Annotated[tuple[_Secret, ...], Meta(max_length=limits.MAX_SECRETS)]
_Enricher = Annotated[str, Meta(min_length=1, max_length=limits.MAX_ENRICHER_CHARS)]
Enrichers = Annotated[tuple[_Enricher, ...], Meta(max_length=limits.MAX_ENRICHERS)]
OnInternalError = Literal["disable", "abort"]
WhenFull = Literal["overflow", "block", "drop_newest", "drop_oldest"]


class Own(msgspec.Struct, kw_only=True):
    """The settings of a process that was handed a service.

    Attributes:
        raw: all of the service's settings, as they are stored.
    """

    file: str | None = None
    level: Level = 20
    when_full: WhenFull = "overflow"
    block_timeout_s: Seconds = field(default=10.0, name="block_timeout")
    overflow_bytes: Overflow = field(default=limits.DEFAULT_OVERFLOW_BYTES, name="overflow")
    overflow_dir: str | None = None
    memory_bytes: Memory = field(default=0, name="memory")
    redact: Secrets = limits.REDACTED
    enrich: Enrichers = ()
    uncaught: bool = True
    faulthandler: bool = True
    on_internal_error: OnInternalError = "disable"
    max_event_bytes: EventBytes = 64 * 1024
    context_bytes: EventBytes = 16 * 1024
    durable_level: Level | None = None
    durable_timeout_s: Seconds = field(default=10.0, name="durable_timeout")
    raw: bytes = b""

    def __post_init__(self) -> None:
        refuse_relative(self.file, self.overflow_dir)

    def stored(self) -> bytes:
        """All of the service's settings, to set it up anew."""
        return self.raw


def own_from_bytes(data: bytes) -> Own:
    """What a process needs of the settings that `to_bytes` has written.

    Raises:
        ConfigError: they are anything else; the bytes lie in shared memory and are not trusted.
    """
    try:
        own = msgspec.json.decode(data, type=Own, strict=True)
    except (msgspec.MsgspecError, ValueError, RecursionError) as why:
        raise unreadable(why) from None
    own.raw = data
    return own


def unreadable(why: Exception) -> ConfigError:
    """Stored settings that are none."""
    right = "start the service again, with one version of mplog"
    return ConfigError.of([Problem(PLACE, f"cannot be read ({why})", right)])


def refuse_relative(*paths: str | None) -> None:
    """Raise ValueError for a path that is not absolute."""
    for path in paths:
        if path is not None and not path.startswith("/"):
            raise ValueError(f"{path!r} is not an absolute path")

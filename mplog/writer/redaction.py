"""What the writer hides by how it looks: put in force before anything is read."""

from __future__ import annotations

from mplog._native import Reader, may_hold_secret, set_redaction, shows_no_secret
from mplog.config import Settings, limits
from mplog.event.codec import ENCODER, decode
from mplog.event.event import Stamped
from mplog.event.redact import mask
from mplog.format.redacted import redacted


def redact(reader: Reader, settings: Settings) -> None:
    """The names are those of `redact`, but for a service that redacts no keys: the usual ones."""
    set_redaction(settings.redact or limits.REDACTED)
    reader.set_patterns(settings.redact_patterns)


def hide(payload: bytes, stamped: Stamped) -> tuple[Stamped, bytes]:
    """An encoded event for a queue or a spool, without secrets: as it is, where nothing in it could
    be one.
    """
    if not may_hold_secret(payload) or shows_no_secret(payload, stamped.kind):
        return stamped, payload
    event = decode(payload)
    if event is None:
        return stamped, mask(payload)
    made, told = redacted(event, stamped)
    return (stamped, payload) if made is event else (told, ENCODER.encode(made))

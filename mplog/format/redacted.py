"""Events without what looks like a secret, before any format or sink sees them.

The formatters of the core decline an event that holds such a text; so all that is hidden is hidden
here.
"""

from __future__ import annotations

from typing import Any

import msgspec

from mplog.event.event import Event, Stamped
from mplog.event.redact import REDACTED, Redaction, mask
from mplog.format.base import PERCENT_KIND, Format, message_of


def redacted(event: Event, stamped: Stamped) -> tuple[Event, Stamped]:
    """*event* without secrets: the very same where it has none.

    A secret may come about in the message alone (`"password={p}"`). Then that message, without the
    secret, is the template, and what was hidden is hidden in the fields too.
    """
    found = Redaction()
    shown = found.text(message_of(event, stamped.kind))
    made = Event(
        found.text(event.logger),
        found.text(event.template),
        found.mapping(event.fields),
        found.mapping(event.context) if event.context else event.context,
        event.file,
        event.line,
        event.function,
        event.thread_id,
        event.thread_name,
        event.task,
        found.exception(event.exception),
        found.text(event.stack) if event.stack else event.stack,
        found.value(event.args),
    )
    if not found.changed:
        return event, stamped
    if message_of(made, stamped.kind) != shown:
        made.template, made.args = shown, None
        stamped = msgspec.structs.replace(stamped, kind=PERCENT_KIND)  # without arguments: a text
    return made, stamped


class RedactedFormat:
    """A format that is given no secrets.

    Attributes:
        inner: the format.
    """

    def __init__(self, inner: Format) -> None:
        self.inner = inner

    def line(self, event: Event, stamped: Stamped) -> bytes:
        """The line of *event*. Never raises."""
        try:
            event, stamped = redacted(event, stamped)
        except Exception as error:  # rather no text than a secret
            event = Event("mplog", f"{REDACTED}: {type(error).__name__} in redaction")
        return self.inner.line(event, stamped)

    def unreadable(self, payload: bytes | memoryview, stamped: Stamped) -> bytes:
        """The line of an event that does not decode."""
        return self.inner.unreadable(mask(bytes(payload)), stamped)

    def notice(
        self, wall_ns: int, level: int, event_name: str, message: str, keys: dict[str, Any]
    ) -> bytes:
        """A line of the service's own: of a death it holds the last event, and a traceback."""
        found = Redaction()
        shown = found.text(message)
        return self.inner.notice(wall_ns, level, event_name, shown, found.mapping(keys))

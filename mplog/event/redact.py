"""Secrets by how they look: `password=…`, `Bearer …`, the password in a URL, card numbers.

What they look like is known to the core alone (native/core/codec/patterns.c); the names before `=`
and `:` are those of `redact`. Keys whose values are secrets are the producer's business.
"""

from __future__ import annotations

from typing import Any

from mplog._native import secrets
from mplog.event.event import ExceptionInfo, Frame
from mplog.event.sanitise import MORE

REDACTED = "[redacted]"
_MAX_DEPTH = 64


class Redaction:
    """The redaction of one event.

    Attributes:
        hidden: the texts that were secrets.
        changed: whether anything was.
    """

    def __init__(self) -> None:
        self.hidden: set[str] = set()
        self.changed = False

    def text(self, text: str) -> str:
        """*text* with `[redacted]` in the place of each secret."""
        if text in self.hidden:
            self.changed = True
            return REDACTED
        data = text.encode("utf-8", "surrogatepass")
        found = secrets(data)
        if found is None:
            return text
        self.changed = True
        pieces, at = [], 0
        for start, end in found:
            self.hidden.add(data[start:end].decode("utf-8", "surrogatepass"))
            pieces += [data[at:start].decode("utf-8", "surrogatepass"), REDACTED]
            at = end
        return "".join(pieces) + data[at:].decode("utf-8", "surrogatepass")

    def data(self, data: bytes) -> bytes:
        """The same of bytes, as a request's body or headers are."""
        shown = replaced(data)
        self.changed = self.changed or shown is not data
        return shown

    def value(self, value: Any, depth: int = 0) -> Any:
        """The same in what a field can hold; keys too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes):
            return self.data(value)
        if not isinstance(value, (dict, list, tuple)):
            return value
        if depth > _MAX_DEPTH:  # no format shows what is there, but a callable would get it
            self.changed = True
            return MORE
        if isinstance(value, dict):
            return self.mapping(value, depth)
        items = [self.value(item, depth + 1) for item in value]
        return items if isinstance(value, list) else tuple(items)  # what a list is as a key

    def mapping(self, fields: dict[Any, Any], depth: int = 0) -> dict[Any, Any]:
        """A key that is then another one's is `[redacted]~2`."""
        out: dict[Any, Any] = {}
        numbers: dict[Any, int] = {}  # the last of each: all keys of a large map may become one
        for key, value in fields.items():
            name = shown = self.value(key, depth + 1)
            while name in out or (name != key and name in fields):
                numbers[shown] = numbers.get(shown, 1) + 1
                name = f"{shown}~{numbers[shown]}"
            out[name] = self.value(value, depth + 1)
        return out

    def exception(self, info: ExceptionInfo | None) -> ExceptionInfo | None:
        """An exception with all that it says, and the lines of code that it shows."""
        if info is None:
            return None
        return ExceptionInfo(
            self.text(info.type),
            self.text(info.message),
            [Frame(f.file, f.line, f.function, self.text(f.text)) for f in info.stack],
            [self.text(note) for note in info.notes],
            self.exception(info.cause),
            self.exception(info.context),
            [self.exception(one) or one for one in info.group],
        )


def replaced(data: bytes) -> bytes:
    """Bytes with `[redacted]` in the place of each secret; the very same where there is none."""
    found = secrets(data)
    if found is None:
        return data
    pieces, at = [], 0
    for start, end in found:
        pieces += [data[at:start], REDACTED.encode()]
        at = end
    return b"".join(pieces) + data[at:]


def redact_text(text: str) -> str:
    """*text* with `[redacted]` in the place of each secret."""
    return Redaction().text(text)


def mask(data: bytes) -> bytes:
    """Bytes with each secret in them as asterisks: as long as before, so that what says where
    something stands goes on being right.
    """
    found = secrets(data)
    if found is None:
        return data
    masked = bytearray(data)
    for start, end in found:
        masked[start:end] = b"*" * (end - start)
    return bytes(masked)

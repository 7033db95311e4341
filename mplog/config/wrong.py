"""How a wrong value is told: what stands there, safely shown, and what would be right."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable

_SHOWN_CHARS = 60
_LOOKED_AT_CHARS = 1_000  # for secrets: one that is cut in two may not look like one
_REPR = reprlib.Repr()
_REPR.maxlevel, _REPR.maxstring, _REPR.maxother = 3, _LOOKED_AT_CHARS, _LOOKED_AT_CHARS


class WrongValue(Exception):
    """A parser's answer to a value that it does not take; the loader adds the place.

    Args:
        value: what was given.
        wrong: what is wrong with it, as "is not a size".
        right: what would be right, as "give …".
    """

    def __init__(self, value: object, wrong: str, right: str) -> None:
        self.found = f"{show(value)} {wrong}"
        self.right = right
        super().__init__(self.found, right)

    def __str__(self) -> str:
        return f"{self.found}; {self.right}"


def show(value: object) -> str:
    """*value* for a message: bounded, on one line, printable, whatever its `repr` does."""
    from mplog.event.redact import redact_text  # only for a message

    if issubclass(type(value), str):
        text = redact_text(str(plain(value))[:_LOOKED_AT_CHARS])
        cut = text[:_SHOWN_CHARS] + ("…" if len(text) > _SHOWN_CHARS else "")
        return f'"{_printable(cut)}"'
    try:
        text = redact_text(_REPR.repr(value))
    except Exception:
        text = f"a value of type {type(value).__name__}"
    return _printable(text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "…")


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class Other:
    """What `plain` gives for a value of a type that no setting takes."""


def plain(value: object) -> str | int | float | Other | None:
    """*value* as an exact str, int, float or bool, or None; anything else as Other.

    A subclass may override what the parsers call, and any object may raise when it is asked for
    its class: only the type itself is looked at.
    """
    kind = type(value)
    if value is None or value is True or value is False:
        return value
    if issubclass(kind, str):
        return str.__str__(value)
    if issubclass(kind, int):
        return int.__int__(value)  # type: ignore[arg-type]
    if issubclass(kind, float):
        return float.__float__(value)  # type: ignore[arg-type]
    return Other()


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The name in *known* that *name* most likely meant, or None."""
    import difflib  # only for a message: not for every process that logs

    by_lower = {entry.lower(): entry for entry in known}
    # difflib is quadratic in the length, and the name is somebody else's.
    close = difflib.get_close_matches(name[:64].lower(), by_lower, 1)
    return by_lower[close[0]] if close else None

"""Events as bytes: the formats by their names."""

from __future__ import annotations

from collections.abc import Callable

from mplog.config.named import find, is_name
from mplog.format.base import Format
from mplog.format.json import JsonFormat
from mplog.format.layout import PREFIX, Layout
from mplog.format.logfmt import LogfmtFormat
from mplog.format.own import OwnFormat
from mplog.format.redacted import RedactedFormat
from mplog.format.text import TextFormat

__all__ = ["FORMATS", "Format", "formatter"]

FORMATS: dict[str, Callable[[], Format]] = {
    "json": JsonFormat,
    "logfmt": LogfmtFormat,
    "text": TextFormat,
}


def formatter(name: str, *, redacts: bool = False) -> Format:
    """A new formatter by its *name*.

    Args:
        redacts: what looks like a secret never gets to it.

    Raises:
        ValueError: there is no format of that name.
    """
    made = _made(name)
    return RedactedFormat(made) if redacts else made


def _made(name: str) -> Format:
    """A new formatter by its *name*; of a callable's name one that calls it, or, where it cannot be
    had, one that says why and writes text.

    Raises:
        ValueError: there is no format of that name.
    """
    if name.startswith(PREFIX):
        return OwnFormat(Layout(name))
    if is_name(name):
        try:
            return OwnFormat(find(name))
        except Exception as error:  # the module's own code has run
            return OwnFormat(None, f"it cannot be had: {type(error).__name__}: {error}"[:300])
    try:
        return FORMATS[name]()
    except KeyError:
        raise ValueError(f"format: {name!r} is unknown; use one of {', '.join(FORMATS)}") from None

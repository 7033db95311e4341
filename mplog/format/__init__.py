"""Events as bytes: the formats by their names."""

from __future__ import annotations

from collections.abc import Callable

from mplog.format.base import Format
from mplog.format.json import JsonFormat
from mplog.format.logfmt import LogfmtFormat
from mplog.format.text import TextFormat

__all__ = ["FORMATS", "Format", "formatter"]

FORMATS: dict[str, Callable[[], Format]] = {
    "json": JsonFormat,
    "logfmt": LogfmtFormat,
    "text": TextFormat,
}


def formatter(name: str) -> Format:
    """A new formatter by its *name*.

    Raises:
        ValueError: there is no format of that name.
    """
    try:
        return FORMATS[name]()
    except KeyError:
        raise ValueError(f"format: {name!r} is unknown; use one of {', '.join(FORMATS)}") from None

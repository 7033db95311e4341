"""Sizes as people write them: "100 MB" is 10^8 bytes, "20 MiB" is 20 · 2^20."""

from __future__ import annotations

import re

from mplog.config.limits import MAX_MEMORY_BYTES, MIN_MEMORY_BYTES
from mplog.config.wrong import WrongValue, plain

UNITS_BYTES = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
MAX_BYTES = 2**62
RIGHT = (
    'give a whole number of bytes, or a number with a unit: "100 MB" (10^6), "20 MiB" (2^20), '
    '"1 GiB"'
)

_LOWER = {unit.lower(): factor for unit, factor in UNITS_BYTES.items()}
_TEXT = r"(?a)(\d{1,24})(?:\.(\d{1,12}))?\s*([a-z]*)"


def parse(value: object) -> int:
    """The size that *value* names, in bytes.

    Args:
        value: a whole number of bytes, or a text such as "512", "100 MB", "1.5 GiB".

    Raises:
        WrongValue: it names no size, or none from 0 to 2^62 bytes.
    """
    given = plain(value)
    if isinstance(given, int) and not isinstance(given, bool):
        size_bytes, rest = given, 0
    elif isinstance(given, str):
        size_bytes, rest = _of_text(given)
    else:
        raise WrongValue(value, "is not a size", RIGHT)
    if size_bytes < 0:
        raise WrongValue(value, "is negative", RIGHT)
    if size_bytes > MAX_BYTES:
        raise WrongValue(value, "is more than 2^62 bytes", RIGHT)
    if rest:
        raise WrongValue(value, "is not a whole number of bytes", RIGHT)
    return size_bytes


def _of_text(text: str) -> tuple[int, int]:
    """Whole bytes, and what is left over (0 for an exact size)."""
    match = re.fullmatch(_TEXT, text.strip().lower()) if len(text) <= 64 else None
    factor = _LOWER.get(match[3] or "b") if match else None
    if match is None or factor is None:
        raise WrongValue(text, "is not a size", RIGHT)
    decimals = match[2] or ""
    scale = int("1" + "0" * len(decimals))
    return divmod(int(match[1] + decimals) * factor, scale)


def text(size_bytes: int) -> str:
    """The shortest exact way to write *size_bytes*; `parse` reads it back."""
    ways = [
        (len(str(size_bytes // factor)), -factor, f"{size_bytes // factor} {unit}")
        for unit, factor in UNITS_BYTES.items()
        if size_bytes % factor == 0 and factor <= max(size_bytes, 1)
    ]
    return min(ways)[2]


def parse_bound(value: object) -> int:
    """A bound in bytes that need not be there; 0 for none."""
    given = plain(value)
    if given is None or (isinstance(given, str) and given[:65].strip().lower() in ("", "off")):
        return 0
    right = f'give a size from "{text(MIN_MEMORY_BYTES)}" on, or "off"'
    try:
        size_bytes = parse(value)
    except WrongValue as wrong:
        wrong.right = right
        raise
    if size_bytes and not MIN_MEMORY_BYTES <= size_bytes <= MAX_MEMORY_BYTES:
        raise WrongValue(value, "is out of range", right)
    return size_bytes


def bound_text(size_bytes: int) -> str:
    """Such a bound as it may be written."""
    return text(size_bytes) if size_bytes else "off"

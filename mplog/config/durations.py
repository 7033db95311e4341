"""Durations as people write them: "10 s", "500 ms", "2 min"; a number alone is seconds."""

from __future__ import annotations

import re

from mplog.config.limits import MAX_S
from mplog.config.wrong import WrongValue, plain

RIGHT = 'give seconds as a number, or a number with a unit: "500 ms", "10 s", "2 min", "1 h"'

_WORDS = {
    1e-6: ("us", "µs", "microsecond", "microseconds"),
    1e-3: ("ms", "millisecond", "milliseconds"),
    1.0: ("s", "sec", "second", "seconds"),
    60.0: ("min", "minute", "minutes"),
    3600.0: ("h", "hour", "hours"),
    86_400.0: ("d", "day", "days"),
    604_800.0: ("w", "week", "weeks"),
    2_628_000.0: ("month", "months"),  # a twelfth of 365 days, as loguru has it
    31_536_000.0: ("y", "year", "years"),
}
_UNITS_S = {word: factor for factor, words in _WORDS.items() for word in words}
_TEXT = r"([0-9]{1,24}(?:\.[0-9]{1,24})?(?:e-?[0-9]{1,3})?)\s*([a-zµ]*)"


def parse(value: object, most_s: float = MAX_S) -> float:
    """The duration that *value* names, in seconds.

    Args:
        value: a number of seconds, or a text such as "10 s", "1.5 min", "0.25".
        most_s: the longest that is right.

    Raises:
        WrongValue: it names no duration, or none from 0 to *most_s*.
    """
    given = plain(value)
    if isinstance(given, str):
        seconds: float = _of_text(given)
    elif isinstance(given, (int, float)) and not isinstance(given, bool):
        seconds = given
    else:
        raise WrongValue(value, "is not a duration", RIGHT)
    if seconds != seconds:  # as only a NaN does
        raise WrongValue(value, "is not a duration", RIGHT)
    if seconds < 0:
        raise WrongValue(value, "is negative", RIGHT)
    if seconds > most_s:
        raise WrongValue(value, f"is longer than {most_s / 86_400:.0f} days", RIGHT)
    return float(seconds)


def is_one(text: str) -> bool:
    """Whether *text* is a number with a unit of time."""
    match = re.fullmatch(_TEXT, text.strip().lower())
    return match is not None and match[2] in _UNITS_S


def _of_text(text: str) -> float:
    match = re.fullmatch(_TEXT, text.strip().lower()) if len(text) <= 64 else None
    factor = _UNITS_S.get(match[2] or "s") if match else None
    if match is None or factor is None:
        raise WrongValue(text, "is not a duration", RIGHT)
    # Divided, not multiplied, below one second: 500 / 1000 is exact where 500 * 0.001 need not be.
    number = float(match[1])
    return number * factor if factor >= 1 else number / round(1 / factor)


def text(duration_s: float) -> str:
    """*duration_s* in the largest unit that keeps it exact; `parse` reads it back."""
    for factor, unit in ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s")):
        if duration_s and duration_s % factor == 0:
            return f"{duration_s / factor:.0f} {unit}"
    milliseconds = duration_s * 1000
    if milliseconds and milliseconds == int(milliseconds) and milliseconds / 1000 == duration_s:
        return f"{milliseconds:.0f} ms"
    return f"{duration_s!r} s" if duration_s else "0 s"

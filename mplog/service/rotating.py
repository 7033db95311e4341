"""The words of the standard library's rotating handlers, translated into `rotation` and
`retention`.
"""

from __future__ import annotations

import datetime
from typing import Any

from mplog.errors import ConfigError, Problem

WORDS = ("maxBytes", "backupCount", "when", "interval", "utc", "atTime")
_OURS = {"maxBytes": "rotation", "when": "rotation", "backupCount": "retention"}
_UNITS_S = {"S": 1, "M": 60, "H": 3600, "D": 86_400}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WHEN = 'give "S", "M", "H", "D", "midnight" or "W0" (Monday) to "W6"'


class _Wrong(Exception):
    def __init__(self, word: str, found: str, right: str) -> None:
        super().__init__(word, found, right)
        self.problem = Problem(f"Handler({word}=…)", found, right)


def translated(settings: dict[str, Any]) -> dict[str, Any]:
    """*settings* of a Handler with mplog's words in place of the standard library's.

    They mean what they mean there: size and time may both be given, `backupCount=0` keeps every
    archive, and so does no `backupCount` where there is none of mplog's words for it either.

    Raises:
        ConfigError: a value is wrong, or two contradict one another; all are named.
    """
    given = {word: settings[word] for word in WORDS if word in settings}
    if not given:
        return settings
    kept = {key: value for key, value in settings.items() if key not in WORDS}
    problems: list[Problem] = []
    rules: list[object] = []
    for translate in (_size, _time):
        try:
            rules += translate(given)
        except _Wrong as wrong:  # noqa: PERF203 - two
            problems.append(wrong.problem)
    problems += _contradictions(given, kept)
    try:
        keep = _count(given.get("backupCount", 0))
    except _Wrong as wrong:
        problems.append(wrong.problem)
    if problems:
        raise ConfigError.of(problems)
    if "maxBytes" in given or "when" in given:
        kept["rotation"] = rules
    if "retention" not in kept:
        kept["retention"] = keep
    return kept


def _contradictions(given: dict[str, Any], kept: dict[str, Any]) -> list[Problem]:
    found = []
    for word, ours in (
        ("maxBytes", "rotation"),
        ("when", "rotation"),
        ("backupCount", "retention"),
    ):
        if word in given and ours in kept:
            what = f"says with other words what {ours} says"
            found.append(Problem(f"Handler({word}=…)", what, f"give {word} or {ours}"))
    lonely = [word for word in ("interval", "utc", "atTime") if word in given]
    if lonely and "when" not in given:
        place = f"Handler({lonely[0]}=…)"
        right = f"{_WHEN}, or leave {' and '.join(lonely)} out"
        found.append(Problem(place, "says something about a time, and when is not given", right))
    return found


def _integer(given: dict[str, Any], word: str, least: int, default: int) -> int:
    value = given.get(word, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        right = f"give a whole number from {least} on"
        raise _Wrong(word, f"{value!r:.60} is no such number", right)
    return int(value)


def _count(value: object) -> int | None:
    count = _integer({"backupCount": value}, "backupCount", 0, 0)
    return count or None


def _size(given: dict[str, Any]) -> list[object]:
    size_bytes = _integer(given, "maxBytes", 0, 0)
    return [size_bytes] if size_bytes else []


def _time(given: dict[str, Any]) -> list[object]:
    if "when" not in given:
        return []
    when = given["when"]
    unit = when.upper() if isinstance(when, str) else ""
    interval = _integer(given, "interval", 1, 1)
    if unit in _UNITS_S:
        if given.get("atTime") is not None:
            right = 'leave it out, or give when="midnight" or "W0" to "W6"'
            raise _Wrong("atTime", f'has no meaning with when="{when}"', right)
        return [datetime.timedelta(seconds=interval * _UNITS_S[unit])]
    if unit == "MIDNIGHT":
        day = "daily"
    elif len(unit) == 2 and unit[0] == "W" and unit[1] in "0123456":
        day = _DAYS[int(unit[1])]
    else:
        raise _Wrong("when", f"{when!r:.60} is no time", _WHEN)
    if interval != 1:
        right = 'leave it out, or give when="D", which counts from the first event of a file'
        raise _Wrong("interval", f'{interval} has no meaning with when="{when}"', right)
    zone = " UTC" if given.get("utc") else ""
    return [f"{day} at {_at_time(given.get('atTime'))}{zone}"]


def _at_time(value: object) -> str:
    if value is None:
        return "00:00:00"
    if isinstance(value, str):
        try:
            value = datetime.time.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, datetime.time) or value.tzinfo is not None:
        right = 'give a datetime.time without a zone, or a text, "03:00"; utc=True is for UTC'
        raise _Wrong("atTime", "is no time of the day", right)
    return value.strftime("%H:%M:%S")

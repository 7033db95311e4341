"""When a file is set aside: sizes, intervals, times of the clock and callables, as people write
them.
"""

from __future__ import annotations

import datetime
import re
import types
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from mplog.config import durations, limits, named, sizes
from mplog.config.wrong import WrongValue, nearest, plain

RIGHT = (
    'give a size, "100 MB"; an interval, "12 h" or "1 day"; a time, "00:00", "daily", "sunday" or '
    '"monday at 03:00"; the name of a callable, "package.module:object"; a list of these; or "off"'
)
MAX_RULES = 32
MIN_INTERVAL_S = 1.0
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_UNITS = {"hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month", "yearly": "year"}
_WORDS = (*_UNITS, *_DAYS, "midnight")
_TIME = r"(\d{1,2})(?::([0-5]\d)(?::([0-5]\d))?)?(?:\s*([ap]m))?"
_Name = Annotated[str, Meta(pattern=rf"\A{named.PATTERN}\Z", max_length=named.MAX_NAME_CHARS)]
_ZONE = r"[A-Za-z0-9_+\-]+(?:/[A-Za-z0-9_+\-]+)+"


class Moment(msgspec.Struct, frozen=True, order=True, forbid_unknown_fields=True):
    """A time of the clock that comes again and again.

    Attributes:
        unit: how often.
        weekday: of a week, Monday is 0.
        second: of the day; of an hour it is 0.
        zone: whose clock: "" of this machine, "UTC", or a name as "Europe/Berlin".
    """

    unit: Literal["hour", "day", "week", "month", "year"]
    weekday: Annotated[int, Meta(ge=0, le=6)] = 0
    second: Annotated[int, Meta(ge=0, le=86_399)] = 0
    zone: Annotated[str, Meta(max_length=64)] = ""


class Rotation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a file is set aside: as soon as one of these says so. Empty: never.

    Attributes:
        size_bytes: before it would become larger.
        every_s: so long after its first event.
        moments: at these times of the clock.
        ask: callables that are asked, by their names, "package.module:object".
    """

    size_bytes: Annotated[int, Meta(ge=1, le=sizes.MAX_BYTES)] | None = None
    every_s: Annotated[float, Meta(ge=MIN_INTERVAL_S, le=limits.MAX_S)] | None = None
    moments: Annotated[tuple[Moment, ...], Meta(max_length=MAX_RULES)] = ()
    ask: Annotated[tuple[_Name, ...], Meta(max_length=MAX_RULES)] = ()


def parse_rotation(value: object) -> Rotation:
    """When a file is set aside; of several sizes or intervals the smallest counts."""
    if type(value) is Rotation:
        return value
    if type(value) in (list, tuple):
        rules = list(value)  # type: ignore[call-overload]
    else:
        given = plain(value)
        text = given.strip() if isinstance(given, str) and len(given) <= 1000 else None
        if given is None or (text is not None and text.lower() in ("", "off")):
            return Rotation()
        rules = [part.strip() for part in text.split(",")] if text is not None else [value]
    if len(rules) > MAX_RULES:
        raise WrongValue(value, f"has more than {MAX_RULES} rules", RIGHT)
    found = [_rule(rule) for rule in rules]
    return Rotation(
        min((one.size_bytes for one in found if one.size_bytes is not None), default=None),
        min((one.every_s for one in found if one.every_s is not None), default=None),
        tuple(sorted({moment for one in found for moment in one.moments})),
        tuple(dict.fromkeys(name for one in found for name in one.ask)),
    )


def _rule(value: object) -> Rotation:
    if type(value) is datetime.timedelta:
        return _every(value, value.total_seconds())
    if type(value) is datetime.time:
        return Rotation(moments=(_daily(value),))
    if type(value) is types.FunctionType:
        return Rotation(ask=(named.name_of(value),))
    given = plain(value)
    if isinstance(given, str):
        text = given.strip()
        if named.is_name(text):
            return Rotation(ask=(text,))
        if not text or not text.isascii() or len(text) > 200:
            raise WrongValue(value, "is not a rotation", RIGHT)
        if durations.is_one(text):
            return _every(value, durations.parse(text))
        if not re.match(r"\d[\d.]*\s*([a-z]*b)?\Z", text, re.IGNORECASE):
            return Rotation(moments=(_moment(text),))
    return Rotation(size_bytes=_size(value))


def _size(value: object) -> int:
    try:
        size_bytes = sizes.parse(value)
    except WrongValue as wrong:
        wrong.right = RIGHT
        raise
    if size_bytes == 0:
        raise WrongValue(value, "leaves no room for an event", RIGHT)
    return size_bytes


def _every(value: object, seconds: float) -> Rotation:
    if not MIN_INTERVAL_S <= seconds <= limits.MAX_S:
        raise WrongValue(value, "is not an interval from 1 s to 366 days", RIGHT)
    return Rotation(every_s=seconds)


def _daily(time: datetime.time) -> Moment:
    zone = "" if time.tzinfo is None else getattr(time.tzinfo, "key", None) or str(time.tzinfo)
    if zone and zone != "UTC" and not re.fullmatch(_ZONE, zone):
        right = 'give a time of the local clock, of UTC, or of a zone by its name, "Europe/Berlin"'
        raise WrongValue(time, "is in a time zone without a name", right)
    second = time.hour * 3600 + time.minute * 60 + time.second
    return Moment("day", second=second, zone=_zone(time, zone))


def _moment(text: str) -> Moment:
    *words, last = text.split()
    zone = ""
    if words and (last.upper() == "UTC" or re.fullmatch(_ZONE, last)):
        zone = _zone(text, "UTC" if last.upper() == "UTC" else last)
    else:
        words = [*words, last]
    day, at, time = " ".join(words).lower().partition(" at ")
    if not at and re.match(r"\d+(:|\s*[ap]m)", day):
        day, time = "daily", day
    second = _second(text, time) if time or at else 0
    if day == "hourly" and at:
        raise WrongValue(text, "names a time of the day for every hour", RIGHT)
    if re.fullmatch(r"w[0-6]", day):
        day = _DAYS[int(day[1])]
    if day in _DAYS:
        return Moment("week", _DAYS.index(day), second, zone)
    if day == "midnight" and not at:
        day = "daily"
    if day not in _UNITS:
        near = nearest(day, _WORDS)
        right = f'did you mean "{near}"? Else {RIGHT}' if near else RIGHT
        raise WrongValue(text, "is no size, interval or time", right)
    unit: Literal["hour", "day", "week", "month", "year"] = _UNITS[day]  # type: ignore[assignment]
    return Moment(unit, 0, second, zone)


def _second(value: str, text: str) -> int:
    """Of the day."""
    match = re.fullmatch(_TIME, text.strip())
    if match is None or not (match[2] or match[4]):
        raise WrongValue(value, "is no time of the day", RIGHT)
    hour, half = int(match[1]), match[4]
    if half and not 1 <= hour <= 12:
        hour = 24
    elif half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour > 23:
        raise WrongValue(value, "is no time of the day", RIGHT)
    return hour * 3600 + int(match[2] or 0) * 60 + int(match[3] or 0)


def _zone(value: object, name: str) -> str:
    if name not in ("", "UTC"):
        import zoneinfo  # for the few who name one

        try:
            zoneinfo.ZoneInfo(name)
        except (LookupError, OSError, ValueError):  # not found, or no zone at all
            right = 'give the name of a time zone that this machine knows, as "Europe/Berlin"'
            raise WrongValue(value, "names an unknown time zone", right) from None
    return name


def rotation_text(rotation: Rotation) -> str:
    """A rotation as it may be written."""
    rules = [] if rotation.size_bytes is None else [sizes.text(rotation.size_bytes)]
    if rotation.every_s is not None:
        rules.append(durations.text(rotation.every_s))
    rules += [_moment_text(moment) for moment in rotation.moments]
    return ", ".join([*rules, *rotation.ask]) or "off"


def _moment_text(moment: Moment) -> str:
    hours, rest = divmod(moment.second, 3600)
    minutes, seconds = divmod(rest, 60)
    time = f"{hours:02d}:{minutes:02d}" + (f":{seconds:02d}" if seconds else "")
    if moment.unit == "day":
        text = time
    else:
        words = {unit: word for word, unit in _UNITS.items()} | {"week": _DAYS[moment.weekday]}
        text = words[moment.unit] + (f" at {time}" if moment.second else "")
    return f"{text} {moment.zone}" if moment.zone else text

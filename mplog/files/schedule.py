"""When a file's time is over: decided from when it was begun, and from nothing else.

Days, weeks, months and years end when the clock on the wall first shows the time or one after it.
So a time that a change to summer time leaves out comes with the change, and one that the change
back shows twice comes at the first; either ends one file. Hours are real ones.

Nothing of this is kept anywhere: a file was begun with its first line, and not before the newest
archive was set aside. Whoever writes it next, after a minute or a month, decides the same.
"""

from __future__ import annotations

import calendar
import datetime
import re
from collections.abc import Callable

from mplog.config import Moment, Rotation

SECOND_NS = 1_000_000_000
# A clock that is put back by less than this makes nothing begin anew, and nothing end twice.
PATIENCE_NS = 86_400 * SECOND_NS
HEAD_BYTES = 64
_TIME = re.compile(rb"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?Z")
_DAY = datetime.timedelta(days=1)
_EPOCH = datetime.datetime(1970, 1, 1)


def due_ns(rotation: Rotation, begun_ns: int) -> int | None:
    """When a file's time is over; None where no time ends it.

    Args:
        begun_ns: when it was begun, nanoseconds since 1970.

    Raises:
        LookupError, OSError: a time zone is not known here.
    """
    begun_s = begun_ns // SECOND_NS
    due = [next_moment(moment, begun_s) * SECOND_NS for moment in rotation.moments]
    if rotation.every_s is not None:
        due.append(begun_ns + round(rotation.every_s * SECOND_NS))
    return min(due, default=None)


def begun_ns(head: bytes, otherwise_ns: int, rotated_ns: int, now_ns: int) -> int:
    """When a file was begun.

    Args:
        head: its first bytes; its first line begins with the time of its first event.
        otherwise_ns: of a file whose first line is none of ours: when it was written.
        rotated_ns: when the file before it was set aside; an event from before that is late.
        now_ns: what lies a day and more ahead of it was told by a clock that was wrong.
    """
    first_ns = _time_in(head)
    begun = max(otherwise_ns if first_ns is None else first_ns, rotated_ns)
    if begun > now_ns + PATIENCE_NS:
        begun = first_ns if first_ns is not None and first_ns <= now_ns else now_ns
    return max(begun, 0)


def _time_in(head: bytes) -> int | None:
    match = _TIME.search(head[:HEAD_BYTES])
    if match is None:
        return None
    try:
        at = datetime.datetime(*(int(part) for part in match.groups()[:6]))  # type: ignore[arg-type]
    except ValueError:
        return None
    return _seconds(at) * SECOND_NS + int((match[7] or b"").ljust(9, b"0"))


def next_moment(moment: Moment, after_s: int) -> int:
    """The first time of *moment* after *after_s*, both in seconds since 1970."""
    clock = Clock(moment.zone)
    if moment.unit == "hour":
        return _next_hour(clock, after_s)
    time = datetime.timedelta(seconds=moment.second)
    day = datetime.datetime.combine(clock.wall(after_s).date(), datetime.time())
    while True:  # every moment comes within a year
        at_s = clock.first(day + time) if _begins(moment, day) else after_s
        if at_s > after_s:
            return at_s
        day += _DAY


def _begins(moment: Moment, day: datetime.datetime) -> bool:
    if moment.unit == "week":
        return day.weekday() == moment.weekday
    return moment.unit == "day" or (day.day == 1 and (moment.unit == "month" or day.month == 1))


def _next_hour(clock: Clock, after_s: int) -> int:
    end_s = after_s + 3600 - _in_hour(clock.wall(after_s))
    ahead_s = clock.ahead_s(after_s)
    if clock.ahead_s(end_s) == ahead_s:
        return end_s
    turn_s = _first(lambda at_s: clock.ahead_s(at_s) != ahead_s, after_s, end_s)
    before, at = clock.wall(turn_s - 1), clock.wall(turn_s)
    if _in_hour(at) == 0 or _seconds(at) // 3600 > _seconds(before) // 3600:
        return turn_s
    return turn_s + 3600 - _in_hour(at)


def _in_hour(wall: datetime.datetime) -> int:
    return wall.minute * 60 + wall.second


def _seconds(wall: datetime.datetime) -> int:
    return calendar.timegm(wall.timetuple())


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The first number above *low* for which it *holds*; it holds for *high*."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


class Clock:
    """What the clocks on the walls of a place show.

    Args:
        zone: "" for this machine's own, "UTC", or the name of a time zone.

    Raises:
        LookupError, OSError: the zone is not known here.
    """

    def __init__(self, zone: str) -> None:
        self._zone: datetime.tzinfo | None = None
        if zone == "UTC":
            self._zone = datetime.timezone.utc
        elif zone:
            from zoneinfo import ZoneInfo  # for the few who name one

            self._zone = ZoneInfo(zone)

    def wall(self, at_s: int) -> datetime.datetime:
        """What they show at this second since 1970."""
        return datetime.datetime.fromtimestamp(at_s, self._zone).replace(tzinfo=None, fold=0)

    def ahead_s(self, at_s: int) -> int:
        """How far they are ahead of UTC."""
        return _seconds(self.wall(at_s)) - at_s

    def first(self, wall: datetime.datetime) -> int:
        """The second at which they first show *wall* or a time after it."""
        at_s = self._at(wall, fold=0)
        if self.wall(at_s) == wall:
            return at_s
        # They are put forward over it: by then they show more, by the time before the gap less.
        return _first(lambda s: self.wall(s) >= wall, self._at(wall, fold=1), at_s)

    def _at(self, wall: datetime.datetime, fold: int) -> int:
        return int(wall.replace(tzinfo=self._zone, fold=fold).timestamp())

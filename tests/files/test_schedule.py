"""A file's time is over once for each time of the clock, whatever is done to the clock."""

from __future__ import annotations

import datetime
import time
import zoneinfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mplog.config.rotation import Moment, Rotation, parse_rotation
from mplog.files.schedule import PATIENCE_NS, SECOND_NS, Clock, begun_ns, due_ns, next_moment

HOUR_S, DAY_S = 3600, 86_400
# Half an hour of summer time; a day left out (2011-12-30); a whole day in one step back (1993,
# the other way); changes at midnight; no changes at all.
ZONES = [
    "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "America/Havana",
    "Asia/Kathmandu", "Africa/Casablanca", "UTC",
]  # fmt: skip


def at(text, zone="UTC"):
    """Seconds since 1970 of a time there; of two equal ones the first."""
    wall = datetime.datetime.fromisoformat(text)
    return int(wall.replace(tzinfo=zoneinfo.ZoneInfo(zone)).timestamp())


def shown(at_s, zone):
    return datetime.datetime.fromtimestamp(at_s, zoneinfo.ZoneInfo(zone)).replace(tzinfo=None)


def marks(moment, low, high):
    """All times of the wall clock in (low, high] that end a file."""
    if moment.unit == "hour":
        mark, step = low.replace(minute=0, second=0), datetime.timedelta(hours=1)
    else:
        mark = datetime.datetime.combine(low.date(), datetime.time())
        mark += datetime.timedelta(seconds=moment.second)
        step = datetime.timedelta(days=1)
    while mark <= high:
        fits = {
            "hour": True, "day": True, "week": mark.weekday() == moment.weekday,
            "month": mark.day == 1, "year": (mark.month, mark.day) == (1, 1),
        }[moment.unit]  # fmt: skip
        if mark > low and fits:
            return True
        mark += step
    return False


def minute_by_minute(moment, after_s):
    """Look at the clock every minute from a day before on, and remember the latest it has shown."""
    minute = after_s // 60 * 60
    highest = max(shown(s, moment.zone) for s in range(minute - 26 * HOUR_S, minute + 1, 60))
    while True:
        minute += 60
        wall = shown(minute, moment.zone)
        if moment.unit == "hour":
            # A real hour: the one that comes twice ends twice.
            before = shown(minute - 60, moment.zone)
            if wall.minute == 0 or marks(moment, before, wall):
                return minute
        elif wall > highest and marks(moment, highest, wall):
            return minute
        highest = max(highest, wall)


CHANGES = {
    "Europe/Berlin": ["2026-03-29T01:00", "2026-10-25T01:00"],
    "America/New_York": ["2026-03-08T07:00", "2026-11-01T06:00"],
    "Australia/Lord_Howe": ["2026-04-04T15:00", "2026-10-03T15:30"],
    "Pacific/Apia": ["2011-12-30T10:00", "2011-04-02T14:00"],
    "America/Havana": ["2026-03-08T05:00", "2026-11-01T05:00"],
    "Africa/Casablanca": ["2026-02-15T02:00", "2026-03-22T02:00"],
    "Asia/Kathmandu": ["2026-01-01T00:00"],
    "UTC": ["2024-02-29T12:00", "2026-12-31T23:00"],
}
moments = st.builds(
    Moment,
    st.sampled_from(["hour", "day", "day", "week"]),
    st.integers(0, 6),
    st.one_of(st.integers(0, 1439).map(lambda m: m * 60), st.sampled_from([0, 5400, 9000, 7200])),
    st.sampled_from(ZONES),
)


@settings(max_examples=150, deadline=None)
@given(moments, st.integers(0, 9), st.integers(-40 * HOUR_S, 30 * HOUR_S))
@example(Moment("day", 0, 9000, "Europe/Berlin"), 0, -3600)
@example(Moment("day", 0, 9000, "Europe/Berlin"), 1, -1800)
@example(Moment("day", 0, 9000, "Europe/Berlin"), 1, 1800)
@example(Moment("hour", 0, 0, "Europe/Berlin"), 0, -600)
@example(Moment("hour", 0, 0, "Europe/Berlin"), 1, -600)
@example(Moment("hour", 0, 0, "Australia/Lord_Howe"), 0, -600)
@example(Moment("hour", 0, 0, "Australia/Lord_Howe"), 1, -600)
@example(Moment("day", 0, 0, "Pacific/Apia"), 0, -3600)
def test_the_same_as_looking_at_the_clock_every_minute(moment, change, off_s):
    """Around every change of the clocks, and away from it, in eight zones."""
    if moment.unit == "hour":
        moment = Moment("hour", zone=moment.zone)
    times = CHANGES[moment.zone]
    after_s = at(times[change % len(times)]) + off_s

    assert minute_by_minute(moment, after_s) == next_moment(moment, after_s)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["month", "year"]), st.sampled_from(ZONES),
    st.integers(at("1995-01-01"), at("2080-01-01")), st.sampled_from([0, 9000, 86_399]),
)  # fmt: skip
def test_months_and_years_begin_on_their_first(unit, zone, after_s, second):
    """The next first of a month, or of January, that is still to come."""
    next_s = next_moment(Moment(unit, 0, second, zone), after_s)
    before, found = shown(after_s, zone), shown(next_s, zone)

    assert next_s > after_s
    assert 1 == found.day
    assert unit == "month" or 1 == found.month
    assert (
        0
        <= (found.year - before.year) * 12 + found.month - before.month
        <= (1 if unit == "month" else 12)
    )


@pytest.mark.parametrize(
    ("rule", "begun", "due"),
    [
        ("00:00 UTC", "2026-11-22T23:59:59", "2026-11-23T00:00:00"),
        ("00:00 UTC", "2026-11-23T00:00:00", "2026-11-24T00:00:00"),
        ("daily UTC", "2026-11-22T08:00:00", "2026-11-23T00:00:00"),
        ("hourly UTC", "2026-11-22T08:59:59", "2026-11-22T09:00:00"),
        ("sunday UTC", "2026-11-22T08:00:00", "2026-11-29T00:00:00"),
        ("monday at 03:00 UTC", "2026-11-23T02:59:59", "2026-11-23T03:00:00"),
        ("weekly UTC", "2026-11-22T08:00:00", "2026-11-23T00:00:00"),
        ("monthly UTC", "2026-11-22T08:00:00", "2026-12-01T00:00:00"),
        ("yearly UTC", "2024-02-29T08:00:00", "2025-01-01T00:00:00"),
        ("12 h", "2026-11-22T08:00:00", "2026-11-22T20:00:00"),
        ("12 h, 10:00 UTC", "2026-11-22T08:00:00", "2026-11-22T10:00:00"),
        ("02:30 Europe/Berlin", "2026-03-28T12:00:00", "2026-03-29T01:00:00"),
        ("02:30 Europe/Berlin", "2026-10-24T12:00:00", "2026-10-25T00:30:00"),
        ("02:30 Europe/Berlin", "2026-10-25T00:30:00", "2026-10-26T01:30:00"),
    ],
)
def test_due(rule, begun, due):
    """Of several rules the first to come; a time that is left out comes with the change."""
    found = due_ns(parse_rotation(rule), at(begun) * SECOND_NS)

    assert at(due) * SECOND_NS == found


def test_a_size_alone_is_never_due():
    """No time ends such a file."""
    assert due_ns(Rotation(size_bytes=1), 0) is None


@pytest.mark.parametrize(
    ("zone", "rule"),
    [
        ("Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0/3"),
        ("America/New_York", "EST5EDT,M3.2.0,M11.1.0"),
        ("Australia/Lord_Howe", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0/2"),
        ("Asia/Kathmandu", "<+0545>-5:45"),
        ("UTC", "UTC0"),
    ],
)
def test_the_clock_of_this_machine_is_one_like_the_others(zone, rule, monkeypatch):
    """Without a name of a zone the machine's own counts, by the same rules."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", rule)
        time.tzset()
        try:
            for change in CHANGES[zone]:
                for off_s in range(-30 * HOUR_S, 30 * HOUR_S, 4321):
                    for second in (0, 9000, 8100):
                        here, there = Moment("day", 0, second), Moment("day", 0, second, zone)
                        after_s = at(change) + off_s
                        assert next_moment(there, after_s) == next_moment(here, after_s)
        finally:
            patch.undo()
            time.tzset()


def test_an_unknown_zone_is_an_error():
    """It is not taken for another one."""
    with pytest.raises(LookupError):
        Clock("Europe/Atlantis")


NOW = at("2026-11-22T12:00:00") * SECOND_NS


@pytest.mark.parametrize(
    ("head", "rotated", "begun"),
    [
        (b'{"timestamp":"2026-11-22T08:00:00.5Z","level":', 0, "2026-11-22T08:00:00"),
        (b"timestamp=2026-11-22T08:00:00.000000001Z level=INFO", 0, "2026-11-22T08:00:00"),
        (b"2026-11-22T08:00:00Z INFO     shop", 0, "2026-11-22T08:00:00"),
        (b'{"timestamp":"2026-11-21T23:59:59Z"', "2026-11-22T00:00:00", "2026-11-22T00:00:00"),
        (b"somebody else's line", 0, "2026-11-20T00:00:00"),
        (b'{"timestamp":"2026-13-45T08:00:00Z"', 0, "2026-11-20T00:00:00"),
        (b'{"timestamp":"2106-02-07T06:28:15Z"', 0, "2026-11-22T12:00:00"),
        (b'{"timestamp":"2026-11-22T08:00:00Z"', "2106-02-07T00:00:00", "2026-11-22T08:00:00"),
        (b'{"timestamp":"0001-01-01T00:00:00Z"', 0, "1970-01-01T00:00:00"),
        (b'{"timestamp":"2026-11-22T13:00:00Z"', 0, "2026-11-22T13:00:00"),
    ],
)
def test_a_file_was_begun_with_its_first_line(head, rotated, begun):
    """Or when the one before it was set aside, if that is later; a wrong clock is not believed."""
    rotated_ns = at(rotated) * SECOND_NS if rotated else 0
    found = begun_ns(head, at("2026-11-20T00:00:00") * SECOND_NS, rotated_ns, NOW)

    assert at(begun) == found // SECOND_NS


def test_a_clock_that_is_put_back_ends_nothing_twice():
    """Midnight has been; the clock goes back over it, and comes to it again: the file goes on."""
    rule = parse_rotation("00:00 UTC")
    rotated_ns = at("2026-11-22T00:00:00") * SECOND_NS
    now_ns = rotated_ns - HOUR_S * SECOND_NS
    head = b'{"timestamp":"2026-11-21T23:00:01Z"'

    assert PATIENCE_NS > HOUR_S * SECOND_NS
    assert at("2026-11-23T00:00:00") * SECOND_NS == due_ns(
        rule, begun_ns(head, now_ns, rotated_ns, now_ns)
    )

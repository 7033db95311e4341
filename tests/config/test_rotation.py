"""When a file is set aside, as people write it: loguru's words, and a few more."""

import datetime
import json
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mplog.config import KEYS, Moment, Retention, Rotation
from mplog.config.load import load
from mplog.config.rotation import RIGHT
from mplog.config.wrong import WrongValue

parse, text = KEYS["rotation"].parse, KEYS["rotation"].text
DAILY = Moment("day")


def at(*moments):
    return Rotation(moments=moments)


@pytest.mark.parametrize(
    ("value", "rotation"),
    [
        ("20 MB", Rotation(20_000_000)),
        (20_000_000, Rotation(20_000_000)),
        ("512", Rotation(512)),
        ("0.5 GB", Rotation(500_000_000)),
        ("1 day", Rotation(every_s=86_400)),
        ("1 week", Rotation(every_s=604_800)),
        ("1 month", Rotation(every_s=2_628_000)),
        ("90 min", Rotation(every_s=5_400)),
        (datetime.timedelta(hours=12), Rotation(every_s=43_200)),
        ("00:00", at(DAILY)),
        ("midnight", at(DAILY)),
        ("daily", at(DAILY)),
        ("hourly", at(Moment("hour"))),
        ("weekly", at(Moment("week"))),
        ("monthly", at(Moment("month"))),
        ("yearly", at(Moment("year"))),
        ("Sunday", at(Moment("week", 6))),
        ("monday at 12:00", at(Moment("week", 0, 43_200))),
        ("w2 at 03:30:15", at(Moment("week", 2, 12_615))),
        ("daily at 3:00", at(Moment("day", 0, 10_800))),
        ("18:00", at(Moment("day", 0, 64_800))),
        ("6 pm", at(Moment("day", 0, 64_800))),
        ("12:30 am", at(Moment("day", 0, 1_800))),
        ("12 pm", at(Moment("day", 0, 43_200))),
        ("00:00 utc", at(Moment("day", zone="UTC"))),
        ("sunday at 02:30 Europe/Berlin", at(Moment("week", 6, 9_000, "Europe/Berlin"))),
        ("hourly Asia/Kathmandu", at(Moment("hour", zone="Asia/Kathmandu"))),
        (datetime.time(3, 0, 1), at(Moment("day", 0, 10_801))),
        (datetime.time(3, tzinfo=datetime.timezone.utc), at(Moment("day", 0, 10_800, "UTC"))),
        (datetime.time(3, tzinfo=ZoneInfo("UTC")), at(Moment("day", 0, 10_800, "UTC"))),
        (
            datetime.time(3, tzinfo=ZoneInfo("Europe/Berlin")),
            at(Moment("day", 0, 10_800, "Europe/Berlin")),
        ),
        ("app.rules:wanted", Rotation(ask=("app.rules:wanted",))),
        ("rules:Rules.wanted", Rotation(ask=("rules:Rules.wanted",))),
        (json.dumps, Rotation(ask=("json:dumps",))),
        (["100 MB", "00:00"], Rotation(100_000_000, None, (DAILY,))),
        ("100 MB, 00:00", Rotation(100_000_000, None, (DAILY,))),
        (("1 GB", "1 MB", "2 h", "1 h"), Rotation(1_000_000, 3_600)),
        (["sunday", "daily", "00:00"], at(DAILY, Moment("week", 6))),
        ([], Rotation()),
        (None, Rotation()),
        ("", Rotation()),
        ("Off", Rotation()),
    ],
    ids=lambda value: getattr(value, "__name__", None) or str(value)[:30],
)
def test_right_values_are_taken(value, rotation):
    """Sizes, intervals, times, names, and lists of them; and what is shown may be written."""
    assert rotation == parse(value)
    assert rotation == parse(text(rotation))
    assert rotation == parse(rotation)


def local():
    def inner():
        return True

    return inner


NO_TIME = "is no time of the day"
NOTHING = "is no size, interval or time"
NAMELESS = "has no name by which the writer could import it"


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("20 MX", NOTHING),
        ("1e5", NOTHING),
        ("fortnightly", NOTHING),
        ("monday at", NOTHING),
        ("a:b:c", NOTHING),
        ("25:00", NO_TIME),
        ("monday at 24:00", NO_TIME),
        ("monday at 12", NO_TIME),
        ("13 pm", NO_TIME),
        ("0 am", NO_TIME),
        ("12:60", NO_TIME),
        ("hourly at 3:00", "names a time of the day for every hour"),
        ("0.5 s", "is not an interval from 1 s to 366 days"),
        (datetime.timedelta(-1), "is not an interval from 1 s to 366 days"),
        ("400 d", "is longer than 366 days"),
        (0, "leaves no room for an event"),
        ("0 MB", "leaves no room for an event"),
        (-1, "is negative"),
        (1.5, "is not a size"),
        (True, "is not a size"),
        (object, "is not a size"),
        (lambda: True, NAMELESS),
        (local(), NAMELESS),
        ("00:00 Mars/Base", "names an unknown time zone"),
        ("00:00 ../etc/passwd", NO_TIME),
        (
            datetime.time(tzinfo=datetime.timezone(datetime.timedelta(hours=1))),
            "is in a time zone without a name",
        ),
        (["100 MB"] * 33, "has more than 32 rules"),
        ("x" * 300, "is not a rotation"),
        ("٣:00", "is not a rotation"),
    ],
    ids=lambda value: getattr(value, "__name__", None) or str(value)[:30],
)
def test_wrong_values_are_told(value, wrong):
    """The value, what is wrong with it, and what would be right."""
    with pytest.raises(WrongValue) as caught:
        parse(value)
    assert f" {wrong}" in caught.value.found
    assert caught.value.right


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("mondey", f'"mondey" is no size, interval or time; did you mean "monday"? Else {RIGHT}'),
        ("daily,", f'"" is not a rotation; {RIGHT}'),
        (["100 MB", "0 B"], f'"0 B" leaves no room for an event; {RIGHT}'),
    ],
)
def test_the_one_rule_that_is_wrong_is_named(value, found):
    """Of a list, too; and the word that was meant."""
    with pytest.raises(WrongValue) as caught:
        parse(value)
    assert found == str(caught.value)


def test_a_function_of_the_main_program_is_refused(monkeypatch):
    """The writer is another program: it has no __main__ of this one."""

    def asked(state):
        return False

    monkeypatch.setattr(asked, "__module__", "__main__")
    monkeypatch.setattr(asked, "__qualname__", "asked")
    with pytest.raises(WrongValue, match=NAMELESS):
        parse(asked)


names = st.from_regex(r"\A[a-z_]\w{0,5}(\.[a-z]\w{0,5})?:[a-z]\w{0,5}\Z")
zones = st.sampled_from(["", "UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"])
seconds = st.integers(0, 86_399)
any_moment = st.one_of(
    st.builds(Moment, st.just("week"), st.integers(0, 6), seconds, zones),
    st.builds(Moment, st.sampled_from(["day", "month", "year"]), st.just(0), seconds, zones),
    st.builds(Moment, st.just("hour"), zone=zones),
)


@given(
    st.builds(
        Rotation,
        st.one_of(st.none(), st.integers(1, 2**62)),
        st.one_of(st.none(), st.floats(1, 366 * 86_400)),
        st.sets(any_moment, max_size=3).map(lambda found: tuple(sorted(found))),
        st.lists(names, max_size=2, unique=True).map(tuple),
    )
)
def test_what_is_shown_may_be_written(rotation):
    """For every rotation that there is."""
    assert rotation == parse(text(rotation))


def test_toml_has_lists_tables_and_times(tmp_path):
    """As TOML writes them: an array, an inline table, a time without quotes."""
    path = tmp_path / "app.toml"
    path.write_text(
        'rotation = ["20 MB", 03:00:00]\n'
        'retention = {count = 3, age = "30 days"}\n'
        'compression = "gzip"\n'
    )
    found = load(toml=path).settings

    assert Rotation(20_000_000, None, (Moment("day", 0, 10_800),)) == found.rotation
    assert Retention(3, 2_592_000) == found.retention
    assert "gzip" == found.compression

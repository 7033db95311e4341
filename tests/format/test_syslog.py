"""Messages of RFC 5424, read back by a strict reader of its grammar."""

from __future__ import annotations

import msgspec
import pytest
import rfc5424
from hypothesis import given, settings
from hypothesis import strategies as st

from mplog.config.syslog import FACILITIES
from mplog.errors import UsageError
from mplog.event.event import Event, ExceptionInfo, Frame, Stamped
from mplog.format.json import JsonFormat
from mplog.format.syslog import SyslogFormat, severity
from mplog.format.text import visible

STAMPED = Stamped(1_795_334_400_123_456_789, 20, 0, 0, "0123456789ab-1-7", 42, 1234, "Main")
ID = "mplog@32473"
HOSTILE = st.text(
    st.one_of(
        st.sampled_from('\n\r\t\x00\x1b\x85\u2028\u2029\u202e\ufeff"\\]=[ <>~_é𝄞'), st.characters()
    ),
    max_size=60,
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.binary(max_size=9), HOSTILE),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(HOSTILE, inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = st.one_of(HOSTILE, st.sampled_from(["seq", "level", "cut", "a b", "a_b", "x" * 40]))
EVENTS = st.builds(
    Event,
    HOSTILE,
    HOSTILE,
    st.dictionaries(NAMES, VALUES, max_size=6),
    st.none() | st.dictionaries(NAMES, VALUES, max_size=3),
    HOSTILE,
    st.integers(0, 1 << 40),
    HOSTILE,
    st.integers(0, 1 << 63),
    HOSTILE,
    st.none() | HOSTILE,
    st.none() | st.builds(ExceptionInfo, HOSTILE, HOSTILE, st.just([Frame("f", 1, "g", "h")])),
    st.none() | HOSTILE,
    st.none() | st.lists(VALUES, max_size=3),
)
STAMPS = st.builds(
    Stamped,
    st.integers(-(1 << 63), 1 << 64),
    st.integers(0, 255),
    st.integers(0, 1),
    st.integers(0, 15),
    HOSTILE,
    st.integers(0, 1 << 62),
    st.integers(0, 1 << 31),
    HOSTILE,
)


def told(event, stamped=STAMPED, **options):
    """The message, as the strict reader has it."""
    return rfc5424.read(SyslogFormat(host="h", **options).message(event, stamped))


@settings(max_examples=200, deadline=None)
@given(EVENTS, STAMPS, st.integers(480, 4_000), st.booleans())
def test_every_event_is_one_message_by_the_grammar(event, stamped, limit, as_json):
    """Whatever it holds: within the limit, on one line, nothing that steers a terminal."""
    body = JsonFormat() if as_json else None
    form = SyslogFormat(host="h", app="é\n x" * 20, max_bytes=limit, body=body)

    message = form.message(event, stamped)

    read = rfc5424.read(message)
    assert len(message) <= limit
    text = message.decode().replace("\ufeff", "", 1)
    assert visible(text) == text
    assert "h" == read.host
    assert str(stamped.pid or "-") == read.procid
    assert (1, severity(stamped.level)) == (read.facility, read.severity)
    if stamped.session:
        assert visible(stamped.session).startswith(read.data[ID]["session"].rstrip("…"))


@settings(max_examples=200, deadline=None)
@given(EVENTS, STAMPS)
def test_what_is_not_cut_comes_back_whole(event, stamped):
    """Every text field under its name, or where the alphabet takes no such name under one alike."""
    message = SyslogFormat(max_bytes=1 << 20).message(event, stamped)

    data = rfc5424.read(message).data[ID]

    texts = sorted(visible(v) for v in event.fields.values() if isinstance(v, str))
    values = list(data.values())
    for text in texts:
        assert text in values
        values.remove(text)
    if stamped.flags & 1:
        assert "true" == data["cut"]
    else:
        assert "cut" not in data


def test_the_header_says_who_and_when():
    """Priority, microseconds of UTC, host, application, pid, logger."""
    read = told(Event("shop.db", "slow"), facility="local3", app="shop")

    assert (19, 6) == (read.facility, read.severity)
    assert "2026-11-22T08:00:00.123456Z" == read.time
    assert ("h", "shop", "1234", "shop.db") == (read.host, read.app, read.procid, read.msgid)
    assert "slow" == read.text


@pytest.mark.parametrize(
    ("level", "expected"),
    [(0, 7), (5, 7), (10, 7), (20, 6), (25, 5), (30, 4), (35, 4), (40, 3), (50, 2), (255, 2)],
)
def test_levels_have_severities(level, expected):
    """The table of ours and of syslog's levels; what lies between is the lower one."""
    stamped = msgspec.structs.replace(STAMPED, level=level)

    assert expected == told(Event("l", "m"), stamped).severity


def test_facilities_are_those_of_the_rfc():
    """By name, from 0 to 23."""
    assert 24 == len(set(FACILITIES))
    known = {"kern": 0, "daemon": 3, "authpriv": 10, "cron": 9, "local0": 16, "local7": 23}
    assert known == {name: FACILITIES.index(name) for name in known}


def test_fields_are_structured_data():
    """Texts as they are, containers as JSON, our own names not to be forged."""
    event = Event("l", "user {u}", {"u": 'a"]\\', "seq": 7, "n": 1.5, "l": [1, {"k": None}]})

    data = told(event).data[ID]

    assert {"u": 'a"]\\', "field_seq": "7", "n": "1.5", "l": '[1,{"k":null}]'} == {
        key: data[key] for key in ("u", "field_seq", "n", "l")
    }
    assert ("0123456789ab-1-7", "42", "INFO", "l") == tuple(
        data[key] for key in ("session", "seq", "level", "logger")
    )


def test_names_are_held_to_their_alphabet_and_do_not_clash():
    """What the grammar takes no name of is `_`; names that become equal are numbered."""
    long = "x" * 40
    fields = {
        "a b": 1,
        "a_b": 2,
        "a=b": 3,
        "": 4,
        long: 5,
        long + "y": 6,
        "cut": 7,
        "é": 8,
        "x.y": 9,
    }

    data = told(Event("l", "m", fields)).data[ID]

    expected = {
        "a_b": "2", "a_b~2": "1", "a_b~3": "3", "_": "4", "x" * 32: "5", "x" * 30 + "~2": "6",
        "field_cut": "7", "x_y": "9", "_~2": "8",
    }  # fmt: skip
    assert expected == {key: data.get(key) for key in expected}


@pytest.mark.parametrize("limit", [480, 481, 1_024, 8_192])
def test_a_long_message_is_cut_between_characters_and_says_so(limit):
    """The text keeps half of the room, who and what stays, the traceback goes first."""
    info = ExceptionInfo("E", "why", [Frame("f" * 500, 1, "g", "t" * 5_000)])
    event = Event("l", "é𝄞" * 9_000, {"user": "ann", "big": "\\" * 9_000}, exception=info)

    message = SyslogFormat(host="h", max_bytes=limit).message(event, STAMPED)

    read = rfc5424.read(message)
    assert limit - 40 < len(message) <= limit
    assert "true" == read.data[ID]["cut"]
    assert "ann" == read.data[ID]["user"]
    assert "42" == read.data[ID]["seq"]
    assert read.text.endswith("…")
    assert read.text[:-1] == ("é𝄞" * 9_000)[: len(read.text) - 1]


def test_a_message_that_just_fits_is_not_cut():
    """At the limit nothing is lost, a byte below something is."""
    event = Event("l", "é" * 1_000)
    whole = SyslogFormat(host="h").message(event, STAMPED)

    same = SyslogFormat(host="h", max_bytes=len(whole)).message(event, STAMPED)
    less = SyslogFormat(host="h", max_bytes=len(whole) - 1).message(event, STAMPED)

    assert whole == same
    assert "cut" in rfc5424.read(less).data[ID]


def test_ascii_needs_no_mark_and_it_can_be_left_out():
    """A byte order mark stands before what is not ASCII, unless it was refused."""
    plain = SyslogFormat().message(Event("l", "m"), STAMPED)
    unmarked = SyslogFormat(bom=False).message(Event("l", "é"), STAMPED)

    assert not rfc5424.read(plain).bom
    assert unmarked.endswith("] é".encode())


def test_a_notice_has_its_name_as_the_kind_of_message():
    """The service's own lines: their keys are not renamed, and no number is made up."""
    keys = {"event_name": "mplog.drop", "session": "s", "count": 3}
    stamped = msgspec.structs.replace(STAMPED, session="", seq=0, pid=0)

    read = told(Event("mplog", "3 events dropped", keys), stamped)

    assert ("mplog.drop", "-") == (read.msgid, read.procid)
    assert {"session": "s", "count": "3"} == {k: read.data[ID][k] for k in ("session", "count")}
    assert "seq" not in read.data[ID]


def test_another_format_can_make_the_text():
    """A line of JSON as the text; the structured data says which event it is."""
    read = told(Event("l", "m", {"a": 1}), body=JsonFormat())

    assert 1 == msgspec.json.decode(read.text)["a"]
    assert "42" == read.data[ID]["seq"]
    assert "a" not in read.data[ID]


class Unshowable:
    """Raises where it is to be shown."""

    def __repr__(self):
        raise RuntimeError

    def line(self, event, stamped):
        """A format that breaks its word."""
        raise RuntimeError


@pytest.mark.parametrize("body", [None, Unshowable()])
def test_what_cannot_be_shown_leaves_a_message_with_its_number(body):
    """A value, or a format, that raises."""
    read = told(Event("l", "m", {"x": Unshowable()}), body=body)

    assert ("unreadable event", "42") == (read.text, read.data[ID]["seq"])


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"facility": "locals"}, "facility"),
        ({"sd_id": "mplog"}, "sd_id"),
        ({"sd_id": "a b@1"}, "sd_id"),
        ({"sd_id": "a@0"}, "sd_id"),
        ({"sd_id": "a" * 30 + "@12345"}, "sd_id"),
        ({"max_bytes": 479}, "max_bytes"),
        ({"max_bytes": 1 << 30}, "max_bytes"),
    ],
)
def test_wrong_options_are_named(options, place):
    """The place, the value, and what would be right."""
    with pytest.raises(UsageError, match=rf"^syslog {place}: .*; (give|did you mean) "):
        SyslogFormat(**options)


def test_a_notice_about_a_process_says_that_ones_name():
    """Its keys are what it is about, the end of a worker's session for one."""
    keys = {"event_name": "mplog.session.end", "process.name": "worker 3", "message": "ended"}
    stamped = Stamped(STAMPED.wall_ns, 20, 0, 0, "", 0, 0, "")

    told = rfc5424.read(SyslogFormat().message(Event("mplog", "{message}", keys), stamped))

    assert "worker 3" == told.data[ID]["process.name".replace(".", "_")]
    assert "ended" == told.text

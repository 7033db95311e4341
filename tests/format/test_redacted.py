"""No format shows what looks like a secret; the core declines it, and makes the rest as before."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mplog import _native
from mplog.config.limits import REDACTED as NAMES
from mplog.event.codec import ENCODER, bounded, decode
from mplog.event.event import Event, ExceptionInfo, Frame, Stamped
from mplog.format import FORMATS, formatter
from mplog.format.redacted import redacted

STAMPED = Stamped(1_795_334_400_123_456_789, 20, 0, 0, "0123456789ab-1-7", 42, 1234, "Main")
CANARY = "S3cr3t-canary"


@pytest.fixture(autouse=True)
def _usual_names():
    _native.set_redaction(NAMES)


def native(name, event, kind=0):
    """What the core makes of it."""
    s = STAMPED
    head = (s.wall_ns, s.level, kind, s.flags, s.session, s.seq, s.pid, s.process_name)
    return _native.format_line(
        _native.FORMATS[name], *head, ENCODER.encode(event), 1 << 20, 0, True
    )


def both(name, event, kind=0):
    """The line, by Python; and whether the core made it, which then is the same."""
    stamped = msgspec.structs.replace(STAMPED, kind=kind)
    decoded = decode(ENCODER.encode(event))
    assert decoded is not None
    line = formatter(name, redacts=True).line(decoded, stamped)
    made = native(name, event, kind)
    assert made in (line, -1)
    return line, made != -1


info = ExceptionInfo(
    f"password={CANARY}",
    f"login failed: token: {CANARY}",
    [Frame("a.py", 1, "f", f'login(password="{CANARY}")')],
    [f"Bearer {CANARY}"],
    ExceptionInfo("E", f"https://u:{CANARY}@h"),
    ExceptionInfo("E", f"token={CANARY}"),
    [ExceptionInfo("E", f"secret={CANARY}")],
)
PLACES = {
    "template": (Event("l", f"password={CANARY}"), 0),
    "template with fields": (Event("l", f"password={CANARY} {{n}}", {"n": 1}), 0),
    "message": (Event("l", "password={p} for {user}", {"p": CANARY, "user": "ann"}), 0),
    "message of two": (Event("l", "{scheme} {p}", {"scheme": "Bearer", "p": CANARY}), 0),
    "message of context": (Event("l", "token: {p}", {}, {"p": CANARY}), 0),
    "field": (Event("l", "x", {"a": f"password={CANARY}"}), 0),
    "nested": (Event("l", "x", {"a": [{"b": f"password={CANARY}"}]}), 0),
    "key": (Event("l", "x", {f"password={CANARY}": 1}), 0),
    "nested key": (Event("l", "x", {"a": {f"password={CANARY}": 1}}), 0),
    "context": (Event("l", "x", {}, {"a": f"Authorization: Basic {CANARY}"}), 0),
    "logger": (Event(f"app.password={CANARY}", "x"), 0),
    "args": (Event("l", "%s", args=[f"password={CANARY}"]), 1),
    "args together": (Event("l", "password=%s", args=[CANARY]), 1),
    "args by name": (Event("l", "password=%(p)s", args={"p": CANARY}), 1),
    "args that do not fit": (Event("l", "password", args=[f"token={CANARY}"]), 1),
    "exception": (Event("l", "x", exception=info), 0),
    "stack": (Event("l", "x", stack=f"login(password='{CANARY}')"), 0),
}


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize("place", PLACES)
def test_no_canary_gets_through(place, name):
    """Wherever it stands; what stands beside it is there."""
    event, kind = PLACES[place]
    line, in_c = both(name, event, kind)

    assert CANARY.encode() not in line
    assert b"[redacted]" in line
    assert not in_c


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize(
    "event",
    [
        Event("l", "user {user} at {at}", {"user": "ann", "at": "12:30"}),
        Event("l", "GET {url}: {n}", {"url": "http://h:80/be?a=b", "n": 123456789012}),
        Event("l", "ts={ts} id={id}", {"ts": 1795334400123456789, "id": "20261122080000"}),
        Event("l", "tokens={n}", {"n": 5, "password": "[redacted]"}),
    ],
)
def test_what_only_looks_worth_a_look_is_made_in_c(event, name):
    """Times, URLs, numbers: they cost a closer look, and no Python."""
    _, in_c = both(name, event)

    assert in_c


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_message_too_long_to_be_looked_through_is_made_in_python(name):
    """One that might hold a secret."""
    event = Event("l", "at {time}: {text}", {"time": "12:30", "text": "x" * 5_000})

    line, in_c = both(name, event)

    assert b"12:30" in line
    assert not in_c


def test_a_number_in_a_message_is_hidden_as_text_is_and_stays_in_its_field():
    """A field that is a number is one; in the message it is text."""
    line, in_c = both("json", Event("l", "card {c}", {"c": 4111111111111111}))
    told = json.loads(line)

    assert not in_c
    assert ("card [redacted]", 4111111111111111) == (told["message"], told["c"])


def test_braces_in_a_message_that_was_made_plain_stay():
    """The message is a text then, and no template."""
    line, _ = both("json", Event("l", "password={p} {{x}} {y}", {"p": CANARY, "y": "{p}"}))

    assert "password=[redacted] {x} {p}" == json.loads(line)["message"]


def test_an_event_without_secrets_is_the_very_same():
    """Nothing is copied."""
    event = Event("l", "user {user}", {"user": "ann"}, exception=ExceptionInfo("E", "bad"))

    assert (event, STAMPED) == redacted(event, STAMPED)
    assert redacted(event, STAMPED)[0] is event


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_the_service_s_own_lines_hold_none(name):
    """A death's last event and traceback; an event that does not decode, in its first bytes."""
    form = formatter(name, redacts=True)
    text = f"password={CANARY}"
    notice = form.notice(1, 30, "mplog.death", text, {"traceback": text, "k": [text]})
    unreadable = form.unreadable(f"token={CANARY}".encode(), STAMPED)

    assert CANARY.encode() not in notice
    assert CANARY.encode() not in unreadable
    assert CANARY.encode().hex().encode() not in unreadable


TEXTS = st.lists(
    st.sampled_from(
        [
            "password",
            "token: ",
            "=",
            ":",
            "Bearer ",
            "http://a:",
            "@",
            "{a}",
            "{b}",
            "4111",
            " ",
            "1111",
            "-",
            '"',
            "\n",
            "é",
            "x",
        ]
    ),
    max_size=8,
).map("".join)
VALUES = st.one_of(TEXTS, st.sampled_from([1, 4111111111111111, 111111111111, 1.5, True, None]))
FIELDS = st.dictionaries(
    st.sampled_from(["a", "b", "c", "password=1"]),
    VALUES | st.lists(VALUES, max_size=2),
    max_size=3,
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(FORMATS)), TEXTS, TEXTS, FIELDS, st.none() | FIELDS)
def test_the_core_makes_the_same_line_or_none(name, logger, template, fields, context):
    """Whatever looks like a secret in whatever place, with what is kept of earlier lines too."""
    both(name, Event(logger, template, fields, context))


@settings(max_examples=200, deadline=None)
@given(TEXTS, TEXTS, FIELDS, st.none() | FIELDS, st.booleans())
def test_where_the_core_knows_of_no_secret_there_is_none(logger, template, fields, context, told):
    """What a sink gets as it is, redaction leaves as it is; so does what has an exception."""
    event = Event(logger, template, fields, context, exception=info if told else None)
    payload = ENCODER.encode(event)
    decoded = decode(payload)
    assert decoded is not None

    if _native.shows_no_secret(payload, 0):
        assert redacted(decoded, STAMPED)[0] is decoded
        assert not told


@pytest.mark.parametrize(
    "event",
    [
        Event("shop", "event {number} at 12:30", {"number": 5}, {"url": "http://a.example/b"}),
        Event("shop.cart", "to be or not to be", {"user": "bee", "id": 1_795_334_400_123}),
    ],
)
def test_what_only_looks_worth_a_look_is_known_to_hold_none(event):
    """Numbers, times and addresses of usual events need no second look in Python."""
    payload = ENCODER.encode(event)

    assert _native.may_hold_secret(payload)
    assert _native.shows_no_secret(payload, 0)
    for place, kind in PLACES.values():
        assert not _native.shows_no_secret(ENCODER.encode(place), kind)


@pytest.mark.parametrize("before", range(600, 1100, 7))
@pytest.mark.parametrize(
    ("head", "secret", "tail"),
    [
        ("postgres://ann:", "QQQQ" * 40, "@db"),
        ("password=", "QQQQ" * 40, ""),
        ('"token": "', "QQQQ" * 40, '"'),
        ("paid with ", "4111111111111111", ""),
    ],
)
def test_a_secret_that_an_event_s_bound_has_cut_in_two_is_hidden(before, head, secret, tail):
    """Wherever that was: in the message, a field, an exception, and what is left of their lines."""
    text = "x" * before + " " + head + secret + tail + " y" * 200
    error = ExceptionInfo("E", text, [Frame("a.py", 1, "f", text)], [text])

    for event in (Event("l", text), Event("l", "m {v}", {"v": text}), Event("l", "m", {}, None)):
        event.exception = None if event.fields or event.template == text else error
        payload, cut = bounded(event, 1024)
        made, _ = redacted(decode(payload), STAMPED)

        assert cut
        assert b"QQQQ" not in ENCODER.encode(made)
        assert b"4111111111111" not in ENCODER.encode(made)

"""Logs of logfmt are verified as those of JSON are: by the numbers that their lines carry."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mplog.event.event import Event, Stamped
from mplog.files import logfmt
from mplog.files.manifest import SessionRange
from mplog.files.scan import decode_logfmt, summarise
from mplog.files.verify import verify
from mplog.format import formatter

START_NS = 1_795_334_400_000_000_000
SESSION = "0123456789ab-1-7"


def event(form, seq, fields=None, session=SESSION, flags=0):
    stamped = Stamped(START_NS + seq, 20, 0, flags, session, seq, 1234, "a b")
    return formatter(form).line(Event("shop", "an {event}", fields or {"event": "x y"}), stamped)


def drop(form, first, last):
    keys = {"session": SESSION, "first": first, "last": last, "count": last - first + 1}
    keys["reasons"] = {"lane_full": {"INFO": last - first + 1}}
    return formatter(form).notice(START_NS, 30, "mplog.drop", "dropped", keys)


def end(form, last, dropped=0):
    keys = {"process.pid": 1, "process.name": "a b", "session": SESSION, "last": last}
    keys |= {"delivered": last - dropped, "filtered": 0, "dropped": dropped, "clean": True}
    return formatter(form).notice(START_NS, 20, "mplog.session.end", "session ended", keys)


def foreign(form, offset, size):
    keys = {"what": "foreign_bytes", "offset": offset, "bytes": size}
    return formatter(form).notice(START_NS, 30, "mplog.file", "the log file", keys)


def session(form):
    """Five events, of which the fourth was dropped, and the end."""
    events = [event(form, seq, flags=seq % 8) for seq in (1, 2, 3, 5)]
    unread = formatter(form).unreadable(b"\xc1", Stamped(START_NS, 20, 0, 0, SESSION, 6, 1, "p"))
    return [*events[:3], drop(form, 4, 4), events[3], unread, end(form, 6, dropped=1)]


DAMAGES = {
    "none": lambda lines: lines,
    "a line gone": lambda lines: lines[:1] + lines[2:],
    "the announcement gone": lambda lines: lines[:3] + lines[4:],
    "a line twice": lambda lines: lines[:2] + lines[1:],
    "two lines exchanged": lambda lines: [lines[1], lines[0], *lines[2:]],
    "the end gone": lambda lines: lines[:-1],
    "only the end": lambda lines: lines[-1:],
    "the last line torn": lambda lines: [*lines[:5], lines[5][:-3]],
    "a line torn": lambda lines: [*lines[:4], lines[4][:-10] + b"\n", *lines[5:]],
    "bytes of others": lambda lines: [*lines[:2], b"who are you\n", *lines[2:]],
    "a blank line": lambda lines: [*lines[:2], b"\n", *lines[2:]],
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_told_as_in_a_json_log(tmp_path, name):
    """The same findings and the same counts, for the same lines."""
    told = {}
    for form in ("json", "logfmt"):
        path = tmp_path / form
        path.write_bytes(b"".join(DAMAGES[name](session(form))))
        report = verify([path])
        counts = (report.events, report.own_lines, report.cut, report.late, report.recovered)
        counts += (report.unreadable_events, report.foreign, report.torn_tails, report.dropped)
        finds = [(f.kind, f.session, f.first, f.last, f.line) for f in report.findings]
        told[form] = (report.exit_code, counts, finds)

    assert told["json"] == told["logfmt"]
    assert (name in ("none", "a blank line", "the end gone")) == (told["json"][0] == 0)


def test_announced_bytes_of_others_are_no_damage(tmp_path):
    """The service has said what they are."""
    path = tmp_path / "app.log"
    first, *rest = session("logfmt")
    path.write_bytes(b"".join([first, b"who are you\n", foreign("logfmt", len(first), 12), *rest]))

    assert (0, 1) == (verify([path]).exit_code, verify([path]).foreign)


def test_a_log_may_change_its_format(tmp_path):
    """Some lines are JSON, others logfmt, and each counts."""
    lines = [session(form)[i] for i, form in enumerate(["json", "logfmt"] * 3 + ["logfmt"])]
    path = tmp_path / "app.log"
    path.write_bytes(b"".join(lines))
    report = verify([path])

    assert (0, 5, 2) == (report.exit_code, report.events, report.own_lines)


def test_a_summary_is_what_the_manifest_holds(tmp_path):
    """What the end tells of, and the events; a last line without its end does not count."""
    path = tmp_path / "app.log"
    path.write_bytes(b"".join(session("logfmt")) + event("logfmt", 123, session="other")[:-2])

    assert {SESSION: SessionRange(1, 6, 5, True)} == summarise(path)


@pytest.mark.parametrize("line", session("logfmt"), ids=lambda line: line[60:90])
def test_half_a_line_is_none(line):
    """Wherever it was cut, but within its last number."""
    last = line.rstrip(b"0123456789\n")
    cuts = range(len(last) + 1 if b"seq=" in line else len(line) - 1)

    assert decode_logfmt(line[:-1]) is not None
    assert [None] * len(cuts) == [decode_logfmt(line[:cut]) for cut in cuts]


VALUES = [
    f"{SESSION} seq=9", f" session={SESSION} seq=9", f'" session={SESSION} seq=9', " cut=true",
    f"\nsession={SESSION} seq=9", ' message="unreadable event" unreadable=true ', "\\", '\\"',
    " cut=true late=true recovered=true", ' logger=mplog event_name="mplog.session.end" ',
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES)
def test_no_value_is_taken_for_what_a_line_says_itself(value):
    """Neither number, nor flag, nor notice."""
    for fields in ({"session": value}, {"a": value, "seq": 9}, {value: value}, {"a": [value]}):
        line = decode_logfmt(event("logfmt", 3, fields)[:-1])

        assert line is not None
        assert (SESSION, 3, None) == (line.session, line.seq, line.event_name)
        assert {False} == {line.cut, line.late, line.recovered, line.unreadable}
    named = Stamped(1, 20, 0, 2, SESSION, 3, 1, value)
    line = decode_logfmt(formatter("logfmt").line(Event("", value, file=value), named)[:-1])
    assert (SESSION, 3, False, True) == (line.session, line.seq, line.cut, line.late)


OTHERS = [
    b'time=2026-11-22T08:00:00Z level=INFO msg="hello" session=a seq=1',
    b"timestamp=1 level=INFO message=hello",
    b"timestamp=1 session=a seq=0",
    b"timestamp=1 session=a seq=9223372036854775808",
    b"timestamp=1 session=a  seq=1",
    b"timestamp=1 session=a seq=1 ",
    b'timestamp=1 session="a" seq=1',
    b"timestamp=1 logger=mplog event_name=mplog.session.end session=a last=1 delivered=1",
    b"timestamp=1 logger=mplog event_name=mplog.drop session=a first=2 last=1 count=1 reasons={}",
    b'timestamp=1 logger=mplog event_name=mplog.drop session="\\ud800',
    b'timestamp=1 logger=mplog event_name=mplog.drop session="\\x"',
    b"timestamp=1 \xff=1 logger=mplog event_name=mplog.other message=x",
    b"timestamp=1 logger=mplog event_name=mplog.other",
    b"timestamp=1 session=a seq=1\0",
    b"timestamp=1 a=" + b"a" * logfmt.MAX_BYTES + b" session=a seq=1",
]


@pytest.mark.parametrize("line", OTHERS, ids=lambda line: line[:60])
def test_what_is_not_quite_a_line_is_none(line):
    """Lines of others, numbers out of range, notices that lack something."""
    assert decode_logfmt(line) is None


def test_a_notice_of_a_later_version_is_one_of_ours():
    """It tells nothing that counts here."""
    line = decode_logfmt(b"timestamp=1 logger=mplog event_name=mplog.other message=x a=b")
    assert (None, "mplog.other") == (line.seq, line.event_name)


@settings(max_examples=200)
@given(
    st.binary(max_size=60),
    st.integers(0, 200),
    st.sampled_from([event("logfmt", 1), drop("logfmt", 1, 2), end("logfmt", 3)]),
)
def test_any_bytes_are_a_line_or_none(data, at, line):
    """Nothing is raised, whatever stands there."""
    decode_logfmt(data)
    decode_logfmt(b"timestamp=" + data)
    decode_logfmt(line[:at] + data + line[at + len(data) :])

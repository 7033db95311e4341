"""What the service tells in lines of its own, and what others put in the file, is judged exactly.

Files are built by hand, line by line, and then damaged.
"""

from __future__ import annotations

import json

import pytest

from mplog.files.verify import verify


def line(**keys):
    return json.dumps({k.replace("__", "."): v for k, v in keys.items()}).encode() + b"\n"


def event(session, seq, **keys):
    stamp = f"2026-11-22T08:00:00.{seq:09}Z"
    return line(timestamp=stamp, message=f"event {seq}", **keys, session=session, seq=seq)


def end(session, last, *, dropped=0, filtered=0, clean=True, delivered=None):
    delivered = last - dropped - filtered if delivered is None else delivered
    return line(
        logger="mplog", event_name="mplog.session.end", session=session, last=last,
        delivered=delivered, filtered=filtered, dropped=dropped, clean=clean,
    )  # fmt: skip


def drop(session, first, last, count=None):
    count = last - first + 1 if count is None else count
    return line(
        logger="mplog", event_name="mplog.drop", session=session, first=first, last=last,
        count=count, reasons={"lane_full": {"INFO": count}},
    )  # fmt: skip


def notice(what, offset, size):
    return line(logger="mplog", event_name="mplog.file", what=what, offset=offset, bytes=size)


def session(name, last, **keys):
    """A whole session: its events and its end line."""
    return [*(event(name, seq) for seq in range(1, last + 1)), end(name, last, **keys)]


@pytest.fixture
def check(tmp_path):
    """Write lines as the active file, verify it."""

    def write_and_verify(lines, **options):
        path = tmp_path / "app.jsonl"
        path.write_bytes(b"".join(lines))
        return verify([path], **options)

    return write_and_verify


def told(report):
    """The findings without their words: kind, session, numbers, line."""
    return [(f.kind, f.session, f.first, f.last, f.line) for f in report.findings]


@pytest.mark.parametrize("garbage", [b"\0" * 9, b"\xff\xfe", b"plain text", b'{"a":', b"{" * 5000])
def test_garbage_in_the_middle_is_torn(check, garbage):
    """Bytes that nobody has announced."""
    lines = session("a", 5)
    lines.insert(2, garbage + b"\n")
    report = check(lines)

    assert [("torn", None, None, None, 3)] == told(report)


@pytest.mark.parametrize(
    "foreign",
    [
        b"{}", b"5", b"[1]", b'{"session":"a"}', b'{"seq":1}', b'{"session":5,"seq":1}',
        b'{"session":"a","seq":"1"}', b'{"session":"a","seq":0}', b'{"session":"a","seq":-1}',
        b'{"event_name":"mplog.drop","session":"a"}',
    ],
)  # fmt: skip
def test_whole_json_of_others_is_foreign(check, foreign):
    """It is counted, and no damage."""
    lines = session("a", 3)
    lines.insert(1, foreign + b"\n")
    report = check(lines)

    assert (1, 0, []) == (report.foreign, report.exit_code, report.findings)


def test_announced_foreign_bytes_are_not_torn(check):
    """The service has said that they are not its own; others next to them are still torn."""
    lines = session("a", 3)
    text = [b"hello from another program\n", b"and again\n"]
    offset, size = len(lines[0]), sum(map(len, text))
    report = check(
        [lines[0], *text, notice("foreign_bytes", offset, size), b"not announced\n", *lines[1:]]
    )

    assert (2, 1, {"foreign_bytes": 1}) == (report.foreign, report.torn, report.notices)
    assert [("torn", None, None, None, 5)] == told(report)


def test_an_announcement_reaches_no_further_than_its_bytes(check):
    """The torn lines right before and right after it stay torn."""
    lines = [b"{before\n", b"announced\n", b"after\n", notice("foreign_bytes", 8, 10)]
    report = check([*lines, event("a", 1)])

    assert (1, 2, [1, 3]) == (report.foreign, report.torn, [f.line for f in report.findings])


@pytest.mark.parametrize("what", ["truncated", "newline_added", "replaced"])
def test_other_notices_excuse_nothing(check, what):
    """Only foreign bytes are announced so."""
    report = check([event("a", 1), b"torn\n", notice(what, 0, 10_000), event("a", 2)])

    assert (1, {what: 1}) == (report.torn, report.notices)


def test_a_session_forged_in_a_message_does_not_count(check):
    """Keys in a JSON string, or in a nested object, are data."""
    forged = event("b", 1).decode()
    lines = [
        line(message=forged, session="a", seq=1),
        line(
            message='","session":"x","seq":1,"',
            extra={"session": "x", "seq": 1},
            session="a",
            seq=2,
        ),
        end("a", 2),
    ]
    report = check(lines)

    assert (0, 2, 1) == (report.exit_code, report.events, report.sessions)


def test_announced_drops_are_not_missing(check):
    """They are counted by reason, and damage only when strict."""
    lines = [event("a", 1), drop("a", 2, 4), event("a", 5), drop("a", 6, 6), end("a", 6, dropped=4)]
    report = check(lines)

    assert (0, 0, 4) == (report.exit_code, report.missing, report.dropped)
    assert {"lane_full": {"INFO": 4}} == report.dropped_by_reason
    assert 1 == check(lines, strict=True).exit_code


@pytest.mark.parametrize("format_", ["json", "logfmt"])
def test_events_that_had_no_lane_are_told_drops(check, format_):
    """They have no session and no numbers: counted by reason, damage only when strict."""
    told = [("timestamp", "2026-11-22T08:00:00Z"), ("logger", "mplog"), ("message", "3_dropped")]
    told += [("event_name", "mplog.no_lane"), ("count", 3)]
    reasons = {"no_lane": {"INFO": 2, "ERROR": 1}}
    if format_ == "json":
        raw = json.dumps(dict(told) | {"reasons": reasons}).encode() + b"\n"
    else:
        quoted = json.dumps(json.dumps(reasons))
        raw = " ".join(f"{key}={value}" for key, value in told).encode()
        raw += f" reasons={quoted}\n".encode()
    report = check([event("a", 1), raw, end("a", 1)])

    assert (0, 3, reasons, []) == (
        report.exit_code, report.dropped, report.dropped_by_reason, report.findings,
    )  # fmt: skip
    assert 1 == check([event("a", 1), raw], strict=True).exit_code


def test_a_gap_beside_an_announced_drop_is_missing(check):
    """An announcement covers its own numbers and no others."""
    lines = [event("a", 1), drop("a", 3, 3), event("a", 5)]

    assert [("missing", "a", 2, 2, 2), ("missing", "a", 4, 4, 3)] == told(check(lines))


def test_a_drop_told_too_late_is_out_of_order(check):
    """It must stand before the next line of its session."""
    lines = [event("a", 1), event("a", 4), drop("a", 2, 3), event("a", 5)]
    report = check(lines)

    assert [("out_of_order", "a", 2, 3, 3)] == told(report)
    assert (0, 2) == (report.missing, report.dropped)


def test_a_drop_told_twice_is_doubled(check):
    """Also an announcement stands once."""
    lines = [event("a", 1), drop("a", 2, 3), drop("a", 2, 3), event("a", 4)]
    report = check(lines)

    assert [("doubled", "a", 2, 3, 3)] == told(report)
    assert 2 == report.dropped


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([event("a", 1), drop("a", 1, 1)], ("contradiction", "a", 1, 1, 2)),
        ([drop("a", 1, 2), event("a", 2)], ("contradiction", "a", 2, 2, 2)),
        ([drop("a", 1, 3, count=2)], ("contradiction", "a", 1, 3, 1)),
        ([*session("a", 2), drop("a", 3, 3)], ("contradiction", "a", 3, 3, 4)),
        ([*session("a", 2), end("a", 2, clean=False)], ("contradiction", "a", None, None, 4)),
        ([event("a", 1), event("a", 2), end("a", 1)], ("contradiction", "a", None, None, 3)),
        ([event("a", 1), end("a", 1, delivered=2)], ("contradiction", "a", None, None, 2)),
        (
            [event("a", 1), drop("a", 2, 2), end("a", 2, delivered=2)],
            ("contradiction", "a", None, None, 3),
        ),
        (
            [event("a", 1), event("a", 2), end("a", 2, delivered=1, dropped=1)],
            ("contradiction", "a", None, None, 3),
        ),
    ],
)
def test_lines_that_cannot_both_be_true_contradict(check, lines, expected):
    """Such a log is not clean, though nothing is missing."""
    report = check(lines)

    assert [expected] == told(report)
    assert (1, 1) == (report.contradictions, report.exit_code)


def test_flags_are_counted(check):
    """Late, cut and recovered events; late ones are damage only when strict."""
    lines = [event("a", 1, late=True), event("a", 2, cut=True), event("a", 3, recovered=True)]
    lines.append(event("a", 4, unreadable=True))
    report = check(lines)

    assert (1, 1, 1, 0) == (report.late, report.cut, report.recovered, report.exit_code)
    assert 1 == report.unreadable_events
    assert 1 == check(lines, strict=True).exit_code


def test_times_that_go_back_are_counted(check):
    """Between sessions; a line marked late neither counts nor is compared with."""
    lines = [event("a", 1), event("b", 1), event("a", 2), event("b", 2), event("c", 1, late=True)]
    swapped = [event("a", 1), event("a", 2), event("b", 1), event("b", 2)]

    assert 0 == check(lines).inversions
    assert (1, 0) == (check(swapped).inversions, check(swapped).exit_code)

"""`verify` names each kind of damage to event lines exactly, and nothing that is none.

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


def test_a_session_whose_last_events_were_recovered_is_over(check):
    """Nobody lives whose shared memory was taken out; an end line that comes still counts once."""
    taken_out = [event("a", 1), event("a", 2, recovered=True)]
    told = [event("b", 1, recovered=True), end("b", 1, clean=False)]
    report = check([*taken_out, *told, event("c", 1)])

    assert (0, 2, 2) == (report.exit_code, report.recovered, report.ended_unclean)
    assert ["c"] == report.open_sessions


def test_a_whole_log_is_clean(check):
    """Interleaved sessions, all numbers there: nothing is found."""
    one, two = session("a", 5), session("b", 5, clean=False)
    report = check([x for pair in zip(one, two, strict=True) for x in pair] + [event("c", 1)])

    assert (0, []) == (report.exit_code, report.findings)
    assert (11, 2, 3) == (report.events, report.own_lines, report.sessions)
    assert (1, 1, ["c"]) == (report.ended_clean, report.ended_unclean, report.open_sessions)


def test_an_empty_file_is_clean(check):
    """A file without lines has lost nothing."""
    report = check([])

    assert (0, 0, 1) == (report.exit_code, report.events, len(report.files))


def test_a_removed_line_is_missing(check):
    """The gap is told with its number, at the line after it."""
    lines = session("a", 5)
    del lines[2]
    report = check(lines)

    assert [("missing", "a", 3, 3, 3)] == told(report)
    assert (1, 0, 0, 1) == (report.missing, report.doubled, report.torn, report.exit_code)


def test_removed_first_lines_are_missing(check):
    """Numbers begin with 1."""
    report = check(session("a", 5)[2:])

    assert [("missing", "a", 1, 2, 1)] == told(report)


def test_removed_last_lines_are_missing(check):
    """The end line knows how many there were."""
    lines = session("a", 5)
    del lines[3:5]
    report = check(lines)

    assert [("missing", "a", 4, 5, 4)] == told(report)
    assert 2 == report.missing


def test_a_session_without_any_line_but_its_end_is_missing(check):
    """Also when nothing else of it is left."""
    assert [("missing", "a", 1, 3, 1)] == told(check([end("a", 3)]))


def test_a_session_that_logged_nothing_is_clean(check):
    """An end line with the number 0 stands alone."""
    assert 0 == check([end("a", 0)]).exit_code


def test_a_removed_end_line_leaves_the_session_open(check):
    """That is no damage: a process may still be at work."""
    report = check(session("a", 5)[:-1])

    assert (0, ["a"]) == (report.exit_code, report.open_sessions)


@pytest.mark.parametrize("index", range(6))
def test_a_doubled_line_is_doubled(check, index):
    """Each line of a session, the end line too, counts twice at its second place."""
    lines = session("a", 5)
    report = check([*lines, lines[index]])
    number = index + 1 if index < 5 else None

    assert [("doubled", "a", number, number, 7)] == told(report)
    assert (0, 1, 0, 1) == (report.missing, report.doubled, report.torn, report.exit_code)


def test_a_doubled_range_is_doubled(check):
    """A batch written twice is told number by number."""
    lines = session("a", 5)
    report = check(lines[:4] + lines[1:])

    assert [("doubled", "a", n, n, n + 3) for n in (2, 3, 4)] == told(report)


def test_swapped_lines_are_out_of_order(check):
    """The number that comes too late is told, and is not missing."""
    lines = session("a", 5)
    lines[1], lines[2] = lines[2], lines[1]
    report = check(lines)

    assert [("out_of_order", "a", 2, 2, 3)] == told(report)
    assert (0, 0, 1, 1) == (report.missing, report.doubled, report.out_of_order, report.exit_code)


def test_an_event_after_its_end_line_is_out_of_order(check):
    """The end line is the last of a session."""
    lines = session("a", 3)
    lines[2], lines[3] = lines[3], lines[2]

    assert [("out_of_order", "a", 3, 3, 4)] == told(check(lines))


def test_an_event_beyond_the_last_number_contradicts(check):
    """Nothing comes after the number that the end line gave."""
    assert [("contradiction", "a", 4, 4, 5)] == told(check([*session("a", 3), event("a", 4)]))


def test_a_torn_line_is_torn_and_its_number_missing(check):
    """Half a line before whole ones."""
    lines = session("a", 5)
    lines[2] = lines[2][:30] + b"\n"
    report = check(lines)

    assert [("torn", None, None, None, 3), ("missing", "a", 3, 3, 4)] == told(report)
    assert (1, 1, 0) == (report.torn, report.missing, report.torn_tails)


def test_two_lines_run_together_are_torn(check):
    """A line torn without a line end takes the next one along."""
    lines = session("a", 5)
    lines[2] = lines[2][:30]
    report = check(lines)

    assert [("torn", None, None, None, 3), ("missing", "a", 3, 4, 4)] == told(report)


@pytest.mark.parametrize("cut", [1, 20, -2])
def test_a_torn_tail_is_told_as_such(check, cut):
    """The active file ends within a line."""
    lines = session("a", 5)[:5]
    lines[4] = lines[4][:cut]
    report = check(lines)

    assert [("torn", None, None, None, 5)] == told(report)
    assert (1, 1, 0) == (report.torn, report.torn_tails, report.missing)
    assert "ends within" in report.findings[0].text


def test_a_whole_last_line_without_line_end_is_whole(check):
    """The line end alone is missing: the event is there."""
    lines = session("a", 5)
    report = check([*lines[:-1], lines[-1][:-1]])

    assert (0, 5, 1) == (report.exit_code, report.events, report.ended_clean)


def test_findings_beyond_the_limit_are_counted(check):
    """A log that is all damage does not fill the memory."""
    report = check([event("a", 2 * n) for n in range(1, 10_051)])

    assert (10_050, 10_000, 50) == (
        report.missing, len(report.findings), report.findings_left_out,
    )  # fmt: skip

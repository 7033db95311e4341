"""`verify` names each kind of damage exactly, and nothing that is none.

Files are built by hand, then damaged: `log` gives the lines of a log, a test changes them.
"""

from __future__ import annotations

import gzip
import json
import os

import pytest

from mplog.files.archive import archive_name
from mplog.files.manifest import Entry, append, manifest_path
from mplog.files.retention import retire
from mplog.files.scan import summarise
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


def archive(directory, generation, lines, *, described=True):
    name = archive_name("app.jsonl", generation, 0)
    (directory / name).write_bytes(b"".join(lines))
    if described:
        entry = Entry(name, generation, 1, summarise(directory / name))
        append(manifest_path(directory, "app.jsonl"), entry)
    return directory / name


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


def test_foreign_bytes_announced_after_a_rotation_are_not_torn(tmp_path):
    """The announcement may stand in the next file."""
    text = b"hello from another program\n"
    first = event("a", 1)
    archive(tmp_path, 1, [first, text])
    active = tmp_path / "app.jsonl"
    active.write_bytes(notice("foreign_bytes", len(first), len(text)) + event("a", 2))
    report = verify([active])

    assert (1, 0, 0) == (report.foreign, report.torn, report.exit_code)


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
    assert {"lane_full": {"INFO": 1}} == report.dropped_by_reason
    assert 1 == check(lines, strict=True).exit_code


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


def test_filtered_numbers_are_not_missing(check):
    """An end line that counts filtered events explains as many numbers in gaps, and no more."""
    explained = check([event("a", 2), event("a", 4), end("a", 4, filtered=2)])
    too_many = check([event("a", 2), event("a", 5), end("a", 5, filtered=2)])

    assert (0, 0, 2) == (explained.exit_code, explained.missing, explained.filtered)
    assert (1, 1) == (too_many.exit_code, too_many.missing)


def test_filtered_numbers_that_were_retired_explain_no_later_gap(tmp_path):
    """Holes in what was deleted use up the filtered count first."""
    archive(tmp_path, 1, [event("a", 1), event("a", 3)])
    active = tmp_path / "app.jsonl"
    active.write_bytes(event("a", 4) + event("a", 6) + end("a", 6, filtered=1))
    retire(tmp_path, "app.jsonl", 0, {"a"})

    assert [("missing", "a", 5, 5, 2)] == told(verify([active]))


def test_flags_are_counted(check):
    """Late, cut and recovered events; late ones are damage only when strict."""
    lines = [event("a", 1, late=True), event("a", 2, cut=True), event("a", 3, recovered=True)]
    report = check(lines)

    assert (1, 1, 1, 0) == (report.late, report.cut, report.recovered, report.exit_code)
    assert 1 == check(lines, strict=True).exit_code


def test_times_that_go_back_are_counted(check):
    """Between sessions; a line marked late neither counts nor is compared with."""
    lines = [event("a", 1), event("b", 1), event("a", 2), event("b", 2), event("c", 1, late=True)]
    swapped = [event("a", 1), event("a", 2), event("b", 1), event("b", 2)]

    assert 0 == check(lines).inversions
    assert (1, 0) == (check(swapped).inversions, check(swapped).exit_code)


def test_archives_are_read_in_the_order_of_generations(tmp_path):
    """The active file takes them along; --only leaves them, and then asks for no beginning."""
    archive(tmp_path, 2, [event("a", 2), event("b", 1)], described=False)
    archive(tmp_path, 1, [event("a", 1)], described=False)
    (tmp_path / "app.old.jsonl").write_bytes(b"another log")
    active = tmp_path / "app.jsonl"
    active.write_bytes(event("a", 3) + event("b", 2) + end("a", 3))
    whole, alone = verify([active]), verify([active], only=True)

    assert (0, 5, 3) == (whole.exit_code, whole.events, len(whole.files))
    assert (0, 2, 1) == (alone.exit_code, alone.events, len(alone.files))
    assert (False, True) == (whole.partial, alone.partial)


def test_archives_alone_are_checked_within(tmp_path):
    """What comes before and after is not asked for; gaps are, unless another archive holds them."""
    files = [
        archive(tmp_path, n, [event("a", 2 * n - 1), event("a", 2 * n)], described=n != 4)
        for n in range(1, 6)
    ]

    later = archive(tmp_path, 6, session("b", 1))
    middle = verify(files[1:4])
    assert (0, 1, ["a"]) == (middle.exit_code, middle.sessions, middle.open_sessions)
    assert 1 == verify([later]).ended_clean
    assert 0 == verify([files[1], files[3]]).exit_code
    report = verify([files[2], files[4]])
    assert [("missing", "a", 7, 8, 1)] == told(report)


def test_an_archive_deleted_by_hand_is_missing(tmp_path):
    """The manifest knows what it held, also of sessions that have no other line."""
    archive(tmp_path, 1, [event("a", 1), event("a", 2), *session("b", 3)]).unlink()
    active = tmp_path / "app.jsonl"
    active.write_bytes(event("a", 3))
    report = verify([active])

    assert [("missing", "a", 1, 2, 0), ("missing", "b", 1, 3, 0)] == told(report)
    assert (5, 1, ["a"]) == (report.missing, report.ended_unread, report.open_sessions)
    assert ["gone" in note for note in report.notes] == [True]


def test_an_archive_cut_short_is_missing_its_end(tmp_path):
    """Also when no later line of the session is there to show the gap."""
    path = archive(tmp_path, 1, [event("a", 1), event("a", 2)])
    path.write_bytes(event("a", 1))
    active = tmp_path / "app.jsonl"
    active.touch()

    assert [("missing", "a", 2, 2, 1)] == told(verify([active]))


def test_a_retired_archive_that_is_still_there_doubles_nothing(tmp_path, monkeypatch):
    """Retention was killed between claim and deletion."""
    archive(tmp_path, 1, [event("a", 1), drop("a", 2, 3)])
    archive(tmp_path, 2, [event("a", 4)])
    active = tmp_path / "app.jsonl"
    active.write_bytes(event("a", 5) + end("a", 5, dropped=2))
    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", lambda path: None)
        retire(tmp_path, "app.jsonl", 1, {"a"})
    between = verify([active])
    retire(tmp_path, "app.jsonl", 1, {"a"})
    after = verify([active])

    for report, notes in ((between, 1), (after, 0)):
        assert (0, 2, 1, notes) == (
            report.exit_code, report.events, report.retired, len(report.notes),
        )  # fmt: skip
    assert 2 == len(list(tmp_path.glob("app.*")))


def test_retired_numbers_that_come_again_are_doubled(tmp_path):
    """A number that was in a deleted archive must not stand in a later file."""
    archive(tmp_path, 1, [event("a", 1), event("a", 2)])
    active = tmp_path / "app.jsonl"
    active.write_bytes(event("a", 2) + event("a", 3))
    retire(tmp_path, "app.jsonl", 0, {"a"})

    assert [("doubled", "a", 2, 2, 1)] == told(verify([active]))


def test_an_end_line_counts_what_was_retired(tmp_path):
    """Delivered is what is there and what was deleted; loss before the deletion still shows."""
    archive(tmp_path, 1, [event("a", 1), event("a", 3)])
    active = tmp_path / "app.jsonl"
    active.write_bytes(event("a", 4) + end("a", 4))
    retire(tmp_path, "app.jsonl", 0, {"a"})

    assert [("contradiction", "a", None, None, 2)] == told(verify([active]))


def test_compressed_archives_are_read(tmp_path):
    """gzip is; next to the plain file the plain one is taken."""
    plain = archive(tmp_path, 1, [event("a", 1)])
    packed = plain.with_name(plain.name + ".gz")
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    active = tmp_path / "app.jsonl"
    active.write_bytes(event("a", 2))
    both = verify([active])
    plain.unlink()

    assert (0, 2) == (both.exit_code, both.events)
    assert (0, 2) == (verify([active]).exit_code, verify([active]).events)
    packed.write_bytes(packed.read_bytes()[:-9])
    assert 3 == verify([active]).exit_code


def test_text_files_are_refused(tmp_path):
    """They carry no numbers."""
    active = tmp_path / "app.log"
    active.write_bytes(b"\n2026-11-22 08:00:00 INFO hello\n")
    report = verify([active])

    assert (2, 1, 0) == (report.exit_code, len(report.refused), len(report.files))
    assert "no JSON log" in report.refused[0].text


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    """Not there, a folder, a pipe: named, status 3; others are still read."""
    good = tmp_path / "app.jsonl"
    good.write_bytes(event("a", 1))
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    bad = [tmp_path / name for name in ("none", "folder", "pipe")]
    report = verify([*bad, good])

    assert (3, 1) == (report.exit_code, report.events)
    assert [str(path) for path in bad] == [problem.path for problem in report.unreadable]


def test_an_unreadable_archive_is_not_taken_for_loss(tmp_path):
    """What the manifest says of it counts as being there; the status is 3."""
    path = archive(tmp_path, 1, [event("a", 1)])
    path.unlink()
    os.mkfifo(path)
    active = tmp_path / "app.jsonl"
    active.write_bytes(event("a", 2))
    report = verify([active])

    assert (3, 0) == (report.exit_code, report.missing)


def test_a_lost_manifest_is_noted(tmp_path):
    """Without it deleted archives cannot be told from loss."""
    archive(tmp_path, 2, [event("a", 2)], described=False)
    (tmp_path / "app.jsonl").touch()
    report = verify([tmp_path / "app.jsonl"])

    assert (1, 1) == (report.missing, len(report.notes))


def test_two_logs_add_up(tmp_path):
    """The same session may write to both; its numbers are asked for in each."""
    for name in ("one.jsonl", "two.jsonl"):
        (tmp_path / name).write_bytes(b"".join(session("a", 3)[1:]))
    report = verify([tmp_path / "one.jsonl", tmp_path / "two.jsonl"])

    assert (2, 4, 2, 2) == (report.missing, report.events, report.sessions, len(report.files))


def test_findings_beyond_the_limit_are_counted(check):
    """A log that is all damage does not fill the memory."""
    report = check([event("a", 2 * n) for n in range(1, 10_051)])

    assert (10_050, 10_000, 50) == (
        report.missing, len(report.findings), report.findings_left_out,
    )  # fmt: skip

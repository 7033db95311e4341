"""What `verify` says where files cannot be read, vanish, or hold more than is remembered."""

from __future__ import annotations

import errno
import gzip
import json
import os

import pytest
from descriptors import descriptors

from mplog.config import Retention
from mplog.files import moved, snapshot, source, stray
from mplog.files.archive import archive_name
from mplog.files.manifest import Entry, SessionRange, append, manifest_path
from mplog.files.report import KEPT_REMARKS, Ledger, Place, Report
from mplog.files.retention import retire
from mplog.files.scan import Drop
from mplog.files.session import _KEPT_RANGES, Session
from mplog.files.verify import verify

PLACE = Place("app.jsonl", 1)


def line(**keys):
    return json.dumps({k.replace("__", "."): v for k, v in keys.items()}).encode() + b"\n"


def event(seq, session="s", **keys):
    stamp = f"2026-11-22T08:00:00.{seq:09}Z"
    return line(timestamp=stamp, message="m", **keys, session=session, seq=seq)


def events(first, last):
    return b"".join(event(seq) for seq in range(first, last + 1))


def notice(what, offset=0, size=0):
    return line(logger="mplog", event_name="mplog.file", what=what, offset=offset, bytes=size)


def archive(directory, generation, content, *, entry=True):
    """One of numbers three a generation, known to the manifest."""
    path = directory / archive_name("app.jsonl", generation, 0)
    path.write_bytes(content)
    if entry:
        held = {"s": SessionRange(3 * generation - 2, 3 * generation, 3)}
        append(manifest_path(directory, "app.jsonl"), Entry(path.name, generation, 1, held))
    return path


@pytest.fixture
def active(tmp_path):
    """Archives with 1-3 and 4-6, and an active file with 7-9."""
    for generation in (1, 2):
        archive(tmp_path, generation, events(3 * generation - 2, 3 * generation))
    (tmp_path / "app.jsonl").write_bytes(events(7, 9))
    return tmp_path / "app.jsonl"


def test_a_directory_that_is_not_there_is_told(tmp_path):
    """As an unreadable file, not as an error of the program."""
    report = verify([tmp_path / "none" / "app.jsonl"])

    assert (3, ["No such file or directory"]) == (
        report.exit_code, [problem.text for problem in report.unreadable],
    )  # fmt: skip


def test_a_directory_that_cannot_be_listed_holds_no_logs_that_are_known(active, monkeypatch):
    """It is then told as what it is, no regular file."""

    def refused(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(moved.os, "listdir", refused)

    assert 3 == verify([active.parent]).exit_code


DAMAGED = {
    "no gzip": b"x" * 50,
    "cut off": gzip.compress(events(1, 3))[:12],
    "garbage behind the head": gzip.compress(b"")[:10] + b"\xff" * 50,
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_an_archive_whose_head_cannot_be_read_is_unreadable(tmp_path, content):
    """Asked for by its name alone it is told as damaged, not as the log of somebody else."""
    path = tmp_path / (archive_name("app.jsonl", 1, 0) + ".gz")
    path.write_bytes(content)
    report = verify([path])

    assert (3, []) == (report.exit_code, report.refused)
    assert [str(path)] == [problem.path for problem in report.unreadable]


@pytest.mark.parametrize("at_once", [200, 0])
def test_a_moved_file_whose_head_cannot_be_read_is_unreadable(active, monkeypatch, at_once):
    """And holds up nothing else, whether it was opened with the others or when its turn came."""
    monkeypatch.setattr(snapshot, "_OPEN_AT_ONCE", at_once)
    path = active.parent / "app.jsonl.1.gz"
    path.write_bytes(gzip.compress(b"")[:10] + b"\xff" * 50)
    report = verify([active])

    assert (3, 9, [str(path)]) == (
        report.exit_code, report.events, [problem.path for problem in report.unreadable],
    )  # fmt: skip


def test_an_active_file_deleted_while_listing_is_seen(active, monkeypatch):
    """The set is taken again, without it, and that it is not there is told."""
    real = snapshot.load

    def deleted_then_load(path):
        active.unlink(missing_ok=True)
        return real(path)

    monkeypatch.setattr(snapshot, "load", deleted_then_load)
    monkeypatch.setattr(snapshot.time, "sleep", lambda wait_s: None)
    report = verify([active])

    assert (3, 6) == (report.exit_code, report.events)


def test_an_interrupt_while_listing_leaves_no_descriptor(active, monkeypatch):
    """Whatever was open by then is closed."""

    def interrupt(path):
        raise KeyboardInterrupt

    before = descriptors()
    monkeypatch.setattr(snapshot, "load", interrupt)
    with pytest.raises(KeyboardInterrupt):
        verify([active])

    assert before == sorted(os.listdir("/proc/self/fd"))


def test_archives_that_are_gone_whenever_they_are_read_are_told(active, monkeypatch):
    """Deleted between the listing and the reading each time: the tries are bounded."""
    monkeypatch.setattr(snapshot, "_OPEN_AT_ONCE", 0)
    real = source.open_regular

    def gone(path):
        if path != active:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        return real(path)

    monkeypatch.setattr(source, "open_regular", gone)
    report = verify([active])

    assert 3 == report.exit_code
    assert ["archives were deleted each time before they could be read"] == [
        problem.text for problem in report.unreadable
    ]


def test_the_half_line_at_an_archives_end_is_torn(active):
    """Nobody is writing there: it is not waited for."""
    path = active.parent / archive_name("app.jsonl", 2, 0)
    path.write_bytes(path.read_bytes()[:-20])
    report = verify([active])

    assert (1, 1) == (report.exit_code, report.torn_tails)
    assert [("torn", None), ("missing", 6)] == sorted(
        ((finding.kind, finding.first) for finding in report.findings), reverse=True
    )


def test_remarks_are_bounded_and_counted_all(active):
    """Beyond a thousand of a kind only the number goes on."""
    active.write_bytes(events(7, 9) + b'{"theirs": 1}\n' * (KEPT_REMARKS + 5))
    report = verify([active])

    assert (0, KEPT_REMARKS + 5) == (report.exit_code, report.foreign)
    assert KEPT_REMARKS == sum(remark.kind == "foreign" for remark in report.remarks)


def test_lines_of_others_beyond_what_is_remembered_count_as_torn(active, monkeypatch):
    """What was announced is held against as many lines and ranges as are kept, and no more."""
    monkeypatch.setattr(stray, "_KEPT", 2)
    theirs, lines, ranges = b"not ours\n", b"", []
    for _ in range(4):
        ranges.append(len(lines))
        lines += theirs
    told = b"".join(notice("foreign_bytes", start, len(theirs)) for start in ranges)
    active.write_bytes(lines + told + events(7, 9))
    report = verify([active])

    assert (2, 2) == (report.foreign, report.torn)


def test_ranges_of_others_bytes_may_overlap(active):
    """Told twice, or in pieces that touch, they cover the lines in them once."""
    theirs = b"not ours\n" * 3
    told = notice("foreign_bytes", 0, 12) + notice("foreign_bytes", 5, len(theirs) - 5)
    told += notice("foreign_bytes", 0, 12)
    active.write_bytes(theirs + told + events(7, 9))
    report = verify([active])

    assert (0, 3, 0) == (report.exit_code, report.foreign, report.torn)


def test_a_line_that_names_no_process_is_an_event_all_the_same(active):
    """`process.pid` of another type, in an event that counts, says nothing of its process."""
    active.write_bytes(event(8, process__pid="x") + event(10))
    report = verify([active])

    assert 8 == report.events
    assert [(7, 7, None), (9, 9, None)] == [
        (finding.first, finding.last, finding.pid) for finding in report.findings
    ]


def test_numbers_missing_within_are_laid_to_a_file_that_was_moved_away(active):
    """Where the service tells that its file was replaced, that is the likely cause."""
    active.write_bytes(notice("replaced") + events(8, 9))
    finding = next(f for f in verify([active]).findings if f.kind == "missing")

    assert (7, 7) == (finding.first, finding.last)
    assert "was moved away or deleted while it was written" in str(finding.cause)


LOGFMT = "timestamp=2026-11-22T08:00:00.{0:09}Z level=INFO logger=l message={1} session=s seq={0}\n"
LEADS = {
    "logfmt": (
        "timestamp=2026-11-22T08:00:00.000000009Z level=WARNING logger=mplog "
        'event_name=mplog.file message="said" what=repeated offset={} bytes={}\n'
    ),
    "an event about one": LOGFMT.format(5, "mplog.file"),
    "text about one": "said of mplog.file\n",
}


@pytest.mark.parametrize("lead", LEADS)
def test_only_the_services_own_line_says_that_bytes_are_repeated(tmp_path, lead):
    """In logfmt as in JSON; an event or a text that holds its name says nothing of the kind."""
    kept, batch = LOGFMT.format(1, "m"), LOGFMT.format(2, "m") + LOGFMT.format(3, "m")
    (tmp_path / archive_name("app.log", 1, 0)).write_text(kept + batch)
    head = LEADS[lead].format(len(kept), len(batch))
    again = batch + LOGFMT.format(4, "m")
    (tmp_path / "app.log").write_text(head + again)
    report = verify([tmp_path / "app.log"])

    assert (0 if lead == "logfmt" else 2) == report.doubled


def test_a_number_that_may_have_been_missing_among_deleted_ones_is_late_not_doubled(active):
    """Its archive lacked one when retention deleted it: which one is not known any more."""
    active.parent.joinpath(manifest_path(active.parent, "app.jsonl")).unlink()
    first = active.parent / archive_name("app.jsonl", 1, 0)
    first.write_bytes(event(1) + event(3))
    retire(active.parent, "app.jsonl", Retention(count=1), {"s"})
    active.write_bytes(events(7, 9) + event(2))
    report = verify([active])

    assert (0, 1) == (report.doubled, report.out_of_order)
    (finding,) = [f for f in report.findings if f.kind == "out_of_order"]
    assert (2, "stands after greater numbers, now retired") == (finding.first, finding.text)


def test_an_archive_that_is_not_read_promises_nothing_more_of_an_ended_session(active):
    """A session's end line was read: what the manifest says of a later archive changes nothing."""
    end = line(
        logger="mplog", event_name="mplog.session.end", session="s", last=3, delivered=3,
        filtered=0, dropped=0, clean=True,
    )  # fmt: skip
    first = active.parent / archive_name("app.jsonl", 1, 0)
    first.write_bytes(events(1, 3) + end)
    third = archive(active.parent, 3, event(1, "t"), entry=False)
    report = verify([first, third])

    assert (0, [], 1) == (report.exit_code, report.findings, report.ended_clean)


def test_ranges_without_lines_are_remembered_within_bounds():
    """Of very many the newest are: a number among the others counts as one that was there."""
    report = Report()
    session = Session("s", Ledger(report))
    for seq in range(1, 2 * _KEPT_RANGES + 4, 2):
        session.event(seq, PLACE)
        session.drop(Drop("s", seq + 1, seq + 1, 1), PLACE)
    assert (0, 0) == (report.doubled, report.contradictions)
    session.event(2, PLACE)
    session.event(2 * _KEPT_RANGES, PLACE)

    assert (1, 1) == (report.doubled, report.contradictions)

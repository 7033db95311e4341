"""After a failed fsync a file is set aside, and the next one begins by saying what of it is
repeated there and what is in doubt: neither loss nor doubling, whatever has reached the disk.
"""

from __future__ import annotations

import gzip
import json

import pytest

from mplog.files.archive import archive_name
from mplog.files.lead import skipping
from mplog.files.verify import verify


def event(seq):
    stamp = f"2026-11-22T08:00:00.{seq:09}Z"
    return json.dumps({"timestamp": stamp, "session": "s", "seq": seq}).encode() + b"\n"


def notice(what, start, end):
    told = {"logger": "mplog", "event_name": "mplog.file"}
    told |= {"what": what, "offset": start, "bytes": end - start}
    return json.dumps(told).encode() + b"\n"


KEPT = event(1) + event(2)
BATCH = event(3) + event(4)
LEAD = notice("suspect", len(event(1)), len(KEPT)) + notice(
    "repeated", len(KEPT), len(KEPT) + len(BATCH)
)


@pytest.mark.parametrize(
    "reached",
    [b"", BATCH, BATCH[:-30], BATCH[:10], b"\0" * len(BATCH), event(3) + b"\0" * len(event(4))],
    ids=["nothing", "all", "torn", "hardly", "zeros", "half"],
)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_batch_that_the_next_file_repeats_counts_once(tmp_path, reached, packed):
    """In the file that was set aside anything may stand in its place."""
    old = tmp_path / archive_name("app.jsonl", 1, 0)
    content = KEPT + reached
    if packed:
        old = old.with_name(old.name + ".gz")
        content = gzip.compress(content)
    old.write_bytes(content)
    active = tmp_path / "app.jsonl"
    active.write_bytes(LEAD + BATCH + event(5))
    report = verify([active])

    assert (0, [], 5) == (report.exit_code, report.findings, report.events)
    assert {"suspect": 1, "repeated": 1} == report.notices


def test_suspect_bytes_are_a_remark_and_damage_when_strict(tmp_path):
    """With their place, their number, and what to do."""
    active = tmp_path / "app.jsonl"
    active.write_bytes(notice("suspect", 100, 300) + event(1))
    report = verify([active])
    (remark,) = report.remarks

    assert (0, 1, 1) == (report.exit_code, report.suspect, verify([active], strict=True).exit_code)
    assert ("suspect", 1, 100) == (remark.kind, remark.line, remark.byte)
    assert "200 bytes of the file before may not be on the disk" == remark.text
    assert remark.advice


def test_without_the_announcement_the_same_lines_are_doubled(tmp_path):
    """The notice excuses its own range and nothing else."""
    (tmp_path / archive_name("app.jsonl", 1, 0)).write_bytes(KEPT + BATCH)
    active = tmp_path / "app.jsonl"
    active.write_bytes(BATCH + event(5))

    assert 2 == verify([active]).doubled


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("ranges", [[], [(0, 3)], [(2, 5)], [(4, 4)], [(1, 2), (5, 9)], [(8, 99)]])
def test_ranges_are_left_out_wherever_a_chunk_ends(chunk, ranges):
    """Whatever the reading is cut into."""
    data = b"0123456789"
    pieces = iter([data[i : i + chunk] for i in range(0, len(data), chunk)] + [b""])
    read, out = skipping(lambda: next(pieces), ranges), b""
    while piece := read():
        out += piece
    wanted = bytes(
        b for i, b in enumerate(data) if not any(low <= i < high for low, high in ranges)
    )

    assert wanted == out


GONE = {
    "cut": b"",
    "zeros": b"\0" * (len(event(3)) + len(event(4))),
    "one of them": event(4),
    "a piece": event(3)[:20],
}


@pytest.mark.parametrize("left", GONE.values(), ids=GONE)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_numbers_that_a_loss_of_power_took_from_suspect_bytes_are_no_damage(tmp_path, left, packed):
    """They were told as in doubt before: a remark, and damage when strict."""
    old = tmp_path / archive_name("app.jsonl", 1, 0)
    content = KEPT + left
    if packed:
        old = old.with_name(old.name + ".gz")
        content = gzip.compress(content)
    old.write_bytes(content)
    active = tmp_path / "app.jsonl"
    active.write_bytes(notice("suspect", len(KEPT), len(KEPT + event(3) + event(4))) + event(5))
    report = verify([active])
    gaps = [(one.first, one.last) for one in report.remarks if one.first is not None]

    assert (0, [], 0) == (report.exit_code, report.findings, report.missing)
    assert [(3, 3) if left == event(4) else (3, 4)] == gaps
    assert 1 == verify([active], strict=True).exit_code


@pytest.mark.parametrize(
    ("before", "after"),
    [(event(1) + event(3), event(6)), (KEPT + event(3), event(5) + event(7))],
    ids=["before them", "after them"],
)
def test_numbers_that_are_missing_elsewhere_are_missing(tmp_path, before, after):
    """What stood before the suspect bytes, or came later, was told by nobody."""
    (tmp_path / archive_name("app.jsonl", 1, 0)).write_bytes(before)
    active = tmp_path / "app.jsonl"
    active.write_bytes(notice("suspect", len(before), len(before) + 100) + after)

    assert 1 == verify([active]).missing


def test_a_session_that_began_in_suspect_bytes_may_lack_its_first_numbers(tmp_path):
    """Its next line in the file after them is the first that is left."""
    (tmp_path / archive_name("app.jsonl", 1, 0)).write_bytes(KEPT)
    active = tmp_path / "app.jsonl"
    other = event(4).replace(b'"s"', b'"t"')
    active.write_bytes(notice("suspect", len(KEPT), len(KEPT) + 300) + other + event(3))
    report = verify([active])

    assert (0, []) == (report.exit_code, report.findings)

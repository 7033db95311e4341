"""Each kind of damage is named with its place, its process, its likely cause, and what to do."""

from __future__ import annotations

import gzip
import json

import pytest

from mplog.config import Retention
from mplog.files.archive import archive_name
from mplog.files.manifest import Entry, append, manifest_path
from mplog.files.retention import retire
from mplog.files.scan import summarise
from mplog.files.verify import verify

WHO = {"process.pid": 4711, "process.name": "worker"}


def line(**keys):
    return json.dumps(keys).encode() + b"\n"


def event(seq, session="s", **keys):
    stamp = f"2026-11-22T08:00:00.{seq:09}Z"
    return line(timestamp=stamp, message=f"event {seq}", **WHO, **keys, session=session, seq=seq)


def events(first, last, session="s"):
    return [event(seq, session) for seq in range(first, last + 1)]


def end(last, **keys):
    told = {"session": "s", "last": last, "delivered": last, "filtered": 0, "dropped": 0} | keys
    return line(logger="mplog", event_name="mplog.session.end", **WHO, **told)


def notice(what, offset=0, size=0):
    name = {"logger": "mplog", "event_name": "mplog.file"}
    return line(**name, what=what, offset=offset, bytes=size)


class Log:
    """A log that is built by hand: two archives with 1-6, and an active file with 7-9."""

    def __init__(self, directory):
        self.active = directory / "app.jsonl"
        self.archives = [self.archive(1, events(1, 3)), self.archive(2, events(4, 6))]
        self.active.write_bytes(b"".join([*events(7, 9), end(9)]))

    def archive(self, generation, lines, packed=False):
        path = self.active.parent / archive_name("app.jsonl", generation, 0)
        path.write_bytes(b"".join(lines))
        held = Entry(path.name, generation, 1, summarise(path))
        append(manifest_path(self.active.parent, "app.jsonl"), held)
        return path

    def pack(self, path):
        packed = path.with_name(path.name + ".gz")
        packed.write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
        return packed


@pytest.fixture
def log(tmp_path):
    return Log(tmp_path)


def edit(path, change):
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(change(lines)))


def drop_manifest(log):
    manifest_path(log.active.parent, "app.jsonl").unlink()
    log.archives[0].unlink()


def cut_within(log, index=1):
    edit(log.active, lambda lines: [*lines[:index], lines[index][:40] + b"\n", *lines[index + 1 :]])


def zeros(log):
    edit(log.active, lambda lines: [lines[0], b"\0" * len(lines[1]), *lines[2:]])


def copied_archive(log):
    copy = log.active.parent / archive_name("app.jsonl", 3, 0)
    copy.write_bytes(log.archives[0].read_bytes())


def restored_after_retention(log):
    kept = log.archives[0].read_bytes()
    retire(log.active.parent, "app.jsonl", Retention(count=1), {"s"})
    edit(log.active, lambda lines: [*kept.splitlines(keepends=True), *lines])


def copytruncated(log):
    log.active.write_bytes(b"".join([notice("truncated"), event(9), end(9)]))


def moved_away(log):
    for path in log.archives:
        path.unlink()
    manifest_path(log.active.parent, "app.jsonl").unlink()
    edit(log.active, lambda lines: [*lines, notice("replaced")])


def broken_archive(log):
    packed = log.pack(log.archives[1])
    packed.write_bytes(packed.read_bytes()[:-12])


# What is done to a log of 1-9, and what verify must say: kinds with their numbers, and words of the
# likely cause.
DAMAGES = {
    "a line taken out": (
        lambda log: edit(log.active, lambda lines: [lines[0], *lines[2:]]),
        [("missing", 8, 8)], "taken out after they were written",
    ),
    "a line taken out of an archive": (
        lambda log: edit(log.archives[0], lambda lines: [lines[0], *lines[2:]]),
        [("missing", 2, 2)], "taken out after they were written",
    ),
    "an archive deleted by hand": (
        lambda log: log.archives[1].unlink(),
        [("missing", 4, 6)], "has deleted or moved this archive",
    ),
    "the oldest archive and the manifest deleted": (
        drop_manifest, [("missing", 1, 3)], "no manifest is there to say",
    ),
    "an archive cut short": (
        lambda log: edit(log.archives[1], lambda lines: lines[:1]),
        [("missing", 5, 6)], "was cut short or edited after it was rotated",
    ),
    "a file truncated while it was written": (
        copytruncated, [("missing", 7, 8)], "truncated the log file while it was written",
    ),
    "a file moved away": (moved_away, [("missing", 1, 6)], "was moved away or deleted"),
    "a line cut within": (
        cut_within, [("torn", None, None), ("missing", 8, 8)], "cut out or written over",
    ),
    "a line of zeros": (
        zeros, [("torn", None, None), ("missing", 8, 9)], "never written",
    ),
    "text of another program": (
        lambda log: edit(log.active, lambda lines: [b"oops\n", *lines]),
        [("torn", None, None)], "another program has written into the file",
    ),
    "a file that ends within a line": (
        lambda log: log.active.write_bytes(b"".join(events(7, 9))[:-20]),
        [("torn", None, None)], "its writing was broken off",
    ),
    "a line twice": (
        lambda log: edit(log.active, lambda lines: [lines[0], *lines]),
        [("doubled", 7, 7)], "copied into the file a second time",
    ),
    "a copy of an archive": (
        copied_archive, [("doubled", n, n) for n in (1, 2, 3)], "it is a copy of it",
    ),
    "a restored archive that retention had deleted": (
        restored_after_retention, [("doubled", n, n) for n in (1, 2, 3)], "was restored",
    ),
    "lines swapped": (
        lambda log: edit(log.active, lambda lines: [lines[1], lines[0], *lines[2:]]),
        [("out_of_order", 7, 7)], "sorted, merged or moved",
    ),
    "an end line edited": (
        lambda log: log.active.write_bytes(b"".join([*events(7, 9), end(9, delivered=8)])),
        [("contradiction", None, None)], "lines were edited",
    ),
}  # fmt: skip


UNSEEN: tuple[str, ...] = ()


@pytest.mark.parametrize("damage", DAMAGES)
def test_each_damage_is_named_with_its_cause(log, damage):
    """Exactly these findings, each with a cause and advice, and sessions with their process."""
    do, expected, cause = DAMAGES[damage]
    assert 0 == verify([log.active]).exit_code
    do(log)
    report = verify([log.active])

    assert expected == [(f.kind, f.first, f.last) for f in report.findings]
    assert 1 == report.exit_code
    assert cause in report.findings[0].cause
    assert all(f.cause and f.advice and f.file for f in report.findings)
    assert all(f.pid == 4711 for f in report.findings if f.session and damage not in UNSEEN)
    assert all((f.byte is not None) == (f.kind == "torn") for f in report.findings)


def test_an_archive_that_is_broken_half_way_is_unreadable_and_not_lost(log):
    """Status 3; the manifest knows what it holds, so nothing is called missing."""
    broken_archive(log)
    report = verify([log.active])

    assert (3, 0, []) == (report.exit_code, report.missing, report.notes)
    assert "damaged" in report.unreadable[0].text


def test_without_a_manifest_a_broken_archive_explains_what_is_missing(log):
    """The gap behind it is missing, and the cause names the file."""
    broken_archive(log)
    manifest_path(log.active.parent, "app.jsonl").unlink()
    report = verify([log.active])

    assert 3 == report.exit_code
    assert [True] == ["could not be read" in f.cause for f in report.findings]


def test_sessions_that_began_in_deleted_archives_are_explained(log):
    """Retention is no error: the report says how many archives, events and sessions."""
    retire(log.active.parent, "app.jsonl", Retention(count=0), {"s"})
    report = verify([log.active])

    assert (0, []) == (report.exit_code, report.findings)
    assert (2, 6, 1) == (report.retired_archives, report.retired, report.retired_sessions)


def test_late_and_foreign_lines_are_remarks_with_their_place(log):
    """They are no damage, but whose they are and why is said."""
    foreign = b"hello from another program\n"
    at = sum(map(len, events(7, 8)))
    log.active.write_bytes(
        b"".join([*events(7, 8), foreign, notice("foreign_bytes", at, len(foreign)), b"{}\n"])
        + event(9, late=True)
        + end(9)
    )
    report = verify([log.active])

    assert (0, 1, 2) == (report.exit_code, report.late, report.foreign)
    assert [("foreign", 3, at), ("foreign", 5, None), ("late", 6, None)] == [
        (f.kind, f.line, f.byte) for f in report.remarks
    ]
    assert ("s", 9, 4711) == (
        report.remarks[2].session, report.remarks[2].first, report.remarks[2].pid,
    )  # fmt: skip
    assert all(f.cause and f.advice for f in report.remarks)


@pytest.mark.parametrize("garbage", [b"", b"\xff" * 50, b'{"retired": 5}\n', b'{"archive"'])
def test_a_manifest_that_is_garbage_is_ignored_and_noted(log, garbage):
    """The files are all there: clean, but for the note."""
    manifest_path(log.active.parent, "app.jsonl").write_bytes(garbage)
    report = verify([log.active])

    assert (0, bool(garbage)) == (report.exit_code, bool(report.notes))

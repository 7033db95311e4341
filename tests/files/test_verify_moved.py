"""Files that others have moved away from a log, directories, and what is no log at all."""

from __future__ import annotations

import gzip
import json

import pytest

from mplog.files.archive import archive_name
from mplog.files.moved import is_moved
from mplog.files.verify import verify


def event(seq, session="s"):
    stamp = f"2026-11-22T08:00:00.{seq:09}Z"
    return json.dumps({"timestamp": stamp, "session": session, "seq": seq}).encode() + b"\n"


def events(first, last, session="s"):
    return b"".join(event(seq, session) for seq in range(first, last + 1))


@pytest.fixture
def active(tmp_path):
    path = tmp_path / "app.jsonl"
    path.write_bytes(events(7, 9))
    return path


@pytest.mark.parametrize(
    "names",
    [
        ("app.jsonl.2", "app.jsonl.1"),
        ("app.jsonl.2.gz", "app.jsonl.1"),
        ("app.jsonl-20261121.gz", "app.jsonl-20261122"),
        ("app.jsonl-2026112107", "app.jsonl-2026112207"),
        ("app.jsonl.1.gz", "app.jsonl-2026112207.backup"),
        ("app.2.jsonl", "app.1.jsonl"),
        ("app-20261121.jsonl.gz", "app-20261122.jsonl"),
    ],
)
def test_what_logrotate_has_moved_away_is_read_in_its_place(active, names):
    """Numbered, dated or in the way of its `create`, compressed or not: the log is whole."""
    for name, content in zip(names, (events(1, 3), events(4, 6)), strict=True):
        data = gzip.compress(content) if name.endswith(".gz") else content
        (active.parent / name).write_bytes(data)
    report = verify([active])

    assert (0, 9, 2, []) == (report.exit_code, report.events, report.moved_files, report.findings)


def test_a_notice_at_a_files_beginning_does_not_give_its_time(active):
    """It tells what befell the file, and is younger than the events that were waiting then."""
    late = {"timestamp": "2026-11-22T08:00:01Z", "level": "WARNING", "logger": "mplog"}
    told = late | {"event_name": "mplog.file", "what": "replaced", "offset": 0, "bytes": 0}
    notice = json.dumps(told).encode() + b"\n"
    (active.parent / "app.jsonl.2").write_bytes(notice + events(1, 3))
    (active.parent / "app.jsonl.1").write_bytes(events(4, 6))
    active.write_bytes(notice + events(7, 9))

    assert (0, 9, []) == (
        verify([active]).exit_code,
        verify([active]).events,
        verify([active]).findings,
    )


def test_moved_files_stand_between_archives_as_their_times_say(active):
    """Somebody has moved a file between two rotations."""
    (active.parent / archive_name("app.jsonl", 1, 0)).write_bytes(events(1, 2))
    (active.parent / "app.jsonl.1").write_bytes(events(3, 4))
    (active.parent / archive_name("app.jsonl", 2, 0)).write_bytes(events(5, 6))

    assert (0, 9) == (verify([active]).exit_code, verify([active]).events)


def test_a_moved_file_elsewhere_is_named_by_also(active, tmp_path):
    """logrotate's olddir: missing without, whole with it."""
    old = tmp_path / "old"
    old.mkdir()
    (old / "whatever").write_bytes(events(1, 6))

    assert (6, 0) == (verify([active]).missing, verify([active], also=[old / "whatever"]).missing)


def test_a_moved_file_alone_is_checked_within(active):
    """Beside a log of mplog's its own beginning is not asked for."""
    (active.parent / ".app.jsonl.mplog").touch()
    moved = active.with_name("app.jsonl.1")
    moved.write_bytes(events(4, 4) + events(6, 6))
    report = verify([moved])

    assert [("missing", 5, 5)] == [(f.kind, f.first, f.last) for f in report.findings]
    assert report.partial


def test_another_log_of_mplogs_is_not_taken_for_a_moved_file(active):
    """It has a plate of its own."""
    other = active.with_name("app.1.jsonl")
    other.write_bytes(b"torn\n")
    (active.parent / ".app.1.jsonl.mplog").touch()
    active.write_bytes(events(1, 3))

    assert (0, 1) == (verify([active]).exit_code, len(verify([active]).files))


@pytest.mark.parametrize(
    "name",
    [
        "app.jsonl", "app.jsonl.bak", "app.jsonl.12345", "xapp.jsonl.1", "app.jsonl.1.bz2",
        "app.jsonlx.1",
    ],
)  # fmt: skip
def test_other_names_are_not_taken(name):
    """Whole names only."""
    assert not is_moved("app.jsonl", name)


def test_a_directory_stands_for_all_its_logs(tmp_path):
    """Several services in one directory, each log judged by itself; people's logs are noted."""
    for name, content in (
        ("one.jsonl", events(1, 3)),
        ("two.jsonl", events(2, 3)),
        ("for_people.log", b"2026-11-22 08:00:00 INFO hello\n"),
    ):
        (tmp_path / name).write_bytes(content)
        (tmp_path / f".{name}.mplog").write_text("{}")
    (tmp_path / "unrelated.jsonl").write_bytes(b"torn\n")
    report = verify([tmp_path])

    assert (1, 1, 5, 2) == (report.exit_code, report.missing, report.events, len(report.files))
    assert ["for_people.log" in note for note in report.notes] == [True]


def test_a_directory_of_nothing_but_text_is_refused(tmp_path):
    """It must not look clean."""
    (tmp_path / "people.log").write_text("hello\n")
    (tmp_path / ".people.log.mplog").write_text("{}")

    assert 2 == verify([tmp_path]).exit_code


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (".app.jsonl.manifest", "is the manifest that mplog keeps beside a log: name the log, app"),
        (".app.jsonl.lock", "is the lock"),
        ("app.jsonl-9f.2.0.ring", "is shared memory of mplog's"),
        ("app.jsonl-9f.2.journal", "is shared memory of mplog's"),
    ],
)  # fmt: skip
def test_files_that_mplog_keeps_for_itself_are_refused_by_name(tmp_path, name, said):
    """Nobody is told that they are damaged."""
    (tmp_path / name).write_bytes(b'{"archive": "x"}\n')
    report = verify([tmp_path / name])

    assert 2 == report.exit_code
    assert said in report.refused[0].text

"""Archives, the manifest and files that cannot be read: loss is told from retention.

Files are built by hand, line by line, and then damaged.
"""

from __future__ import annotations

import gzip
import json
import os

from mplog.config import Retention
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


def test_foreign_bytes_announced_after_a_rotation_are_not_torn(tmp_path):
    """The announcement may stand in the next file."""
    text = b"hello from another program\n"
    first = event("a", 1)
    archive(tmp_path, 1, [first, text])
    active = tmp_path / "app.jsonl"
    active.write_bytes(notice("foreign_bytes", len(first), len(text)) + event("a", 2))
    report = verify([active])

    assert (1, 0, 0) == (report.foreign, report.torn, report.exit_code)


def test_filtered_numbers_that_were_retired_explain_no_later_gap(tmp_path):
    """Holes in what was deleted use up the filtered count first."""
    archive(tmp_path, 1, [event("a", 1), event("a", 3)])
    active = tmp_path / "app.jsonl"
    active.write_bytes(event("a", 4) + event("a", 6) + end("a", 6, filtered=1))
    retire(tmp_path, "app.jsonl", Retention(count=0), {"a"})

    assert [("missing", "a", 5, 5, 2)] == told(verify([active]))


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
        retire(tmp_path, "app.jsonl", Retention(count=1), {"a"})
    between = verify([active])
    retire(tmp_path, "app.jsonl", Retention(count=1), {"a"})
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
    retire(tmp_path, "app.jsonl", Retention(count=0), {"a"})

    assert [("doubled", "a", 2, 2, 1)] == told(verify([active]))


def test_an_end_line_counts_what_was_retired(tmp_path):
    """Delivered is what is there and what was deleted; loss before the deletion still shows."""
    archive(tmp_path, 1, [event("a", 1), event("a", 3)])
    active = tmp_path / "app.jsonl"
    active.write_bytes(event("a", 4) + end("a", 4))
    retire(tmp_path, "app.jsonl", Retention(count=0), {"a"})

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
    assert "neither JSON objects nor logfmt" in report.refused[0].text


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

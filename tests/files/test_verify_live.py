"""Verifying while the service writes, rotates and deletes: no false alarm.

The writer's next step is taken from inside the reader, at the point where it hurts most.
"""

from __future__ import annotations

import json
import os

import pytest
from descriptors import descriptors

from mplog.config import Retention
from mplog.files import snapshot, source
from mplog.files.archive import archive_name
from mplog.files.manifest import Entry, SessionRange, append, load, manifest_path
from mplog.files.retention import retire
from mplog.files.verify import verify


def event(seq):
    return json.dumps({"timestamp": f"{seq:030}", "session": "s", "seq": seq}).encode() + b"\n"


def events(first, last):
    return b"".join(event(seq) for seq in range(first, last + 1))


def rotate(directory, generation, first, last, then):
    """What the writer does: rename, a new active file, the manifest's entry."""
    name = archive_name("app.jsonl", generation, 0)
    (directory / "app.jsonl").rename(directory / name)
    (directory / "app.jsonl").write_bytes(then)
    held = {"s": SessionRange(first, last, last - first + 1)}
    append(manifest_path(directory, "app.jsonl"), Entry(name, generation, 1, held))


@pytest.fixture
def active(tmp_path):
    """An archive with 1-3 and an active file with 4-6."""
    path = tmp_path / "app.jsonl"
    path.write_bytes(events(1, 3))
    rotate(tmp_path, 1, 1, 3, events(4, 6))
    return path


def test_a_tail_that_is_being_written_is_not_torn(active, monkeypatch):
    """The file grows after its size was taken: the half line belongs to the next look."""
    with active.open("ab") as file:
        file.write(event(7)[:20])

    def go_on(wait_s):
        with active.open("ab") as file:
            file.write(event(7)[20:])

    monkeypatch.setattr(source.time, "sleep", go_on)
    report = verify([active])

    assert (0, 6, []) == (report.exit_code, report.events, report.findings)


def test_what_comes_after_the_look_is_not_read(active):
    """The size is taken once, so a busy file has an end."""

    def write_more(files, lines):
        with active.open("ab") as file:
            file.write(events(lines + 1, lines + 3))

    assert (0, 6) == ((report := verify([active], progress=write_more)).exit_code, report.events)


def test_a_rotation_while_reading_hides_nothing(active):
    """The open file is read to its end under whatever name."""
    rotations = iter([2])

    def rotate_once(files, lines):
        for generation in rotations:
            rotate(active.parent, generation, 4, 6, events(7, 9))

    report = verify([active], progress=rotate_once)

    assert (0, 6) == (report.exit_code, report.events)


def test_a_rotation_between_listing_and_opening_is_seen(active, monkeypatch):
    """The set is taken again: neither hidden nor doubled."""
    real = source.open_regular
    rotations = iter([2])

    def rotate_then_open(path):
        for generation in rotations:
            rotate(active.parent, generation, 4, 6, events(7, 9))
        return real(path)

    monkeypatch.setattr(source, "open_regular", rotate_then_open)
    report = verify([active])

    assert (0, 9, 3) == (report.exit_code, report.events, len(report.files))


def test_a_rotation_between_opening_and_the_second_listing_is_seen(active, monkeypatch):
    """The file that was opened as the active one is an archive by now, and counts once."""
    real = snapshot.load
    rotations = iter([2])

    def rotate_then_load(path):
        for generation in rotations:
            rotate(active.parent, generation, 4, 6, events(7, 9))
        return real(path)

    monkeypatch.setattr(snapshot, "load", rotate_then_load)
    report = verify([active])

    assert (0, 9, 3) == (report.exit_code, report.events, len(report.files))


def test_a_file_put_in_its_place_while_listing_is_seen(active, monkeypatch):
    """Somebody else's replacement, which leaves no archive, is read as the active file."""
    real = snapshot.load
    replacements = iter([events(4, 9)])

    def replace_then_load(path):
        for content in replacements:
            other = active.with_name("other")
            other.write_bytes(content)
            other.replace(active)
        return real(path)

    monkeypatch.setattr(snapshot, "load", replace_then_load)
    report = verify([active])

    assert (0, 9, 2) == (report.exit_code, report.events, len(report.files))


def test_the_moment_without_an_active_file_passes(active, monkeypatch):
    """Between the two steps of a rotation there is none; the reader looks again."""
    name = archive_name("app.jsonl", 2, 0)
    active.rename(active.with_name(name))
    monkeypatch.setattr(snapshot.time, "sleep", lambda wait_s: active.write_bytes(events(7, 9)))
    report = verify([active])

    assert (0, 9) == (report.exit_code, report.events)


def test_a_missing_active_file_is_told_and_archives_are_read(active, monkeypatch):
    """When it does not come back."""
    active.unlink()
    monkeypatch.setattr(snapshot.time, "sleep", lambda wait_s: None)
    report = verify([active])

    assert (3, 3, [str(active)]) == (
        report.exit_code, report.events, [problem.path for problem in report.unreadable],
    )  # fmt: skip


@pytest.mark.parametrize("open_at_once", [200, 0])
def test_retention_while_reading_loses_nothing(active, monkeypatch, open_at_once):
    """An archive that goes before its turn is read all the same, or the reading starts again."""
    monkeypatch.setattr(snapshot, "_OPEN_AT_ONCE", open_at_once)
    rotate(active.parent, 2, 4, 6, events(7, 9))
    passes = iter([0])

    def delete(files, lines):
        for keep in passes:
            retire(active.parent, "app.jsonl", Retention(count=keep), {"s"})

    report = verify([active], progress=delete)

    assert (0, 9 if open_at_once else 3) == (report.exit_code, report.events)
    assert 2 == load(manifest_path(active.parent, "app.jsonl")).retired.archives


@pytest.mark.parametrize(
    ("module", "target"), [(source, "open_regular"), (snapshot, "load")], ids=["open", "load"]
)
def test_retention_while_listing_loses_nothing(active, monkeypatch, module, target):
    """Between listing, opening and the manifest."""
    rotate(active.parent, 2, 4, 6, events(7, 9))
    real = getattr(module, target)
    passes = iter([1, 0])

    def delete_then(path):
        for keep in passes:
            retire(active.parent, "app.jsonl", Retention(count=keep), {"s"})
            break
        return real(path)

    monkeypatch.setattr(module, target, delete_then)
    report = verify([active])

    assert (0, []) == (report.exit_code, report.findings)


def test_a_set_that_never_holds_still_is_told(active, monkeypatch):
    """The tries are bounded; the status says that nothing is proved."""
    real = snapshot.load
    generation = iter(range(2, 100))

    def rotate_then_load(path):
        number = next(generation)
        rotate(active.parent, number, 3 * number - 2, 3 * number, b"")
        return real(path)

    monkeypatch.setattr(snapshot, "load", rotate_then_load)
    monkeypatch.setattr(snapshot.time, "sleep", lambda wait_s: None)

    assert 3 == verify([active]).exit_code


def test_no_descriptor_is_left_open(active, monkeypatch):
    """After a clean run, after many tries, and after an interrupt."""

    def interrupt(files, lines):
        raise KeyboardInterrupt

    before = descriptors()
    verify([active])
    with pytest.raises(KeyboardInterrupt):
        verify([active], progress=interrupt)
    active.unlink()
    monkeypatch.setattr(snapshot.time, "sleep", lambda wait_s: None)
    verify([active])

    assert before == sorted(os.listdir("/proc/self/fd"))

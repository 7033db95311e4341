"""Retention deletes the oldest, claims before it deletes, and finishes what a killed pass began."""

from __future__ import annotations

import errno
import gzip
import json
import os
import time
from types import SimpleNamespace

import pytest

from mplog.config import Retention
from mplog.files import manifest, retention
from mplog.files.archive import archive_name, list_archives
from mplog.files.compress import compress_all
from mplog.files.manifest import Entry, SessionRange, append, load, manifest_path
from mplog.files.retention import retire
from mplog.files.verify import verify


class Killed(BaseException):
    """The process ends here."""


def event(session, seq):
    return json.dumps({"timestamp": f"{seq:030}", "session": session, "seq": seq}) + "\n"


def build(directory, archives, *, described=True):
    """Archives of ten events each of one session, and an active file that goes on."""
    for generation in range(1, archives + 1):
        first = generation * 10 - 9
        name = archive_name("app.jsonl", generation, 0)
        (directory / name).write_text("".join(event("s", n) for n in range(first, first + 10)))
        if described:
            held = {"s": SessionRange(first, first + 9, 10)}
            append(manifest_path(directory, "app.jsonl"), Entry(name, generation, 500, held))
    (directory / "app.jsonl").write_text(event("s", archives * 10 + 1))


def generations(directory):
    return [archive.generation for archive in list_archives(directory, "app.jsonl")]


def test_an_archive_and_its_compressed_form_are_one(tmp_path):
    """While compression is at work two files are one generation: they stay or go together."""
    build(tmp_path, 3)
    name = archive_name("app.jsonl", 1, 0)
    (tmp_path / (name + ".gz")).write_bytes(gzip.compress((tmp_path / name).read_bytes()))

    assert [] == retire(tmp_path, "app.jsonl", Retention(count=3), {"s"})
    assert [name, name + ".gz"] == retire(tmp_path, "app.jsonl", Retention(count=2), {"s"})
    assert 0 == verify([tmp_path / "app.jsonl"]).exit_code


def test_bytes_are_those_on_the_disk(tmp_path):
    """Compressed archives count as they stand there, and the active file not at all."""
    build(tmp_path, 4)
    for archive in list_archives(tmp_path, "app.jsonl")[:3]:
        path = tmp_path / archive.name
        (tmp_path / (archive.name + ".gz")).write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    (tmp_path / "app.jsonl").write_text(event("s", 41) + " " * 100_000)
    total_bytes = sum(path.stat().st_size for path in tmp_path.glob("app.*.jsonl*"))
    keep = Retention(total_bytes=total_bytes)

    assert [] == retire(tmp_path, "app.jsonl", keep, {"s"})
    keep = Retention(total_bytes=total_bytes - 1)
    assert 1 == len(retire(tmp_path, "app.jsonl", keep, {"s"}))


@pytest.mark.parametrize(("free_bytes", "gone"), [(10**9, 0), (10**9 - 1, 1), (0, 4)])
def test_a_disk_that_is_nearly_full_gets_room(tmp_path, monkeypatch, free_bytes, gone):
    """Oldest first until enough is free; the active file never goes, and no file of another."""
    build(tmp_path, 4)
    other = tmp_path / "app.old.20261122T080000Z.000001.jsonl"
    other.write_text("another log's")
    fs = SimpleNamespace(f_bavail=free_bytes, f_frsize=1)
    monkeypatch.setattr(os, "statvfs", lambda path: fs)
    retire(tmp_path, "app.jsonl", Retention(keep_free_bytes=10**9), {"s"})

    assert list(range(gone + 1, 5)) == generations(tmp_path)
    assert other.exists()
    assert (tmp_path / "app.jsonl").exists()


def test_age_is_told_by_the_name(tmp_path):
    """A copy's time of writing is no archive's age."""
    build(tmp_path, 2)
    name = archive_name("app.jsonl", 3, time.time_ns())
    (tmp_path / name).write_text(event("s", 99))
    os.utime(tmp_path / name, (0, 0))

    assert 2 == len(retire(tmp_path, "app.jsonl", Retention(age_s=3600), {"s"}))
    assert [3] == generations(tmp_path)


def test_an_archive_compressed_meanwhile_goes_too(tmp_path, monkeypatch):
    """Between the listing and the claim its name changes: the file goes under either."""
    build(tmp_path, 2)
    name = archive_name("app.jsonl", 1, 0)

    def compressed_first(*arguments):
        path = tmp_path / name
        (tmp_path / (name + ".gz")).write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
        return real(*arguments)

    real = retention.compact
    monkeypatch.setattr(retention, "compact", compressed_first)

    assert [name + ".gz"] == retire(tmp_path, "app.jsonl", Retention(count=1), {"s"})
    assert [2] == generations(tmp_path)


def test_an_undescribed_archive_compressed_meanwhile_is_claimed_by_its_other_form(
    tmp_path, monkeypatch
):
    """It was listed as plain, nobody knew what it holds, and now it is to be read."""
    build(tmp_path, 2, described=False)
    known = retention.load

    def compressed_first(path):
        monkeypatch.setattr(retention, "load", known)
        compress_all(tmp_path, "app.jsonl", "gzip")
        return known(path)

    monkeypatch.setattr(retention, "load", compressed_first)
    gone = retire(tmp_path, "app.jsonl", Retention(count=1), {"s"})

    assert [archive_name("app.jsonl", 1, 0) + ".gz"] == gone
    assert 0 == verify([tmp_path / "app.jsonl"]).exit_code


@pytest.mark.parametrize("described", [True, False])
def test_deleted_archives_are_not_missing(tmp_path, described):
    """After retention the files still prove complete, also when an archive had no entry."""
    build(tmp_path, 5, described=described)
    names = retire(tmp_path, "app.jsonl", Retention(count=2), {"s"})
    report = verify([tmp_path / "app.jsonl"])

    assert [archive_name("app.jsonl", n, 0) for n in (1, 2, 3)] == names
    assert [4, 5] == generations(tmp_path)
    assert {"s": SessionRange(1, 30, 30)} == load(
        manifest_path(tmp_path, "app.jsonl")
    ).retired.retired
    assert (0, 0, 21, 30, 0) == (
        report.missing, report.doubled, report.events, report.retired, report.exit_code,
    )  # fmt: skip


def test_nothing_to_do_writes_nothing(tmp_path):
    """A pass without work leaves the manifest as it is."""
    build(tmp_path, 2)
    before = manifest_path(tmp_path, "app.jsonl").stat()

    assert [] == retire(tmp_path, "app.jsonl", Retention(count=2), {"s"})
    assert before == manifest_path(tmp_path, "app.jsonl").stat()


@pytest.mark.parametrize("described", [True, False])
@pytest.mark.parametrize("step", range(1, 40))
def test_a_kill_at_any_step_is_harmless(tmp_path, monkeypatch, step, described):
    """Killed before any system call: verify is clean at once, and the next pass ends the work."""
    build(tmp_path, 4, described=described)
    calls = 0

    def dying(real):
        def call(*args, **kwargs):
            nonlocal calls
            calls += 1
            if calls == step:
                raise Killed
            return real(*args, **kwargs)

        return call

    with monkeypatch.context() as patch:
        for name in ("open", "write", "replace", "unlink", "scandir"):
            patch.setattr(os, name, dying(getattr(os, name)))
        try:
            retire(tmp_path, "app.jsonl", Retention(count=2), {"s"})
        except Killed:
            pass
        else:
            assert calls < step
    killed = verify([tmp_path / "app.jsonl"])
    retire(tmp_path, "app.jsonl", Retention(count=2), {"s"})
    after = verify([tmp_path / "app.jsonl"])

    assert [(0, [])] * 2 == [(r.exit_code, r.findings) for r in (killed, after)]
    assert [3, 4] == generations(tmp_path)
    assert (
        SessionRange(1, 20, 20) == load(manifest_path(tmp_path, "app.jsonl")).retired.retired["s"]
    )
    assert 2 == load(manifest_path(tmp_path, "app.jsonl")).retired.archives
    assert not list(tmp_path.glob(".*.tmp"))


def test_the_steps_above_reach_the_end(tmp_path, monkeypatch):
    """A whole pass makes fewer calls than the kill test has steps, and more than a few."""
    build(tmp_path, 4, described=False)
    calls = []
    for name in ("open", "write", "replace", "unlink", "scandir"):
        real = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *a, _real=real, **k: calls.append(_real) or _real(*a, **k)
        )
    retire(tmp_path, "app.jsonl", Retention(count=2), {"s"})

    assert 8 <= len(calls) < 39


def test_an_archive_that_cannot_be_claimed_is_not_deleted(tmp_path):
    """Without entry and unreadable: its numbers are unknown, so it stays, and the error is told."""
    build(tmp_path, 2, described=False)
    name = archive_name("app.jsonl", 1, 0) + ".zst"
    (tmp_path / archive_name("app.jsonl", 1, 0)).rename(tmp_path / name)

    with pytest.raises(OSError, match=r"\.zst"):
        retire(tmp_path, "app.jsonl", Retention(count=0), set())
    assert [1, 2] == generations(tmp_path)


@pytest.mark.parametrize("current_known", [True, False])
@pytest.mark.parametrize("described", [True, False])
def test_ended_sessions_stay_when_others_are_unknown(tmp_path, described, current_known):
    """An archive without entry, or an active file that nobody has read, may hold any session."""
    build(tmp_path, 1, described=False)
    first = tmp_path / archive_name("app.jsonl", 1, 0)
    end = {"event_name": "mplog.session.end", "session": "s", "last": 10, "delivered": 10}
    first.write_text(first.read_text() + json.dumps(end) + "\n")
    name = archive_name("app.jsonl", 2, 0)
    (tmp_path / name).write_text(event("t", 1))
    if described:
        held = {"t": SessionRange(1, 1, 1)}
        append(manifest_path(tmp_path, "app.jsonl"), Entry(name, 2, 1, held))
    retire(tmp_path, "app.jsonl", Retention(count=1), set() if current_known else None)
    manifest = load(manifest_path(tmp_path, "app.jsonl"))

    assert ([] if described and current_known else ["s"]) == list(manifest.retired.retired)


@pytest.mark.parametrize("replaced", [False, True], ids=["a line more", "a new manifest"])
def test_the_claim_is_on_the_disk_before_a_file_goes(tmp_path, monkeypatch, replaced):
    """No loss of power leaves the archive deleted and the manifest without it."""
    build(tmp_path, 5)
    names = [archive.name for archive in list_archives(tmp_path, "app.jsonl")]
    monkeypatch.setattr(manifest, "_SMALL_BYTES", 0 if replaced else 4096)
    monkeypatch.setattr(manifest, "_GROWN", 0 if replaced else 4)
    steps, unlink, fsync = [], os.unlink, os.fsync
    path = manifest_path(tmp_path, "app.jsonl")

    def synced(fd):
        steps.append(os.readlink(f"/proc/self/fd/{fd}"))
        fsync(fd)

    def unlinked(name):
        steps.append(os.path.realpath(name))
        unlink(name)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "unlink", unlinked)
    gone = retire(tmp_path, "app.jsonl", Retention(count=3), {"s"}, on_disk=True)

    assert names[:2] == gone
    wanted = [str(path), str(tmp_path), *(str(tmp_path / name) for name in gone)]
    assert wanted == [step for step in steps if not step.endswith(".tmp")]


def test_nothing_goes_while_the_claim_cannot_be_brought_onto_the_disk(tmp_path, monkeypatch):
    """A sync fails: all archives are there, and go with the next pass."""
    build(tmp_path, 3)
    names = [archive.name for archive in list_archives(tmp_path, "app.jsonl")]
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", lambda fd: (_ for _ in ()).throw(OSError(errno.EIO, "broken")))
        with pytest.raises(OSError, match="broken"):
            retire(tmp_path, "app.jsonl", Retention(count=1), {"s"}, on_disk=True)
    assert all((tmp_path / name).exists() for name in names)

    assert names[:2] == retire(tmp_path, "app.jsonl", Retention(count=1), {"s"}, on_disk=True)

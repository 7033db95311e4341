"""Retention deletes the oldest, claims before it deletes, and finishes what a killed pass began."""

from __future__ import annotations

import json
import os

import pytest

from mplog.files.archive import Archive, archive_name, list_archives
from mplog.files.manifest import Entry, SessionRange, append, load, manifest_path
from mplog.files.retention import retire, to_retire
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


@pytest.mark.parametrize(
    ("keep", "leaving"), [(None, []), (9, []), (3, []), (2, [1]), (1, [1, 2]), (0, [1, 2, 3])]
)
def test_the_oldest_go_first(keep, leaving):
    """As many stay as are to be kept, the newest ones."""
    archives = [Archive(n, "", f"a{n}") for n in (2, 3, 1)]

    assert leaving == [archive.generation for archive in to_retire(archives, keep)]


def test_an_archive_and_its_compressed_form_are_one():
    """While compression is at work two files are one generation."""
    archives = [Archive(1, "", "a"), Archive(2, "", "b"), Archive(2, "", "b.gz", ".gz")]

    assert [] == to_retire(archives, 2)
    assert archives[:1] == to_retire(archives, 1)


def test_a_negative_keep_is_refused():
    """The value is named."""
    with pytest.raises(ValueError, match="-1"):
        to_retire([], -1)


@pytest.mark.parametrize("described", [True, False])
def test_deleted_archives_are_not_missing(tmp_path, described):
    """After retention the files still prove complete, also when an archive had no entry."""
    build(tmp_path, 5, described=described)
    names = retire(tmp_path, "app.jsonl", 2, {"s"})
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

    assert [] == retire(tmp_path, "app.jsonl", 2, {"s"})
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
            retire(tmp_path, "app.jsonl", 2, {"s"})
        except Killed:
            pass
        else:
            assert calls < step
    killed = verify([tmp_path / "app.jsonl"])
    retire(tmp_path, "app.jsonl", 2, {"s"})
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
    retire(tmp_path, "app.jsonl", 2, {"s"})

    assert 8 <= len(calls) < 39


def test_an_archive_that_cannot_be_claimed_is_not_deleted(tmp_path):
    """Without entry and unreadable: its numbers are unknown, so it stays, and the error is told."""
    build(tmp_path, 2, described=False)
    name = archive_name("app.jsonl", 1, 0) + ".zst"
    (tmp_path / archive_name("app.jsonl", 1, 0)).rename(tmp_path / name)

    with pytest.raises(OSError, match=r"\.zst"):
        retire(tmp_path, "app.jsonl", 0, set())
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
    retire(tmp_path, "app.jsonl", 1, set() if current_known else None)
    manifest = load(manifest_path(tmp_path, "app.jsonl"))

    assert ([] if described and current_known else ["s"]) == list(manifest.retired.retired)

"""A step of a rotation that fails, and what others do between two of its steps."""

from __future__ import annotations

import errno
import os

import pytest
from descriptors import descriptors

from mplog._native import Journal
from mplog.files import rotation
from mplog.files.active import ActiveFile
from mplog.files.archive import archive_name, list_archives
from mplog.files.manifest import load, manifest_path

NOW_NS = 1_795_000_000 * 10**9
LINE = b'{"session":"s","seq":1}\n'


def failing(code=errno.EIO):
    """A call that the kernel refuses."""

    def fail(*_, **__):
        raise OSError(code, os.strerror(code))

    return fail


class Log:
    """A log of one line, and its journal."""

    def __init__(self, shm, path):
        self.path = path
        path.write_bytes(LINE)
        self.journal = Journal(str(shm), "shop", 1 << 16)
        self.file = ActiveFile(path, 0o600)
        self.journal.set_file(self.file.dev, self.file.ino, self.file.size(), 0)

    def begin(self):
        rotation.begin(self.journal, self.file, 0o600, NOW_NS)

    def finish(self):
        done = rotation.finish(self.journal, self.path, 0o600, None)
        done.file.close()
        return done

    def archives(self):
        return [a.name for a in list_archives(self.path.parent, self.path.name)]


@pytest.fixture
def log(shm, logdir):
    made = Log(shm, logdir / "app.jsonl")
    yield made
    made.file.close()


def test_without_a_rotation_there_is_nothing_to_finish(log):
    """It is refused, and nothing is touched."""
    with pytest.raises(ValueError, match="no rotation"):
        log.finish()

    assert LINE == log.path.read_bytes()


def test_a_new_file_that_cannot_be_looked_at_is_taken_away_again(log, monkeypatch):
    """The old one stays in force, and the next try begins anew."""
    with monkeypatch.context() as patch:
        patch.setattr(rotation, "own", failing())
        with pytest.raises(OSError, match="Input/output"):
            log.begin()
    assert log.journal.rotation is None
    assert [] == list(log.path.parent.glob(".*.new"))
    log.begin()
    assert [archive_name("app.jsonl", 1, NOW_NS)] == [log.finish().archive]


def test_a_new_file_that_takes_no_line_end_is_closed_and_tried_again(log, monkeypatch):
    """Somebody has written into it already, and the disk is full: nothing is lost by that."""
    log.begin()
    before = len(descriptors())
    (log.path.parent / ".app.jsonl.new").write_bytes(b"theirs")
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", failing(errno.ENOSPC))
        with pytest.raises(OSError, match="space"):
            log.finish()
    assert before == len(os.listdir("/proc/self/fd"))
    assert log.journal.rotation is not None
    done = log.finish()
    assert (b"theirs\n", archive_name("app.jsonl", 1, NOW_NS)) == (
        log.path.read_bytes(), done.archive,
    )  # fmt: skip


def test_a_directory_that_cannot_be_listed_leaves_the_rotation_under_way(log, monkeypatch):
    """Whether the old file was set aside already cannot be told: it is tried again."""
    log.begin()
    log.path.rename(log.path.parent / archive_name("app.jsonl", 1, NOW_NS))
    with monkeypatch.context() as patch:
        patch.setattr(rotation, "list_archives", failing())
        with pytest.raises(OSError, match="Input/output"):
            log.finish()
    assert log.journal.rotation is not None
    assert archive_name("app.jsonl", 1, NOW_NS) == log.finish().archive


def test_a_file_put_there_before_the_rename_goes_back(log, monkeypatch):
    """Between the look and the rename somebody puts one of his own in the log's place."""
    log.begin()
    rename, moved = rotation.rename_noreplace, log.path.parent / "moved"

    def swapped(source, target):
        if not moved.exists():
            log.path.rename(moved)
            log.path.write_bytes(b"theirs\n")
        rename(source, target)

    monkeypatch.setattr(rotation, "rename_noreplace", swapped)
    done = log.finish()

    assert (None, []) == (done.archive, log.archives())
    assert (b"theirs\n", LINE) == (log.path.read_bytes(), moved.read_bytes())
    assert log.journal.rotation is None


@pytest.mark.parametrize("taken", [False, True])
def test_a_name_in_the_journal_that_no_archive_has_is_not_described(log, taken):
    """A damaged journal: where the name is free the file gets it, and the manifest knows of none;
    where it is taken no other is made of it.
    """
    new = log.path.parent / ".app.jsonl.new"
    new.touch()
    found = new.stat()
    place = (log.file.dev, log.file.ino, found.st_dev, found.st_ino)
    log.journal.rotate_begin(1, "odd", *place, 0)
    if taken:
        (log.path.parent / "odd").write_bytes(b"theirs")
        with pytest.raises(ValueError, match="odd is no archive"):
            log.finish()
        assert b"theirs" == (log.path.parent / "odd").read_bytes()
        assert LINE == log.path.read_bytes()
        return

    done = log.finish()
    assert ("odd", None, LINE) == (
        done.archive, done.problem, (log.path.parent / "odd").read_bytes(),
    )  # fmt: skip
    assert {} == load(manifest_path(log.path.parent, "app.jsonl")).entries

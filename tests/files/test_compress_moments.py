"""What others do to an archive, or to the lock, while it is about to be compressed."""

from __future__ import annotations

import errno
import os

import pytest

from mplog import _native
from mplog.files import compress
from mplog.files.archive import archive_name, list_archives
from mplog.files.compress import CRASHED, compress_all, main
from mplog.ring.ownership import COMPRESSES, lock_path


@pytest.fixture
def log(tmp_path):
    """An active file and two archives."""
    for generation in (1, 2):
        (tmp_path / archive_name("app.jsonl", generation, 0)).write_text("x\n")
    (tmp_path / "app.jsonl").touch()
    return tmp_path / "app.jsonl"


def compressed(log):
    """The generations that are, and those that are not."""
    found = list_archives(log.parent, log.name)
    return [a.generation for a in found if a.compression], [
        a.generation for a in found if not a.compression
    ]


def test_whoever_is_about_to_end_is_waited_for(log, monkeypatch):
    """It may have listed before the newest archive came."""
    fd = os.open(lock_path(log), os.O_RDWR | os.O_CREAT, 0o600)
    waits = []

    def the_other_ends(wait_s):
        waits.append(wait_s)
        os.close(fd)

    assert _native.lock(fd, COMPRESSES)
    monkeypatch.setattr(compress.time, "sleep", the_other_ends)
    compress_all(log.parent, log.name, "gzip")

    assert 1 == len(waits)
    assert ([1, 2], []) == compressed(log)


def test_an_archive_deleted_before_it_is_opened_is_no_failure(log, monkeypatch):
    """Retention was faster; the others are compressed."""
    first = log.parent / archive_name("app.jsonl", 1, 0)
    real = os.open

    def retired(path, flags, *mode, **where):
        if str(path).endswith(first.name) and first.exists():
            first.unlink()
        return real(path, flags, *mode, **where)

    monkeypatch.setattr(os, "open", retired)
    compress_all(log.parent, log.name, "gzip")

    assert ([2], []) == compressed(log)


def test_a_pipe_by_an_archives_name_is_left(log):
    """It is not waited for; the others are compressed, and the error is told at the end."""
    pipe = log.parent / archive_name("app.jsonl", 1, 0)
    pipe.unlink()
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="no regular file") as refused:
        compress_all(log.parent, log.name, "gzip")

    assert errno.EINVAL == refused.value.errno
    assert ([2], [1]) == compressed(log)


def test_a_failure_that_nobody_foresaw_leaves_its_traceback_and_a_code(log, monkeypatch, capsys):
    """The writer tells it from the errors of a disk."""

    def broken(kind):
        raise RuntimeError("a library's own")

    monkeypatch.setattr(os, "nice", lambda by: 0)
    monkeypatch.setattr(compress, "compressor", broken)

    assert CRASHED == main(["gzip", str(log)])
    assert "RuntimeError: a library's own" in capsys.readouterr().err
    assert ([], [1, 2]) == compressed(log)

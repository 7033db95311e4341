"""The active file is opened by its directory's descriptor, never through a link; root refuses a
directory that anybody may write to.
"""

from __future__ import annotations

import errno
import os

import pytest

from mplog.files import active
from mplog.files.active import ActiveFile
from mplog.ring import folder
from mplog.ring.folder import open_directory


def test_a_file_is_made_with_its_mode(tmp_path):
    """And its directory, which keeps no descriptor open."""
    before = len(os.listdir("/proc/self/fd"))
    file = ActiveFile(tmp_path / "log" / "app.jsonl", 0o640)
    file.close()

    assert 0o640 & ~0o022 == os.stat(file.path).st_mode & 0o777 & ~0o022
    assert before == len(os.listdir("/proc/self/fd"))


def test_no_link_is_followed(tmp_path):
    """The error says so, and what the link names is not touched."""
    (tmp_path / "victim").write_text("theirs")
    (tmp_path / "app.jsonl").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="symbolic link"):
        ActiveFile(tmp_path / "app.jsonl", 0o600)

    assert "theirs" == (tmp_path / "victim").read_text()


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o702])
def test_root_refuses_a_directory_that_anybody_may_write_to(tmp_path, monkeypatch, mode):
    """With a sticky bit too; nothing is made there. Other users take it, as any program does."""
    place = tmp_path / "log"
    place.mkdir()
    place.chmod(mode)
    before = len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(active.os, "geteuid", lambda: 0)
    with pytest.raises(OSError, match="anybody may write") as refused:
        ActiveFile(place / "app.jsonl", 0o600)
    assert errno.EPERM == refused.value.errno
    assert [] == os.listdir(place)
    assert before == len(os.listdir("/proc/self/fd"))

    monkeypatch.setattr(active.os, "geteuid", lambda: 1000)
    ActiveFile(place / "app.jsonl", 0o600).close()
    assert ["app.jsonl"] == os.listdir(place)


def test_a_directory_of_a_group_is_taken(tmp_path):
    """Group-writable is not anybody."""
    tmp_path.chmod(0o775)
    os.close(open_directory(tmp_path))


def test_the_directory_that_was_looked_at_is_the_one_used(tmp_path, monkeypatch):
    """One that is put in its place between the look and the open gets nothing."""
    log, evil = tmp_path / "log", tmp_path / "evil"
    log.mkdir()
    evil.mkdir()
    look = folder.open_directory

    def swapped(path, *, make):
        fd = look(path, make=make)
        log.rename(tmp_path / "moved")
        evil.rename(log)
        return fd

    monkeypatch.setattr(folder, "open_directory", swapped)
    ActiveFile(log / "app.jsonl", 0o600).close()

    assert ["app.jsonl"] == os.listdir(tmp_path / "moved")
    assert [] == os.listdir(log)

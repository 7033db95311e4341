"""A log's directory held by its descriptor: no link of another user's is followed by root."""

from __future__ import annotations

import errno
import os

import pytest
from descriptors import descriptors

from mplog.ring import folder
from mplog.ring.folder import Folder, open_directory

NOBODY = 65_534


@pytest.fixture
def open_fds():
    """Nothing stays open."""
    before = descriptors()
    yield
    assert len(before) == len(os.listdir("/proc/self/fd"))


@pytest.fixture
def log(tmp_path):
    """Where a log stands."""
    made = tmp_path / "above" / "log"
    made.mkdir(parents=True)
    return made


def test_what_is_held_stays_when_its_path_leads_elsewhere(tmp_path, log, open_fds):
    """Names in it are names in the directory that was opened."""
    (tmp_path / "other").mkdir()
    with Folder(log) as held:
        log.rename(tmp_path / "moved")
        log.symlink_to(tmp_path / "other")
        (held.place / "made").touch()

    assert ["made"] == os.listdir(tmp_path / "moved")
    assert [] == os.listdir(tmp_path / "other")


def test_an_error_names_the_path(log, open_fds):
    """People know no descriptors; one without a name gets none."""
    with pytest.raises(FileNotFoundError) as gone, Folder(log) as held:
        os.rename(held.place / "a", held.place / "b")
    with pytest.raises(OSError, match="of its own") as plain, Folder(log) as held:
        raise OSError(errno.EIO, "of its own")

    assert (str(log / "a"), str(log / "b")) == (gone.value.filename, gone.value.filename2)
    assert "[Errno 5] of its own" == str(plain.value)


def test_a_folder_in_a_held_one_is_the_same(tmp_path, log, open_fds):
    """However often, and wherever the path leads by then."""
    with Folder(log) as held:
        log.rename(tmp_path / "moved")
        with Folder(held.place) as again:
            (again.place / "made").touch()

    assert ["made"] == os.listdir(tmp_path / "moved")


@pytest.mark.parametrize("uid", [0, 1000])
def test_what_is_missing_is_made(log, monkeypatch, uid, open_fds):
    """Where that is asked for, by root and by others."""
    monkeypatch.setattr(folder.os, "geteuid", lambda: uid)
    with pytest.raises(FileNotFoundError):
        open_directory(log / "a" / "b")
    with Folder(log / "a" / "b", make=0o755):
        pass

    assert (log / "a" / "b").is_dir()


def test_without_proc_the_path_will_do(log, monkeypatch, open_fds):
    """There is nothing better."""
    monkeypatch.setattr(folder, "_HELD", "/nowhere/")
    with Folder(log) as held:
        assert log == held.place


@pytest.mark.needs_root
@pytest.mark.parametrize("where", ["at the end", "on the way"])
@pytest.mark.parametrize("kind", ["absolute", "relative"])
def test_root_follows_no_link_of_another_user(tmp_path, log, where, kind, open_fds):
    """Neither to open nor to make anything behind it; its own it follows."""
    link = log if where == "at the end" else log.parent
    target = tmp_path / "real"
    link.rename(target)
    link.symlink_to(target if kind == "absolute" else os.path.relpath(target, link.parent))
    os.close(open_directory(log))
    os.lchown(link, NOBODY, NOBODY)
    with pytest.raises(PermissionError, match="another user's symbolic link"):
        Folder(log / "new", make=0o755)
    with pytest.raises(PermissionError, match="another user's symbolic link"):
        Folder(log)

    assert not (target / "new").exists()
    assert not (target / "log" / "new").exists()


@pytest.mark.needs_root
def test_links_in_a_circle_are_an_error(log, open_fds):
    """As the kernel has it."""
    (log / "a").symlink_to(log / "b")
    (log / "b").symlink_to("a")
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        open_directory(log / "a")


@pytest.mark.needs_root
def test_a_file_on_the_way_is_an_error(log, open_fds):
    """As for any program."""
    (log / "file").touch()
    with pytest.raises(NotADirectoryError):
        open_directory(log / "file")
    with pytest.raises(NotADirectoryError):
        open_directory(log / "file" / "below")


def test_others_follow_links_as_any_program_does(tmp_path, log, monkeypatch, open_fds):
    """The link's owner could do no more than the writer's user anyway."""
    monkeypatch.setattr(folder.os, "geteuid", lambda: 1000)
    (tmp_path / "link").symlink_to(log)
    with Folder(tmp_path / "link") as held:
        (held.place / "made").touch()

    assert ["made"] == os.listdir(log)

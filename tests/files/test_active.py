"""The active file is opened by its directory's descriptor, never through a link; root refuses a
directory that anybody may write to.
"""

from __future__ import annotations

import errno
import os

import pytest
from descriptors import descriptors

from mplog.files import active
from mplog.files.active import AbsentFile, ActiveFile
from mplog.ring import folder
from mplog.ring.folder import open_directory


def test_a_file_is_made_with_its_mode(tmp_path):
    """And its directory, which keeps no descriptor open."""
    before = len(descriptors())
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
    before = len(descriptors())
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


def test_in_place_of_a_file_that_cannot_be_had_there_is_nothing(tmp_path):
    """No bytes, no descriptor, no place; closing it closes nothing."""
    absent = AbsentFile(tmp_path / "app.jsonl")

    assert (0, None, False, False) == (
        absent.size(), absent.stat(), absent.in_place(), absent.end_line(),
    )  # fmt: skip
    assert (True, -1, None) == (absent.absent, absent.fd, absent.close())


def comes_and_goes(monkeypatch, times):
    """Somebody makes the file and deletes it again between every two tries to open it."""
    real, left = os.open, [times]

    def raced(path, flags, *mode, **where):
        if path == "app.jsonl" and left[0]:
            if not flags & os.O_CREAT:
                raise FileNotFoundError(errno.ENOENT, "no such file", path)
            left[0] -= 1
            raise FileExistsError(errno.EEXIST, "there is one", path)
        return real(path, flags, *mode, **where)

    monkeypatch.setattr(active.os, "open", raced)


def test_a_file_that_comes_and_goes_is_opened_when_it_stays(tmp_path, monkeypatch):
    """The next try has it."""
    comes_and_goes(monkeypatch, 7)
    ActiveFile(tmp_path / "app.jsonl", 0o600).close()

    assert (tmp_path / "app.jsonl").exists()


def test_a_file_that_never_stays_is_told_as_busy(tmp_path, monkeypatch):
    """The tries are bounded."""
    comes_and_goes(monkeypatch, 1_000)
    with pytest.raises(OSError, match="comes and goes") as refused:
        ActiveFile(tmp_path / "app.jsonl", 0o600)

    assert errno.EBUSY == refused.value.errno


@pytest.mark.parametrize("readable", [False, True], ids=["not readable", "no attributes"])
def test_a_refusal_of_unknown_cause_is_told_as_the_system_does(tmp_path, monkeypatch, readable):
    """Where the file's attributes cannot be seen, nothing is made up."""
    (tmp_path / "app.jsonl").touch()
    real = os.open

    def refused(path, flags, *mode, **where):
        if str(path).endswith("app.jsonl") and (flags & os.O_RDWR or not readable):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(path))
        return real(path, flags, *mode, **where)

    def no_attributes(*_):
        raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))

    monkeypatch.setattr(active.os, "open", refused)
    monkeypatch.setattr(active.fcntl, "ioctl", no_attributes)
    with pytest.raises(PermissionError, match="Operation not permitted"):
        ActiveFile(tmp_path / "app.jsonl", 0o600)


def test_an_owner_that_cannot_be_given_is_left(tmp_path, monkeypatch):
    """Who may not give a file away keeps it, and says so."""
    fd = os.open(tmp_path / "app.jsonl", os.O_RDWR | os.O_CREAT, 0o600)
    now = os.fstat(fd)
    other = os.stat_result((*now[:4], now.st_uid + 1, now.st_gid, *now[6:]))

    def refused(*_):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    try:
        assert active.own(fd, now)
        monkeypatch.setattr(active.os, "fchown", refused)
        assert not active.own(fd, other)
        assert (now.st_uid, now.st_gid) == (os.fstat(fd).st_uid, os.fstat(fd).st_gid)
    finally:
        os.close(fd)

"""Where the shared memory lies, and that it is private."""

import os
import stat

import pytest

from mplog.config import (
    Settings,
    directory,
    private_directory,
    shared_directory,
    usable_directory,
)
from mplog.errors import ConfigError, SegmentError

FILE = "/var/log/app.jsonl"


def test_setting_comes_first(tmp_path):
    """`dir` wins over what was inherited."""
    settings = Settings(dir="/srv/shm", file=FILE)
    found = shared_directory(settings, {"MPLOG_DIR": "/inherited"}, 7, shm=tmp_path)
    assert str(found) == "/srv/shm"


def test_inherited_comes_second(tmp_path):
    """The parent's directory wins over the usual one."""
    found = shared_directory(Settings(file=FILE), {"MPLOG_DIR": "/inherited"}, 7, shm=tmp_path)
    assert str(found) == "/inherited"


def test_shared_memory_of_the_user(tmp_path):
    """The usual place is named after the user."""
    found = shared_directory(Settings(), {"MPLOG_DIR": ""}, 7, shm=tmp_path)
    assert str(tmp_path / "mplog-7") == found


def test_beside_the_log_without_shared_memory(tmp_path):
    """Where there is no /dev/shm, the log's directory has it."""
    found = shared_directory(Settings(file=FILE), {}, 7, shm=tmp_path / "gone")
    assert str(found) == "/var/log/.mplog"


def test_shared_memory_that_is_not_writable(tmp_path, monkeypatch):
    """A /dev/shm that this user may not write to does not count."""
    monkeypatch.setattr(directory.os, "access", lambda *_, **__: False)
    found = shared_directory(Settings(file=FILE), {}, 7, shm=tmp_path)
    assert str(found) == "/var/log/.mplog"


def test_nowhere_to_go(tmp_path):
    """Without shared memory and without a log the error says what to name."""
    with pytest.raises(SegmentError) as caught:
        shared_directory(Settings(), {}, 7, shm=tmp_path / "gone")
    assert f"{tmp_path}/gone is not a directory that this user may write to. Name a" in str(
        caught.value
    )


def test_inherited_must_be_absolute():
    """A relative inherited directory is refused with its place."""
    with pytest.raises(ConfigError) as caught:
        shared_directory(Settings(), {"MPLOG_DIR": "here"}, 7)
    expected = 'environment variable MPLOG_DIR: "here" is a relative path; '
    assert str(caught.value).startswith(expected + "give an absolute path, or unset it")


@pytest.mark.parametrize("umask", [0o022, 0o777])
def test_made_private(tmp_path, umask):
    """A new directory has mode 0700 under any umask, and is taken again."""
    path = tmp_path / "logs" / ".mplog"
    path.parent.mkdir()
    before = os.umask(umask)
    try:
        private_directory(path)
    finally:
        os.umask(before)
    private_directory(path)
    assert stat.S_IMODE(os.lstat(path).st_mode) == 0o700


def test_parents_are_made(tmp_path):
    """The directory of a log that has not been written yet is made too."""
    private_directory(tmp_path / "logs" / "new" / ".mplog")
    assert (tmp_path / "logs" / "new" / ".mplog").is_dir()


def test_set_group_id_is_harmless(tmp_path):
    """A directory that inherits set-group-id from above is private all the same."""
    path = tmp_path / "shm"
    path.mkdir(0o700)
    path.chmod(0o2700)
    private_directory(path)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.mkdir(0o755), "has mode 0755, not 0700"),
        (lambda path: path.symlink_to(path.parent), "is a symbolic link"),
        (lambda path: path.symlink_to("nowhere"), "is a symbolic link"),
        (lambda path: path.touch(), "is not a directory"),
    ],
)
def test_refused(tmp_path, make, reason):
    """What is not ours alone is refused by what is wrong with it, and is left as it is."""
    path = tmp_path / "shm"
    make(path)
    path.is_symlink() or path.is_file() or path.chmod(0o755)
    before = os.lstat(path)
    with pytest.raises(SegmentError) as caught:
        private_directory(path)
    expected = f"{path} {reason}, so it is not used for shared memory"
    assert (expected, "MPL-S006") == (caught.value.text, caught.value.code)
    assert (before.st_mode, before.st_ino) == (os.lstat(path).st_mode, os.lstat(path).st_ino)


def test_directory_of_another_user(tmp_path, monkeypatch):
    """Another owner is named."""
    path = tmp_path / "shm"
    private_directory(path)
    me = os.geteuid()
    monkeypatch.setattr(directory.os, "geteuid", lambda: me + 1)
    with pytest.raises(SegmentError, match=f"belongs to user {me}, not to user {me + 1}"):
        private_directory(path)


def test_directory_that_cannot_be_made(tmp_path):
    """The system's reason is told."""
    (tmp_path / "file").touch()
    with pytest.raises(SegmentError, match=r"cannot make the directory .*/file/x for the shared"):
        private_directory(tmp_path / "file" / "x")


def test_a_refused_usual_place_is_replaced_by_one_beside_the_log(tmp_path):
    """Somebody else's directory of our name is not used, and is no reason not to log."""
    (tmp_path / "mplog-7").mkdir(mode=0o755)
    settings = Settings(file=str(tmp_path / "logs" / "app.jsonl"))
    found = usable_directory(settings, {}, 7, shm=tmp_path)

    assert str(tmp_path / "logs" / ".mplog") == found
    assert 0o700 == stat.S_IMODE(os.stat(found).st_mode)


@pytest.mark.parametrize("named", ["setting", "variable", "no log"])
def test_a_refused_place_that_was_named_is_not_replaced(tmp_path, named):
    """Nor where there is no log to put it beside."""
    refused = tmp_path / "mplog-7"
    refused.mkdir(mode=0o755)
    file = None if named == "no log" else str(tmp_path / "app.jsonl")
    settings = Settings(file=file, dir=str(refused) if named == "setting" else None)
    environ = {"MPLOG_DIR": str(refused)} if named == "variable" else {}
    with pytest.raises(SegmentError, match="mode 0755"):
        usable_directory(settings, environ, 7, shm=tmp_path)

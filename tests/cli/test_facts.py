"""What `mplog doctor` looks at: places and files of which something is wrong."""

from __future__ import annotations

import errno
import os

from mplog.cli import doctor, facts
from mplog.cli.findings import FAIL, decide
from mplog.config.load import load


def test_a_file_system_without_room_is_not_one_without_locks(monkeypatch, tmp_path):
    """Where no file can be made the system's own reason is told."""

    def full(**how):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path))

    monkeypatch.setattr(facts.tempfile, "TemporaryFile", full)
    place = facts.place(tmp_path)

    assert (None, os.strerror(errno.ENOSPC)) == (place.locks, place.error)


def test_a_file_where_a_directory_should_be_is_called_that(tmp_path):
    """It is not a matter of permissions."""
    (tmp_path / "logs").touch()
    place = facts.place(tmp_path / "logs")

    assert (False, f"{tmp_path / 'logs'} is no directory") == (place.writable, place.error)


def test_a_read_only_file_system_is_called_that(tmp_path, monkeypatch):
    """Root may write anywhere else."""
    there = list(os.statvfs(tmp_path))
    there[8] |= os.ST_RDONLY  # f_flag
    monkeypatch.setattr(facts.os, "statvfs", lambda path: os.statvfs_result(there))
    place = facts.place(tmp_path)

    assert (False, None) == (place.writable, place.locks)
    assert "its file system is read-only" == place.error


def test_a_log_file_that_cannot_be_written_is_a_finding(shm, as_nobody):
    """Another user's, a link, something else than a file; one that is not there is none."""
    shm.chmod(0o755)
    (shm / "root's").touch(0o600)
    (shm / "link").symlink_to(shm / "anywhere")
    os.mkfifo(shm / "pipe")
    (shm / "good").touch()
    (shm / "good").chmod(0o666)
    with as_nobody():
        found = {
            name: facts.place_of_file(shm / name).file_problem.removeprefix(f"{shm / name} ")
            for name in ("root's", "link", "pipe", "good", "absent")
        }

    assert {
        "root's": "cannot be written by this user",
        "link": "is a symbolic link, and none is written through",
        "pipe": "is no regular file",
        "good": "",
        "absent": "",
    } == found


def test_every_file_and_the_overflow_are_looked_at(shm, tmp_path):
    """Not the first log alone."""
    (tmp_path / "blocked").touch()
    config = tmp_path / "mplog.toml"
    config.write_text(
        f'file = "{tmp_path}/app.jsonl"\noverflow_dir = "{tmp_path}/blocked"\n'
        f'[[files]]\nfile = "{tmp_path}/blocked/errors.jsonl"\n'
    )
    settings = load(toml=config).settings
    bad = [one for one in decide(doctor.gather(settings)) if one.verdict == FAIL]

    assert ["log: locks", "overflow: locks"] == [
        one.subject for one in bad if "is no directory" in one.do
    ]

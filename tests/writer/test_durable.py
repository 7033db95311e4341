"""What has to be on the disk beside a file: its name, and those of the directories above it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import msgspec
import pytest

from mplog.writer import durable
from mplog.writer.durable import Durability, fsync_path


@pytest.fixture
def synced(monkeypatch):
    """The paths that are brought onto the disk, in order; they are."""
    seen, real = [], os.fsync

    def fsync(fd):
        seen.append(Path(os.readlink(f"/proc/self/fd/{fd}")))
        real(fd)

    monkeypatch.setattr(durable.os, "fsync", fsync)
    return seen


def caring(job):
    """The job, with settings that ask for the disk."""
    job.settings = msgspec.structs.replace(job.settings, fsync="interval")
    return Durability(job)


def mount_point(path):
    """The nearest directory above *path* that is one."""
    return next(folder for folder in path.parents if os.path.ismount(folder))


def test_a_files_name_is_on_the_disk_with_those_of_its_directories(place, synced):
    """Up to the mount point, once; a file that took its place in the same directory needs that
    one alone.
    """
    one, path = caring(place.job), place.job.path
    assert one.prepare(1.0)
    above = list(path.parents)
    assert above[: above.index(mount_point(path)) + 1] == synced
    synced.clear()
    assert one.prepare(2.0)
    assert [] == synced
    place.job.file.ino += 1
    assert one.prepare(3.0)
    assert [path.parent] == synced


def test_a_file_that_is_owed_its_lines_is_not_asked_for(two, synced):
    """What nobody can write nobody can sync either; the other one is."""
    one = two(fsync="interval")
    one.log_one()
    one.turn()
    one.refuse()
    one.log_one()
    one.turn()
    one.loop.owing.look(0.0)
    assert one.second.owed
    synced.clear()
    assert Durability(one.job).prepare(1.0)

    assert one.log.parent in synced
    assert one.other.parent not in synced


def test_a_path_that_is_gone_was_anothers_to_care_for(tmp_path, synced):
    """An archive may be compressed, or deleted, just now."""
    fsync_path(tmp_path / "gone")

    assert [] == synced


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOENT])
def test_a_path_that_is_closed_to_this_user_is_anothers(tmp_path, monkeypatch, synced, number):
    """A directory above the log's may be."""

    def refuse(path, flags):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(durable.os, "open", refuse)
    fsync_path(tmp_path)

    assert [] == synced


def test_a_file_system_that_syncs_no_directories_is_no_error(synced):
    """As /proc: it says EINVAL."""
    fsync_path(Path("/proc"))

    assert [Path("/proc")] == synced


def test_a_directory_that_cannot_be_synced_is_told(place, monkeypatch):
    """Nobody is told then that anything is on the disk."""

    def refuse(fd):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(durable.os, "fsync", refuse)

    assert not caring(place.job).prepare(1.0)
    assert "could not be brought onto the disk" in place.job.problem
    assert 1 == place.job.reader.counters()["unsynced"]

"""A spool on a disk that takes nothing, or only a part."""

from __future__ import annotations

import errno
import os
import resource

import pytest
from descriptors import descriptors
from disk import MUCH, append, drained, lost, opened, segments
from given import SESSION, events

from mplog.resilience.spool_rules import SpoolRules


def test_a_disk_without_room_takes_none_of_a_batch(tmp_path):
    """`append` raises, what was there stays readable, and later appends go on behind it."""
    spool = opened(tmp_path, SpoolRules(segment_bytes=1 << 20))
    append(spool, events(3))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    (path,) = segments(tmp_path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 500, before[1]))
    try:
        with pytest.raises(OSError, match="large"):
            append(spool, events(50, 4))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert 3 == spool.waiting
    assert 50 == append(spool, events(50, 4))
    spool.close()

    assert list(range(1, 54)) == drained(opened(tmp_path))


def test_what_failed_and_could_not_be_cut_is_not_read(tmp_path, monkeypatch):
    """Whole records of an append that has raised stand behind the end; the next one counts."""
    spool = opened(tmp_path, SpoolRules(segment_bytes=1 << 20))
    append(spool, events(3))
    pwrite = os.pwrite

    def torn(fd, data, at):
        if len(data) > 1_000:
            return pwrite(fd, data[:1_000], at)
        raise OSError(errno.ENOSPC, "no space")

    def refused(fd, size):
        raise OSError(errno.EIO, "no")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", torn)
        patch.setattr(os, "ftruncate", refused)
        with pytest.raises(OSError, match="no space"):
            append(spool, events(10, 4, text="first"))
    append(spool, events(10, 4, level=40, text="second"))
    spool.close()
    spool = opened(tmp_path)
    got = spool.read(99, MUCH)

    assert list(range(1, 14)) == [stamped.seq for stamped, _ in got]
    assert {40} == {stamped.level for stamped, _ in got[3:]}
    assert SESSION == got[-1][0].session


def test_a_spool_that_others_may_write_into_is_refused(tmp_path):
    """Nothing is made in it, and no descriptor stays open."""
    place = tmp_path / "spool"
    place.mkdir()
    place.chmod(0o770)
    before = descriptors()
    with pytest.raises(PermissionError, match="others may write into the spool"):
        opened(tmp_path)

    assert [] == list(place.iterdir())
    assert before == sorted(os.listdir("/proc/self/fd"))


def test_a_segment_that_took_nothing_is_begun_again(tmp_path, monkeypatch):
    """Neither its head nor the cut behind it went through: the same number gets a new one."""
    spool = opened(tmp_path)

    def refused(*_):
        raise OSError(errno.EIO, "no")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", refused)
        patch.setattr(os, "ftruncate", refused)
        with pytest.raises(OSError, match="no"):
            append(spool, events(3))
    append(spool, events(3))
    spool.close()

    assert 1 == len(segments(tmp_path))
    assert [1, 2, 3] == drained(opened(tmp_path))


def test_a_spool_of_one_large_segment_makes_room_by_another(tmp_path):
    """The only segment is full of one batch: a new one is begun before that is dropped."""
    rules = SpoolRules(max_bytes=20_000, segment_bytes=20_000)
    spool = opened(tmp_path, rules)
    append(spool, events(40, text="x" * 100))
    append(spool, events(40, 41, text="x" * 100))

    assert list(range(41, 81)) == drained(spool)
    assert {"spool_full": {"INFO": 40}} == lost(spool)
    assert spool.size_bytes <= rules.max_bytes

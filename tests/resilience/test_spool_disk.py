"""A spool on a disk that takes nothing, or only a part."""

from __future__ import annotations

import errno
import os
import resource

import pytest
from disk import MUCH, append, drained, opened, segments
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

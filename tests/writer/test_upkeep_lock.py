"""The lock beside a file that nobody writes just now."""

from __future__ import annotations

import os

from mplog.ring.ownership import lock_path, still_owned, take_ownership
from mplog.writer.upkeep import Upkeep


def test_a_lock_that_somebody_has_deleted_is_taken_again(place):
    """Another service would get it; where one was faster that is told, and tried again."""
    sink, path = place.job.sinks[0], place.job.path
    one = Upkeep(place.job, sink)
    sink.lock = take_ownership(path, "shop", place.directory)
    os.unlink(lock_path(path))
    one.look(1.0)
    mended = still_owned(path, sink.lock)
    os.unlink(lock_path(path))
    other = take_ownership(path, "other", place.directory)
    one.look(2.0)
    told = place.job.problem
    os.close(other)
    one.look(3.0)
    last = still_owned(path, sink.lock)
    os.close(sink.lock)

    assert mended
    assert f"cannot keep the lock of {path}: another service writes it (EBUSY)" == told
    assert last


def test_where_the_file_is_gone_too_its_lock_is_left_to_who_makes_it_anew(place):
    """It may be another service by now."""
    sink, path = place.job.sinks[0], place.job.path
    one = Upkeep(place.job, sink)
    sink.lock = take_ownership(path, "shop", place.directory)
    os.unlink(lock_path(path))
    os.unlink(path)
    one.look(1.0)
    os.close(sink.lock)

    assert not os.path.lexists(lock_path(path))

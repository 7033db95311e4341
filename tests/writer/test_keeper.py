"""Descriptors that outlive a writer: without them it works as well, but for what it forgets."""

from __future__ import annotations

import os
import resource

from mplog.writer.keeper import Keeper, Kept, kept


def test_a_supervisor_without_descriptors_keeps_none():
    """It goes on: how a worker ended is then not always known."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        with kept():
            found = Kept.keeper
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert found is None
    with kept():
        assert Kept.keeper is not None
    assert Kept.keeper is None


def test_what_is_kept_is_not_for_programs_that_the_writer_starts():
    """A compressor would have the pidfds of all workers, and count them among its own."""
    keeper, own = Keeper(), os.pidfd_open(os.getpid())
    keeper.put([own])

    copies = keeper.look()

    assert [False] == [os.get_inheritable(fd) for fd in copies]
    keeper.clear()
    keeper.close()
    for fd in (own, *copies):
        os.close(fd)

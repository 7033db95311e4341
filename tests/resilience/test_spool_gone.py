"""Somebody takes the spool away under a sink that is away: what comes after it is kept."""

from __future__ import annotations

import errno
import os
import shutil

import pytest
from given import WALL_NS, adds_up, events, numbers, put

from mplog.resilience.spool import Spool
from mplog.resilience.spooled import Spooled
from mplog.resilience.store import Limits, outgoing

BROKEN = {"spool_broken": {"unknown": 3}}


@pytest.fixture
def store(tmp_path):
    """A store with three events on disk; their far side has just been away."""
    store = Spooled(Spool(tmp_path / "spool"), Limits(), "far")
    put(store, events(3), 1.0)
    assert 3 == len(store.take(1.0, WALL_NS))
    store.settle(0, 1.0)
    yield store
    store.give_up("shutdown")


def rest(store, now_s):
    """The numbers of all that waits, delivered."""
    found = []
    while batch := store.take(now_s, WALL_NS):
        found += numbers([outgoing(one) for one in batch])
        store.settle(len(batch), now_s)
    return found


def replaced(place):
    shutil.rmtree(place)
    place.mkdir(mode=0o700)


@pytest.mark.parametrize("harm", [shutil.rmtree, replaced])
def test_a_directory_that_was_removed_is_begun_anew(store, tmp_path, harm):
    """What was in it is counted as lost at once, and what comes then is on disk."""
    harm(tmp_path / "spool")
    put(store, events(3, 4), 2.0)

    assert (3, BROKEN) == (store.counts.on_disk, store.counts.reasons)
    assert adds_up(store)
    assert [4, 5, 6] == rest(store, 3.0)
    assert adds_up(store)


def test_a_directory_that_was_moved_is_emptied_first(store, tmp_path):
    """What comes meanwhile waits in memory; the next is in the place where it belongs."""
    (tmp_path / "spool").rename(tmp_path / "elsewhere")
    put(store, events(3, 4), 2.0)
    assert (6, 3, errno.ESTALE) == (
        store.counts.in_flight,
        store.counts.on_disk,
        store.trouble.errno,
    )
    assert [1, 2, 3, 4, 5, 6] == rest(store, 3.0)
    put(store, events(3, 7), 4.0)

    assert (3, True) == (store.counts.on_disk, (tmp_path / "spool").is_dir())
    assert [7, 8, 9] == rest(store, 5.0)
    assert adds_up(store)


def test_a_moved_directory_that_cannot_be_read_just_now_is_not_given_up(
    store, tmp_path, monkeypatch
):
    """Its events come when it can be read again."""
    (tmp_path / "spool").rename(tmp_path / "elsewhere")
    with monkeypatch.context() as ill:
        ill.setattr(store._spool, "read", lambda *limits: os.stat("/proc/version/no"))
        put(store, events(3, 4), 2.0)

    assert (3, {}) == (store.counts.on_disk, store.counts.reasons)
    assert [1, 2, 3, 4, 5, 6] == rest(store, 9.0)
    assert adds_up(store)


def test_what_comes_after_a_segment_was_removed_is_kept(store, tmp_path):
    """It does not go into the file that nobody will find."""
    for path in (tmp_path / "spool").glob("*.spool"):
        path.unlink()
    put(store, events(3, 4), 2.0)

    assert [4, 5, 6] == rest(store, 3.0)
    assert BROKEN == store.counts.reasons
    assert adds_up(store)


def test_what_a_disk_did_not_take_is_brought_there_while_the_far_side_is_away(store, monkeypatch):
    """As soon as the disk is well, though a batch of it has failed in between."""
    spool = store._spool
    assert [1, 2, 3] == rest(store, 1.0)
    with monkeypatch.context() as full:
        full.setattr(spool, "append", lambda batch: os.stat("/proc/version/no"))
        put(store, events(3, 4), 2.0)
    assert (3, 0) == (len(store.take(2.5, WALL_NS)), store.counts.on_disk)
    store.settle(0, 2.5)
    put(store, events(3, 7), 9.0)

    assert 6 == store.counts.on_disk
    assert [4, 5, 6, 7, 8, 9] == rest(store, 9.5)

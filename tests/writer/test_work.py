"""Becoming the writer: whom it waits for, and whom it leaves the work to."""

from __future__ import annotations

import os

import pytest

from mplog import _native
from mplog.config.load import load
from mplog.ring import bell_id, create_bell, hold
from mplog.ring.ownership import take_ownership
from mplog.writer import work
from mplog.writer.state import Signals


@pytest.fixture
def locked(shm, logdir):
    """A service with nothing to do, its supervisor's and its writer's locks held."""
    settings = load(arguments={"file": str(logdir / "app.jsonl")}).settings
    create_bell(shm, "late", settings)
    held = [hold(shm, "late", lock) for lock in (_native.LOCK_SUPERVISOR, _native.LOCK_WRITER)]
    yield held
    for fd in held:
        os.close(fd)


def let_go_at_the_first_pause(monkeypatch, held):
    """The writer's lock becomes free while somebody waits for it."""
    pauses = []

    def pause(_):
        pauses.append(1)
        if len(pauses) == 1:
            os.close(held.pop())

    monkeypatch.setattr(work.time, "sleep", pause)
    return pauses


@pytest.mark.parametrize("supervisor", [0, os.getppid()], ids=["none", "its parent"])
def test_a_lock_that_a_dead_writer_seems_to_hold_is_waited_for(
    locked, shm, monkeypatch, supervisor
):
    """A kernel lets go of it a moment after the death, where somebody reads of that process."""
    pauses = let_go_at_the_first_pause(monkeypatch, locked)

    assert 0 == work.work(shm, "late", Signals(), supervisor)

    assert pauses
    assert bell_id(shm, "late") is None, "the work was done, and the service taken down"


def test_a_writer_whose_supervisor_is_gone_leaves_the_work_to_anothers(locked, shm, monkeypatch):
    """That one has a writer of its own; two would wait for each other."""
    pauses = let_go_at_the_first_pause(monkeypatch, locked)

    assert 0 == work.work(shm, "late", Signals(), os.getppid() + 1)

    assert not pauses
    assert bell_id(shm, "late") is not None


def test_a_file_whose_lock_could_not_be_had_is_no_failure_in_the_end(shm, logdir):
    """Nothing is owed to it, and nobody is here: the writer leaves, and the service with it."""
    log, other = logdir / "app.jsonl", logdir / "other.jsonl"
    settings = load(arguments={"file": str(log), "files": [{"file": str(other)}]}).settings
    create_bell(shm, "two", settings)
    supervisor = hold(shm, "two", _native.LOCK_SUPERVISOR)
    foreign = take_ownership(other, "foreign", shm)

    assert 0 == work.work(shm, "two", Signals(), 0)

    assert bell_id(shm, "two") is None
    following = take_ownership(log, "next", shm)
    assert following is not None, "its locks are given back"
    for fd in (supervisor, foreign, following):
        os.close(fd)

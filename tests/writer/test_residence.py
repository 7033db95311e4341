"""How long the writer of `mplog serve` stays."""

from __future__ import annotations

import errno
import os
from types import SimpleNamespace

import pytest

from mplog import _native
from mplog.config.schema import Settings
from mplog.ring import create_bell, hold
from mplog.writer import deliver, recover, state
from mplog.writer.residence import ORPHANED_S, Residence
from mplog.writer.state import Signals

DEAD = 4_194_303  # no parent of this process


@pytest.fixture
def residence(shm):
    """`residence(supervisor, **signals)`: of a writer in a service of this test."""
    create_bell(shm, "shop", Settings(file="/logs/app.jsonl"))

    def made(supervisor, **signals):
        return Residence(
            SimpleNamespace(
                signals=Signals(supervisor=supervisor, **{"resident": True, **signals}),
                directory=shm,
                service="shop",
            )
        )

    return made


def test_it_stays_while_its_supervisor_lives(residence):
    """However long; a writer that is not resident never does."""
    assert residence(os.getppid()).lasts(1e9)
    assert not residence(os.getppid(), resident=False).lasts(0.0)
    assert not residence(os.getppid(), stop=True).lasts(0.0)


def test_an_orphan_stays_for_a_while(residence):
    """From when it is seen that the supervisor has died."""
    orphan = residence(DEAD)

    assert orphan.lasts(100.0)
    assert orphan.lasts(100.0 + ORPHANED_S - 0.1)
    assert not orphan.lasts(100.0 + ORPHANED_S)


def test_an_orphan_makes_room_for_an_heir_at_once(residence, shm):
    """As soon as another supervisor is there; its own lock is no heir's."""
    orphan, cared_for = residence(DEAD), residence(os.getppid())
    assert not orphan.has_heir
    held = hold(shm, "shop", _native.LOCK_SUPERVISOR)
    try:
        assert orphan.has_heir
        assert not orphan.lasts(0.0)
        assert not cared_for.has_heir
        assert cared_for.lasts(0.0)
    finally:
        os.close(held)


@pytest.mark.parametrize(
    ("supervisor", "more"), [("lives", {}), ("lives", {"stop": True}), ("died", {})]
)
def test_a_file_that_refuses_is_no_reason_to_leave(place, monkeypatch, supervisor, more):
    """Though nobody is attached, neither at the start nor later; where it is told to, or nobody
    could tell it to any more, it leaves as any other.
    """
    monkeypatch.setattr(state.time, "sleep", lambda pause_s: None)
    job, owner = place.job, os.getppid() if supervisor == "lives" else DEAD
    job.signals = Signals(resident=True, supervisor=owner, **more)
    waits = [
        lambda: deliver.Patience(job, job.sinks[0]).pause(OSError(errno.EROFS, "")),
        lambda: recover.Waiting(job.reader, job.signals, job.path).pause("no file"),
    ]
    monkeypatch.setattr(deliver, "GIVE_UP_S", -1.0)
    monkeypatch.setattr(recover, "GIVE_UP_S", -1.0)
    for wait in waits:
        if supervisor == "lives" and not more:
            wait()
        else:
            with pytest.raises(deliver.Abandoned):
                wait()


def test_a_writer_that_waits_for_its_file_tells_that_it_is_well(monkeypatch):
    """As often as it has to, however long the wait is."""
    clock, beats = [100.0], []
    monkeypatch.setattr(state.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(state.time, "sleep", lambda s: clock.__setitem__(0, clock[0] + s))
    signals = Signals(beat=lambda delivers: beats.append((clock[0], delivers)), beat_s=0.25)
    signals.pause(1.0)
    assert [(100.0 + n / 4, False) for n in range(4)] == beats
    assert 101.0 == clock[0]
    Signals().pause(0.5)
    assert 101.5 == clock[0]

"""How long the writer of `mplog serve` stays."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from mplog import _native
from mplog.config.schema import Settings
from mplog.ring import create_bell, hold
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
                reader=SimpleNamespace(supervisor_pid=supervisor),
                signals=Signals(**{"resident": True, **signals}),
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

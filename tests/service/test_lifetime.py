"""attach() takes what was handed down to this process, and sets up what somebody has removed."""

from __future__ import annotations

import os
import shutil

import pytest

import mplog
from mplog.config import Settings
from mplog.producer.gate import GATE
from mplog.ring import create_bell, services


def test_attach_claims_a_lane_of_the_service_that_was_handed_down(alone, logdir, monkeypatch):
    """A worker's first event needs nothing any more; the service's level is held."""
    create_bell(alone, "shop", Settings(file=str(logdir / "app.jsonl"), level=40))
    monkeypatch.setenv("MPLOG_SERVICE", "shop")
    assert mplog.attach()

    assert ("shop", 40) == (GATE.connection.service, GATE.level)
    assert GATE.connection.producer.attached
    assert not mplog.get_logger("a").is_enabled("WARNING")


def test_attach_sets_a_service_up_that_somebody_has_removed(alone, logdir):
    """As the first event would."""
    name = mplog.configure(logdir / "app.jsonl").name
    GATE.connection.detach()
    shutil.rmtree(alone)
    assert mplog.attach()

    assert [name] == services(alone)
    assert GATE.connection.producer.attached


@pytest.mark.parametrize("handed_down", [False, True])
def test_attach_says_where_there_is_nothing_to_attach_to(alone, monkeypatch, handed_down):
    """Nothing was handed down, or a service that is gone."""
    if handed_down:
        monkeypatch.setenv("MPLOG_SERVICE", "shop")
    assert not mplog.attach()
    assert GATE.connection is None
    assert [] == os.listdir(alone)

"""A process without a service for tests that start none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mplog import launch
from mplog.producer import connection, tell
from mplog.producer.gate import GATE
from mplog.service.state import STATE
from mplog.service.uncaught import unwatch


@pytest.fixture
def alone(shm: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A process that has configured nothing and starts no writer, and is that again at its end; the
    place of its shared memory.
    """
    monkeypatch.setattr(connection, "ensure_writer", lambda directory, service: False)
    for name in ("MPLOG_SERVICE", "MPLOG_SETTINGS"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    GATE.reset()
    tell.forget()
    yield shm
    for one in (GATE.connection, *STATE.others, *STATE.former):
        if one is not None:
            one.close()
    STATE.service = STATE.wanted = None
    for made in (STATE.others, STATE.former, launch.CARRY, launch.LENDS):
        made.clear()
    unwatch()
    GATE.reset()
    tell.forget()

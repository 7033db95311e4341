"""What the process that created a service waits for at its end, and says meanwhile."""

from __future__ import annotations

import pytest

from mplog.config import Settings
from mplog.producer import connection as connecting
from mplog.producer import farewell
from mplog.producer.connection import Connection
from mplog.producer.farewell import drain_at_exit
from mplog.ring import create_bell


@pytest.fixture
def left(shm, logdir, monkeypatch):
    """A connection of which an event waits for a writer that nobody starts."""
    monkeypatch.setattr(connecting, "ensure_writer", lambda directory, service: False)
    settings = Settings(file=str(logdir / "app.jsonl"))
    create_bell(shm, "shop", settings)
    connection = Connection(shm, "shop", settings)
    assert connection.attach()
    assert connection.producer.publish(30, b"x")
    connection.detach(final=True)
    yield connection
    connection.close()


@pytest.mark.parametrize("quiet", [False, True])
def test_what_has_not_been_delivered_in_time_is_told_unless_nobody_wants_to_hear(
    left, capfd, quiet
):
    """And stays where it is."""
    assert not drain_at_exit(left, 0.0, quiet=quiet)
    told = "stay in shared memory for the next writer" in capfd.readouterr().err
    assert quiet is not told


@pytest.mark.parametrize("quiet", [False, True])
def test_an_interrupt_ends_the_wait(left, monkeypatch, capfd, quiet):
    """Nothing is raised; who wants to hear it is told who delivers the rest."""

    def interrupt(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(farewell.time, "sleep", interrupt)
    assert not drain_at_exit(left, 60.0, quiet=quiet)
    told = "the writer goes on delivering" in capfd.readouterr().err
    assert quiet is not told


@pytest.mark.parametrize("quiet", [False, True])
def test_a_long_wait_is_told_on_the_way_unless_nobody_wants_to_hear(
    left, monkeypatch, capfd, quiet
):
    """Some time after it began, and before it is given up."""
    now = [100.0]

    def later(seconds):
        now[0] += 1.0

    monkeypatch.setattr(farewell.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(farewell.time, "sleep", later)
    assert not drain_at_exit(left, 4.0, quiet=quiet)
    told = capfd.readouterr().err.count("mplog: waiting for ")
    assert (0 if quiet else 2) == told

"""A connection sets its service up again, however often somebody removes it just then."""

from __future__ import annotations

import shutil

import pytest

from mplog.config.load import load
from mplog.producer import connection as module
from mplog.producer.connection import Connection
from mplog.ring import create_bell


@pytest.fixture
def connected(shm, logdir, monkeypatch):
    """A connection that starts no writer, and has lost its service."""
    settings = load(arguments={"file": str(logdir / "app.jsonl")}).settings
    monkeypatch.setattr(module, "ensure_writer", lambda directory, service: False)
    create_bell(shm, "shop", settings)
    connection = Connection(shm, "shop", settings)
    shutil.rmtree(shm)
    yield connection
    connection.detach(final=True)
    shutil.rmtree(shm, ignore_errors=True)


@pytest.mark.parametrize("step", ["private_directory", "create_bell"])
def test_a_service_that_is_removed_while_it_is_set_up_is_set_up_once_more(
    connected, shm, monkeypatch, step
):
    """After the directory is made, and after the bell is."""
    real, removed = getattr(module, step), []

    def removes(directory, *rest):
        done = real(directory, *rest)
        if len(removed) < 3:
            removed.append(1)
            shutil.rmtree(shm)
        return done

    monkeypatch.setattr(module, step, removes)

    assert connected.attach()
    assert 3 == len(removed)
    assert 0 == connected.producer.trouble

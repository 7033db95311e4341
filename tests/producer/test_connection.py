"""A connection sets its service up again, however often somebody removes it just then; what keeps
it from that is told, and raises nothing.
"""

from __future__ import annotations

import errno
import os
import shutil

import pytest

from mplog.config import Settings
from mplog.config.load import load
from mplog.errors import InternalError
from mplog.producer import connection as module
from mplog.producer import tell, trouble
from mplog.producer.connection import Connection
from mplog.ring import create_bell, stderr_path


@pytest.fixture(autouse=True)
def _forgotten():
    tell.forget()
    yield
    tell.forget()


@pytest.fixture
def connect(shm, logdir, monkeypatch):
    """`connect(**settings)`: a connection that starts no writer."""
    monkeypatch.setattr(module, "ensure_writer", lambda directory, service: False)
    made = []

    def connect(**given):
        settings = load(arguments={"file": str(logdir / "app.jsonl"), **given}).settings
        create_bell(shm, "shop", settings)
        made.append(Connection(shm, "shop", settings))
        return made[-1]

    yield connect
    for connection in made:
        connection.close()


@pytest.fixture
def connected(connect, shm):
    """A connection that has lost its service."""
    connection = connect()
    shutil.rmtree(shm)
    return connection


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


@pytest.mark.parametrize(
    ("step", "told"),
    [("private_directory", "no shared memory for shop"), ("create_bell", "no lane for process")],
)
def test_a_service_that_is_removed_each_time_is_left_to_a_later_event(
    connected, shm, monkeypatch, capfd, step, told
):
    """Five times: then it is told, nothing is raised, and the next try may succeed."""
    real, removed = getattr(module, step), []

    def removes(directory, *rest):
        removed.append(real(directory, *rest))
        shutil.rmtree(shm)

    with monkeypatch.context() as patch:
        patch.setattr(module, step, removes)
        assert not connected.attach()

    assert 5 == len(removed)
    assert told in capfd.readouterr().err
    assert connected.attach()


def test_where_no_directory_can_be_made_a_process_keeps_the_lane_it_has(connect, shm, capfd):
    """Something else stands at its path: that is told with a code, and events are taken."""
    connection = connect()
    assert connection.attach()
    shutil.rmtree(shm)
    shm.touch()
    try:
        connection._on("look")
    finally:
        shm.unlink()
    told = capfd.readouterr().err

    assert f"no shared memory for shop in {shm}" in told
    assert "[MPL-" in told
    assert connection.producer.publish(30, b"x")


def test_a_service_without_a_file_is_not_set_up_again(connect, shm):
    """Nobody could write for it: who has a lane keeps it, who has none gets none."""
    with_lane, without = connect(), connect()
    assert with_lane.attach()
    with_lane.settings = without.settings = Settings()
    shutil.rmtree(shm)
    with_lane._on("look")

    assert not without.attach()
    assert with_lane.producer.attached
    assert not shm.exists()


def test_a_trouble_that_is_over_is_not_told(connect, capfd):
    """Another thread has claimed a lane meanwhile."""
    connection = connect()
    assert connection.attach()
    connection._on("trouble")

    assert "" == capfd.readouterr().err
    assert connection.producer.attached


def test_a_result_that_no_claim_may_have_is_a_fault_of_ours(connect):
    """It is raised, with what it was, for whoever contains it."""
    with pytest.raises(InternalError, match="claiming a lane") as fault:
        trouble.no_lane(connect(), min(trouble._MUST_NOT_HAPPEN))
    assert min(trouble._MUST_NOT_HAPPEN) == fault.value.context["result"]


def test_a_process_without_a_lane_for_want_of_memory_is_told_the_limit(connect, shm, capfd):
    """With the setting and its bytes, and as the error that `on_memory_exceeded` hears of."""
    many = [connect(memory="4 MiB", when_full="drop_newest") for _ in range(24)]
    attached = [connection.attach() for connection in many]

    assert not attached[-1]
    assert (
        f"no lane for process {os.getpid()}: its events are dropped and counted "
        "(4,194,304 of 4,194,304 bytes, memory) [MPL-S011]"
    ) in capfd.readouterr().err


def test_a_full_file_system_is_told_as_that_and_not_as_a_limit(connect, capfd):
    """With what would help."""
    trouble.no_lane(connect(), -errno.ENOSPC)
    told = capfd.readouterr().err

    assert os.strerror(errno.ENOSPC) in told
    assert "`overflow_dir` on a disk would take them" in told


def test_a_writer_that_has_left_no_word_is_told_without_one(connect):
    """There is no file of its stderr, or something that cannot be read."""
    connection = connect()
    assert "" == trouble.said_at_start(connection)
    os.mkdir(stderr_path(connection.directory, connection.service))
    assert "" == trouble.said_at_start(connection)

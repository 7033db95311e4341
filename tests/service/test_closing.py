"""Shutdown in its three modes, and the callbacks that it calls."""

from __future__ import annotations

import os

import pytest

import mplog
from mplog.metrics.board import Board, Row
from mplog.producer.gate import GATE
from mplog.service import closing
from mplog.service.closing import run_callbacks, sinks_settled
from mplog.service.lifetime import CALLBACKS


@pytest.fixture
def log(shm, logdir):
    """A service of this process."""
    mplog.configure(logdir / "app.jsonl")
    return mplog.get_logger("shop")


def test_callbacks_run_before_the_delivery(log, logdir):
    """The last one registered first, each once; what they log is delivered."""
    seen = []
    mplog.on_shutdown(lambda: seen.append("first"))

    @mplog.on_shutdown
    def second():
        seen.append("second")
        log.info("from a callback")

    log.info("x")
    report = mplog.shutdown(20)

    assert ["second", "first"] == seen
    assert mplog.Report(2, 0, 0) == report
    assert b"from a callback" in (logdir / "app.jsonl").read_bytes()
    mplog.shutdown(1)
    assert 2 == len(seen)


def test_a_callback_that_raises_keeps_no_other_from_being_called(log, capfd):
    """It is told on stderr."""
    seen = []
    mplog.on_shutdown(lambda: seen.append("still"))
    mplog.on_shutdown(lambda: 1 / 0)
    mplog.shutdown(20)

    assert ["still"] == seen
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_only_graceful_calls_back(log):
    """The others are for those who cannot wait for anybody's code."""
    seen = []
    mplog.on_shutdown(lambda: seen.append("x"))
    mplog.shutdown(5, mode="immediate")
    mplog.shutdown(5, mode="flush")
    assert [] == seen
    mplog.shutdown(5)
    assert ["x"] == seen


def test_callbacks_after_the_deadline_are_told(log, capfd):
    """They are not called any more."""
    seen = []
    mplog.on_shutdown(lambda: seen.append("x"))
    mplog.shutdown(-1.0)

    assert ([], []) == (seen, CALLBACKS)
    assert "no time left" in capfd.readouterr().err


def test_immediate_waits_for_nobody(log, logdir, wait_for):
    """The writer delivers what is there."""
    for _ in range(100):
        log.info("x")
    report = mplog.shutdown(mode="immediate")
    wait_for(lambda: not os.listdir(os.environ["MPLOG_DIR"]), 20.0, "the writer to leave")

    assert 100 == report.delivered + report.left
    assert {"lanes": report.left} == report.where or not report.left
    assert 101 == len((logdir / "app.jsonl").read_text().splitlines())


def test_what_a_parent_has_registered_is_not_called_in_its_fork(alone):
    """It is the parent's; what the child has registered itself is."""
    seen = []
    mplog.on_shutdown(lambda: seen.append("parent's"))
    CALLBACKS[:] = [(os.getppid(), callback) for _, callback in CALLBACKS]
    mplog.on_shutdown(lambda: seen.append("own"))
    run_callbacks()

    assert (["own"], []) == (seen, CALLBACKS)


@pytest.fixture
def boarded(alone, logdir):
    """A connection, and the board of its sinks as a writer would show it."""
    mplog.configure(logdir / "app.jsonl")
    return GATE.connection, Board(alone, GATE.connection.service, 1)


def test_sinks_that_were_promised_nothing_are_settled(boarded):
    """There is none, or it has not had an event yet."""
    connection, board = boarded
    assert sinks_settled(connection, 0.0)
    board.show([])
    assert sinks_settled(connection, 0.0)


def test_a_sink_that_owes_is_waited_for_until_the_deadline(boarded):
    """Delivered, dropped and spooled together are what it was promised."""
    connection, board = boarded
    board.show([Row(name="a", kind="null", promised=6, delivered=3, dropped=1, spooled=1)])
    assert not sinks_settled(connection, 0.0)
    board.update(0, Row(name="a", kind="null", delivered=3, dropped=1, spooled=2))
    assert sinks_settled(connection, 0.0)


@pytest.mark.parametrize(("promised", "done"), [(0, True), (2, False)])
def test_what_a_writer_had_in_its_queues_is_not_waited_for_once_it_is_gone(
    boarded, alone, monkeypatch, promised, done
):
    """The next writer's promises hold; the former one's are nobody's."""
    connection, board = boarded
    board.show([Row(name="a", kind="null", promised=6)])
    now = [0.0]

    def next_writer(seconds):
        now[0] += 10.0
        board = Board(alone, connection.service, 2)
        board.show([Row(name="a", kind="null", promised=promised)])

    monkeypatch.setattr(closing.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(closing.time, "sleep", next_writer)
    assert done is sinks_settled(connection, 5.0)


def test_a_mode_that_is_none_is_refused(log):
    """With those there are."""
    with pytest.raises(mplog.MplogError, match="graceful"):
        mplog.shutdown(mode="quick")

"""What a program logs can be looked at in its tests, without a service."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from pathlib import Path

import pytest

import mplog
from mplog.producer.gate import GATE
from mplog.testing import capture


@pytest.fixture(autouse=True)
def _nothing_started(shm: Path):
    """The process is left as it was found: not configured."""
    yield
    mplog.shutdown(5.0)
    GATE.reset()


def test_an_event_is_there_with_all_it_has(shm):
    """Level, message, fields, context, and where it was said."""
    with capture() as log, mplog.context(request="r1"):
        assert mplog.get_logger("shop").bind(user="ann").warning("{user} paid {sum}", sum=3)

    (one,) = log
    assert (30, "WARNING", "shop", "ann paid 3") == (
        one.level, one.level_name, one.logger, one.message,
    )  # fmt: skip
    assert {"user": "ann", "sum": 3} == one.fields
    assert {"request": "r1"} == one.context
    assert one.event.file.endswith("test_capturing.py")
    assert "test_an_event_is_there_with_all_it_has" == one.event.function
    assert [] == list(shm.iterdir())


def test_the_standard_library_comes_along():
    """A `Handler` of mplog brings what `logging` has, arguments and exception included."""
    logger = logging.getLogger("std")
    handler = mplog.Handler()
    logger.addHandler(handler)
    try:
        with capture() as log:
            logger.warning("%s of %d", "two", 3)
            try:
                raise KeyError("gone")
            except KeyError:
                logger.exception("it failed")
    finally:
        logger.removeHandler(handler)

    assert ["two of 3", "it failed"] == log.messages
    assert "KeyError: 'gone'" in log.events[1].exception


def test_events_are_found_by_what_they_have():
    """A part of the message, level, logger, any field."""
    with capture() as log:
        mplog.get_logger("a").info("one {n}", n=1)
        mplog.get_logger("b").error("two {n}", n=2)

    assert ["one 1"] == [one.message for one in log.find(n=1)]
    assert ["two 2"] == [one.message for one in log.find("two", level="ERROR", logger="b")]
    assert [] == log.find("one", level="ERROR")


def test_secrets_are_hidden_as_in_a_service():
    """A test that looks for a leak finds what a file would have."""
    with capture() as log:
        mplog.get_logger("a").info("login", password="hunter2")

    assert "hunter2" not in str(log.events[0])


def test_a_level_holds():
    """What would not have been logged is not there, and costs nothing."""
    with capture("WARNING") as log:
        logger = mplog.get_logger("a")
        assert not logger.is_enabled("INFO")
        logger.info("no")
        logger.error("yes")

    assert ["yes"] == log.messages


def test_a_program_that_configures_itself_starts_nothing(shm, tmp_path):
    """Its settings are checked, its level counts, and no file appears."""
    with capture() as log:
        mplog.configure(tmp_path / "app.jsonl", level="ERROR")
        with pytest.raises(mplog.ConfigError):
            mplog.configure(tmp_path / "app.jsonl", levle="ERROR")
        mplog.get_logger("a").info("no")
        mplog.get_logger("a").error("yes")

    assert ["yes"] == log.messages
    assert [] == list(tmp_path.iterdir())
    assert [] == list(shm.iterdir())


def test_afterwards_events_go_where_they_went(tmp_path, wait_for):
    """A program that was configured before the block goes on with its service."""
    mplog.configure(tmp_path / "app.jsonl")
    mplog.get_logger("a").info("before")
    with capture() as log:
        mplog.get_logger("a").info("inside")
    mplog.get_logger("a").info("after")
    assert mplog.flush(60)
    text = (tmp_path / "app.jsonl").read_text()

    assert ["inside"] == log.messages
    assert "before" in text
    assert "after" in text
    assert "inside" not in text


def test_captures_stand_in_one_another():
    """The inner one takes what is logged in it, the outer one the rest."""
    with capture() as outer:
        mplog.get_logger("a").info("one")
        with capture() as inner:
            mplog.get_logger("a").info("two")
        mplog.get_logger("a").info("three")

    assert (["one", "three"], ["two"]) == (outer.messages, inner.messages)


def test_all_threads_are_heard():
    """Nothing of a thread is lost."""
    with capture() as log:
        threads = [
            threading.Thread(
                target=lambda name: [mplog.get_logger(name).info("x", n=n) for n in range(200)],
                args=(f"t{n}",),
            )
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert 800 == len(log)
    for n in range(4):
        assert list(range(200)) == [one.fields["n"] for one in log.find(logger=f"t{n}")]


def test_anything_at_all_can_be_logged():
    """What does not encode is shown as a service would show it."""

    class Nasty:
        def __repr__(self):
            raise RuntimeError

    with capture() as log:
        mplog.get_logger("a").info("x {v}", v=Nasty(), big="y" * 1_000_000, s="\ud800")

    assert log.events[0].cut
    log.clear()
    assert 0 == len(log)


def test_an_exception_that_leaves_the_block_ends_the_capture():
    """The gate is as it was."""
    before = GATE.publish
    with pytest.raises(ZeroDivisionError), capture():
        os.stat(f"/{1 // 0}")

    assert before == GATE.publish


def test_what_is_no_event_is_not_collected():
    """As a service's reader has it: the bytes were not accepted, and nothing is there."""
    with capture() as log:
        assert not GATE.publish(20, b"\xc1 no event")

    assert 0 == len(log)


def test_blocks_that_end_in_another_order_leave_nothing_in_force():
    """As those of two threads do: the later one collects until its end, and then nobody does."""
    log, before = mplog.get_logger("shop"), (GATE.connection, GATE.emit, GATE.level)
    first, second = contextlib.ExitStack(), contextlib.ExitStack()
    one = first.enter_context(capture())
    log.info("to the first")
    two = second.enter_context(capture())
    log.info("to the second")
    first.close()
    log.info("to the second, too")
    second.close()

    assert (["to the first"], ["to the second", "to the second, too"]) == (
        one.messages, two.messages,
    )  # fmt: skip
    assert before == (GATE.connection, GATE.emit, GATE.level)

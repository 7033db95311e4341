"""Durable calls and sync(): True when the event is on the disk, False when that is not known, and
never longer than the program has allowed.
"""

from __future__ import annotations

import os
import signal

import proof
import pytest

pytestmark = pytest.mark.process

# `how` is what configure() gets besides the file.
DURABLE = """
mplog.configure(LOG, durable_level="INFO", durable_timeout="1 min", {how})
worker = proof.Producer("w")
assert all([worker.event() for _ in range(20)])
from mplog.producer.gate import GATE
producer = GATE.connection.producer
assert producer.synced == producer.published == 20, (producer.synced, producer.published)
"""


@pytest.mark.parametrize("fsync", ["none", "interval", "batch"])
@pytest.mark.parametrize("when_full", ["overflow", "block", "drop_newest", "drop_oldest"])
def test_a_durable_call_returns_when_its_event_is_on_the_disk(world, fsync, when_full):
    """Whatever the policies are."""
    world.run(DURABLE.format(how=f'fsync="{fsync}", when_full="{when_full}"'))

    assert 20 == world.check().events


def beside_a_stopped_writer(world, program, notes):
    """Let *program* go on while the writer stands still, until there are so many notes."""
    writer = world.writer()
    os.kill(writer, signal.SIGSTOP)
    world.go_on(program)
    world.noted(notes)
    os.kill(writer, signal.SIGCONT)


def test_a_call_below_the_level_waits_for_nothing(world):
    """It is accepted while the writer stands still."""
    program = world.start(
        """
        mplog.configure(LOG, durable_level="ERROR", durable_timeout="60 s")
        log = mplog.get_logger("w")
        assert log.error("first")
        proof.note("ready")
        sys.stdin.readline()
        assert log.info("no wait")
        proof.note("w 1")
        """
    )
    world.noted(1)
    beside_a_stopped_writer(world, program, 2)
    world.finish(program)
    world.gone()


def test_handlers_and_accelerated_calls_are_durable_too(world):
    """`logging` through mplog.Handler, with and without a LogRecord, and with an exception."""
    world.run(
        """
        import logging
        handler = mplog.Handler(LOG, durable_level="INFO", durable_timeout="1 min")
        logging.root.addHandler(handler)
        logging.root.setLevel("INFO")
        from mplog.producer.gate import GATE
        producer = GATE.connection.producer
        def on_disk(count):
            assert producer.synced == producer.published == count, (producer.synced, count)
        logging.info("with a record")
        on_disk(1)
        with mplog.accelerate():
            logging.getLogger("a").info("without, %d", 2)
            on_disk(2)
        try:
            1 / 0
        except ZeroDivisionError:
            logging.exception("in Python")
        on_disk(3)
        mplog.get_logger("b").exception("and here")
        on_disk(4)
        """
    )
    world.gone()


@pytest.mark.parametrize("fsync", ["none", "interval", "batch"])
def test_sync_returns_when_all_is_on_the_disk(world, fsync):
    """What was logged before it, in files that were set aside meanwhile too."""
    world.run(
        f"""
        mplog.configure(LOG, fsync="{fsync}", fsync_interval="1 h", rotation="20 KB")
        proof.Producer("w").events(300)
        assert mplog.sync(50)
        from mplog.producer.gate import GATE
        assert GATE.connection.producer.synced == 300
        assert mplog.sync(50), "again"
        """
    )

    assert 300 == world.check().events


def test_sync_without_an_event_is_true_at_once(world):
    """There is nothing that could be lost."""
    world.run("mplog.configure(LOG)\nassert mplog.sync(0)\nmplog.shutdown()\nassert mplog.sync(0)")


def test_what_was_left_unsynced_is_told_once(world):
    """A session that has ended cannot be asked any more; the next answer is about what followed."""
    world.run(
        """
        mplog.configure(LOG)
        log = mplog.get_logger("w")
        log.info("left")
        mplog.shutdown()
        log.info("later")
        assert not mplog.sync(50)
        assert mplog.sync(50)
        """
    )
    world.gone()


TOO_LATE = """
import signal
mplog.configure(LOG, durable_level="INFO", durable_timeout="200 ms")
log = mplog.get_logger("late")
from mplog.producer.gate import GATE
wait_at_most = lambda seconds: GATE.connection.producer.set_durable(20, int(seconds * 10**9))
wait_at_most(60)  # as long as a busy machine needs for what is not about time
assert log.info("on the disk")
worker = proof.Producer("w")
assert worker.event()
proof.note("ready")
sys.stdin.readline()
wait_at_most(0.2)
assert not log.info("in vain")
wait_at_most(60)
assert not any([log.info("no wait") for _ in range(100)])
assert not mplog.sync(0.1)
proof.note("in vain")
sys.stdin.readline()
assert mplog.sync(50)
assert worker.event()
"""


def test_a_call_that_cannot_be_durable_in_time_is_false_and_told(world):
    """While the writer stands still; those after it wait for nothing until it goes on."""
    program = world.start(TOO_LATE)
    world.noted(2)
    beside_a_stopped_writer(world, program, 3)
    world.go_on(program)
    _, err = world.finish(program)

    assert 1 == err.count("not on the disk after 0.2 s (durable_timeout)"), err
    assert 104 == world.check().events


def test_an_exception_of_a_signal_handler_ends_the_wait(world):
    """The event stays accepted; the exception is the program's."""
    program = world.start(
        """
        import signal
        class Enough(Exception): pass
        from mplog.producer.gate import GATE
        def stop(*_):
            if GATE.connection.producer.published == 2:  # it waits
                raise Enough
        signal.signal(signal.SIGALRM, stop)
        mplog.configure(LOG, durable_level="INFO", durable_timeout="1 min")
        worker = proof.Producer("w")
        assert worker.event()
        proof.note("ready")
        sys.stdin.readline()
        signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
        try:
            mplog.get_logger("w").info("cut short")
        except Enough:
            signal.setitimer(signal.ITIMER_REAL, 0)
            proof.note("enough")
        """
    )
    world.noted(2)
    beside_a_stopped_writer(world, program, 3)
    world.finish(program)

    assert 2 == world.check().events


def test_a_child_forked_during_the_wait_does_not_wait_on(world):
    """A signal handler forks: the child's call returns False at once, the parent's goes on."""
    program = world.start(
        """
        import signal
        mplog.configure(LOG, durable_level="INFO", durable_timeout="1 min")
        worker = proof.Producer("w")
        assert worker.event()
        main = os.getpid()
        from mplog.producer.gate import GATE
        def fork(*_):
            if GATE.connection.producer.published < 2:  # it does not wait yet
                return
            signal.setitimer(signal.ITIMER_REAL, 0)
            if not os.fork():
                return
            os.wait()
            proof.note("child has ended")
        signal.signal(signal.SIGALRM, fork)
        proof.note("ready")
        sys.stdin.readline()
        signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
        done = mplog.get_logger("w").info("once")
        if os.getpid() != main:
            os._exit(0 if done is False else 1)
        assert done
        """
    )
    world.noted(2)
    beside_a_stopped_writer(world, program, 3)
    world.finish(program)

    assert 2 == world.check().events


def test_what_somebody_waits_for_is_not_pushed_out(world):
    """drop_oldest leaves the event of a durable call in the lane, and drops newer ones."""
    program = world.start(
        """
        import threading
        mplog.configure(LOG, durable_level="ERROR", durable_timeout="1 min",
            when_full="drop_oldest")
        log = mplog.get_logger("w")
        assert log.error("first")
        proof.note("ready")
        sys.stdin.readline()
        done = []
        waits = threading.Thread(target=lambda: done.append(log.error("kept", p="w", n=1)))
        waits.start()
        from mplog.producer.gate import GATE
        while GATE.connection.producer.published < 2:
            time.sleep(0.01)
        refused = sum(not log.info("x" * 500) for _ in range(10_000))
        assert refused, "the lane was never full"
        proof.note("full")
        waits.join()
        assert done == [True]
        """
    )
    world.noted(1)
    beside_a_stopped_writer(world, program, 2)
    world.finish(program)
    world.gone()

    assert 1 == sum(line["message"] == "kept" for line in proof.lines_of(world.log))

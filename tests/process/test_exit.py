"""The end of a program: its creator waits for the drain, within bounds; nothing stays behind."""

from __future__ import annotations

import os
import signal
import subprocess

import proof
import pytest

pytestmark = pytest.mark.process

MANY = """
mplog.configure(LOG)
proof.Producer("creator").events(3000)
"""


def test_the_log_is_complete_when_its_creator_has_exited(world):
    """Read at once, without waiting for the writer to leave: every event is there."""
    world.run(MANY)

    assert 3000 == len(proof.delivered(world.log)["creator"])
    assert 1 == world.check().ended_clean


STOPPED = """
mplog.configure(LOG)
producer = proof.Producer("creator")
producer.events(10)
mplog.flush(10)
proof.note("flushed")
sys.stdin.readline()
producer.events(1000)
"""


def with_a_stopped_writer(world):
    """A program at its exit, with a thousand events that the writer does not take."""
    program = world.start(STOPPED)
    world.noted(11)
    writer = world.writer()
    os.kill(writer, signal.SIGSTOP)
    world.go_on(program)
    assert program.stderr is not None
    line = program.stderr.readline()
    assert line.startswith("mplog: waiting for ")
    assert str(world.log) in line
    return program, writer


def test_a_wait_at_exit_is_told_and_ends_with_the_drain(world):
    """The writer is stopped: a line of progress on stderr; it goes on: the program ends well."""
    program, writer = with_a_stopped_writer(world)
    os.kill(writer, signal.SIGCONT)
    out, _ = world.finish(program)

    assert "" == out
    assert 1010 == world.check().events


def test_ctrl_c_ends_the_wait_at_exit(world):
    """The program goes at once; what it has logged is delivered later all the same."""
    program, writer = with_a_stopped_writer(world)
    program.send_signal(signal.SIGINT)
    _, err = program.communicate(timeout=20)
    os.kill(writer, signal.SIGCONT)

    assert "Traceback" not in err
    assert "interrupted" in err
    assert 1010 == world.check().events


@pytest.mark.stress
def test_a_wait_at_exit_is_bounded(world):
    """A writer that never comes back: the program ends by itself, well, and says what is left."""
    program, writer = with_a_stopped_writer(world)
    _, err = program.communicate(timeout=60)
    os.kill(writer, signal.SIGCONT)

    assert 0 == program.returncode
    assert "stay in shared memory" in err
    assert 1010 == world.check().events


SHUT_DOWN = STOPPED + "print(mplog.shutdown(0.1).left)\n"


def test_after_a_shutdown_its_exit_waits_for_nothing(world):
    """The shutdown has waited as long as was wanted; what it left is delivered all the same."""
    program = world.start(SHUT_DOWN)
    world.noted(11)
    writer = world.writer()
    os.kill(writer, signal.SIGSTOP)
    try:
        world.go_on(program)
        out, err = program.communicate(timeout=60)
    finally:
        os.kill(writer, signal.SIGCONT)

    assert ("1000\n", "") == (out, err)
    assert 1010 == world.check().events


def test_those_who_did_not_create_the_service_do_not_wait(world):
    """A second program exits while the writer is stopped; its events arrive afterwards."""
    first = world.start(STOPPED)
    world.noted(11)
    writer = world.writer()
    os.kill(writer, signal.SIGSTOP)
    try:
        world.run('mplog.configure(LOG)\nproof.Producer("second").events(100)')
    finally:
        os.kill(writer, signal.SIGCONT)
    world.go_on(first)
    world.finish(first)

    assert 1110 == world.check().events


def test_nothing_stays_after_everybody_was_killed(world):
    """Program, supervisor and writer killed; the next program's writer delivers and clears up."""
    program = world.start('mplog.configure(LOG)\nproof.load("killed")')
    world.noted(50)
    for pid in (world.supervisor(), world.writer(), program.pid):
        os.kill(pid, signal.SIGSTOP)
    for pid in (world.supervisor(), world.writer()):
        world.kill(pid)
    program.kill()
    assert -signal.SIGKILL == program.wait()
    assert [] != world.left()
    world.run('mplog.configure(LOG)\nproof.Producer("next").events(10)')
    report = world.check(killed={"killed"})

    assert (1, 1) == (report.ended_clean, report.ended_unclean)


def short_programs(world, count):
    """Many programs, four at a time, each while the writer of the one before may be leaving."""
    path = world.program("mplog.configure(LOG)\nproof.Producer(sys.argv[1]).events(5)")
    running: list[subprocess.Popen[str]] = []
    for i in range(count):
        if i % 3 == 0:
            while running:
                assert ("", "") == world.finish(running.pop())
        if i % 10 == 0:
            world.gone()
        running.append(world.start(path, f"short {i}"))
    while running:
        assert ("", "") == world.finish(running.pop())
    report = world.check()

    assert (count, 5 * count) == (report.ended_clean, report.events)


def test_short_programs_in_turn_lose_nothing(world):
    """The writer leaves while others come: nobody falls between."""
    short_programs(world, 15)


@pytest.mark.stress
@pytest.mark.timeout(600)
def test_a_hundred_short_programs_lose_nothing(world):
    """The same, a hundred programs."""
    short_programs(world, 100)


def test_to_log_and_shut_down_again_and_again_troubles_nobody(world):
    """As a suite of tests does: each time the service leaves; nothing is told of its writers."""
    world.run(
        """
        producer = proof.Producer("one")
        for _ in range(12):
            mplog.configure(LOG)
            producer.events(5)
            assert mplog.shutdown(30).left == 0
        """
    )
    report = world.check()

    assert 60 == report.events

"""Signals to the writer and its supervisor, and restarts, under load: there is one writer, and it
has everything.
"""

from __future__ import annotations

import os
import signal
import time

import proof
import pytest

pytestmark = pytest.mark.process

LOAD = """
import multiprocessing
mplog.configure(LOG, when_full="overflow", retention="all", rotation="1 MB")
fork = multiprocessing.get_context("fork")
names = [f"w{i}" for i in range(int(sys.argv[1]))]
workers = [fork.Process(target=proof.load, args=(name, 0.001)) for name in names]
for one in workers: one.start()
for one in workers: one.join()
assert {0} == {one.exitcode for one in workers}
"""


def running(world, workers=2):
    """A program whose workers log until they are stopped; the log has begun."""
    program = world.start(LOAD, str(workers))
    world.noted(10 * workers)
    world.fresh_file()
    return program


def ended(world, program, workers=2):
    """Everybody goes; each event is there once."""
    world.fresh()
    world.stop()
    assert ("", "") == world.finish(program)
    report = world.check()
    assert (workers, 0) == (report.ended_clean, report.dropped)


@pytest.mark.parametrize("seconds", [1, pytest.param(60, marks=pytest.mark.stress)])
@pytest.mark.timeout(300)
def test_a_writer_that_stands_still_is_not_doubled(world, seconds):
    """W3: SIGSTOP; nobody starts another one, workers log on, and SIGCONT brings everything."""
    program = running(world)
    writer, supervisor = world.writer(), world.supervisor()
    os.kill(writer, signal.SIGSTOP)
    try:
        deadline_s, before = time.monotonic() + seconds, len(proof.noted(world.acks))
        while time.monotonic() < deadline_s:
            assert ([supervisor], [writer]) == world.writers()
            time.sleep(0.05)
        world.noted(before + 200)
    finally:
        os.kill(writer, signal.SIGCONT)
    ended(world, program)


IGNORED = [signal.SIGPIPE, signal.SIGINT, signal.SIGCHLD, signal.SIGWINCH, signal.SIGTTOU]


def test_signals_that_mean_nothing_to_it_change_nothing(world):
    """W3: SIGPIPE, and those of a terminal: the same writer goes on."""
    program = running(world)
    writer, supervisor = world.writer(), world.supervisor()
    for number in IGNORED:
        os.kill(writer, number)
        os.kill(supervisor, number)
        world.fresh()
    assert ([supervisor], [writer]) == world.writers()
    ended(world, program)


def told_to_stop(pid):
    """Tell it once more; whether it is gone."""
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("times", [2, pytest.param(60, marks=pytest.mark.stress)])
@pytest.mark.timeout(600)
def test_restarts_under_load_lose_nothing(world, times):
    """W5: SIGTERM to the supervisor, and one more, while eight processes log: it goes at once, and
    another one takes over, each time.
    """
    program = running(world, 8)
    seen = set()
    for _ in range(times):
        seen.add(supervisor := world.supervisor())
        world.wait_for(lambda pid=supervisor: told_to_stop(pid), 40.0, "its end")
        world.wait_for(
            lambda old=supervisor: set(world.writers()[0]) - {old}, 40.0, "another supervisor"
        )
        world.fresh()
    ended(world, program, 8)

    assert times == len(seen)

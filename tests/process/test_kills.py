"""Whoever is killed, nothing that was accepted is lost or doubled, and logging goes on."""

from __future__ import annotations

import os
import random
import signal

import proof
import pytest

pytestmark = pytest.mark.process

LOAD = """
import multiprocessing
mplog.configure(LOG)
fork = multiprocessing.get_context("fork")
workers = [fork.Process(target=proof.load, args=(f"w{i}",)) for i in range(4)]
for one in workers: one.start()
for one in workers: one.join()
assert [0] * 4 == [one.exitcode for one in workers]
"""

# Waits for the test twice: with events logged, then before what is to bring the writer back.
STEP = """
mplog.configure(LOG)
proof.Producer("before").events(100)
mplog.flush(10)
proof.note("flushed")
sys.stdin.readline()
{then}
"""


def killed_writers(world, times):
    """Kill the writer that many times under load; each time another one comes."""
    program = world.start(LOAD)
    world.noted(400)
    killed = set()
    for _ in range(times):
        killed.add(writer := world.writer())
        world.kill(writer)
        assert world.writer() != writer
        world.fresh()
    world.stop()
    assert ("", "") == world.finish(program)
    report = world.check()

    assert times == len(killed)
    assert (4, 0) == (report.ended_clean, report.dropped)


def test_a_killed_writer_is_back_and_nothing_is_lost(world):
    """SIGKILL to the writer, four times under the load of four processes."""
    killed_writers(world, 4)


@pytest.mark.stress
@pytest.mark.timeout(600)
def test_a_hundred_killed_writers_lose_nothing(world):
    """The same, a hundred times."""
    killed_writers(world, 100)


def test_a_killed_supervisor_is_replaced(world):
    """The writer goes on, a producer starts another supervisor; a writer killed then comes back."""
    program = world.start(LOAD)
    world.noted(400)
    writer = world.writer()
    world.kill(world.supervisor())
    world.fresh()
    world.wait_for(lambda: world.writers()[0], 20.0, "a new supervisor")
    world.kill(writer)
    world.fresh()
    world.stop()
    assert ("", "") == world.finish(program)

    assert 4 == world.check().ended_clean


def kill_both(world):
    """Supervisor first, so that nobody brings the writer back."""
    supervisor, writer = world.supervisor(), world.writer()
    os.kill(supervisor, signal.SIGSTOP)
    world.kill(writer, signal.SIGKILL)
    world.kill(supervisor, signal.SIGKILL)
    assert ([], []) == world.writers()


@pytest.mark.parametrize(
    "then",
    [
        pytest.param("proof.load('after')", id="log calls"),
        pytest.param(
            "proof.Producer('after').events(5); assert mplog.flush(60), 'flush'", id="flush"
        ),
        pytest.param("proof.Producer('after').events(5)", id="exit"),
    ],
)
def test_both_killed_are_started_again(world, then):
    """The next log call, flush or exit starts supervisor and writer; the log is whole."""
    program = world.start(STEP.format(then=then))
    world.noted(101)
    kill_both(world)
    world.go_on(program)
    if "load" in then:
        world.writer()
        world.stop()
    assert ("", "") == world.finish(program)

    assert {"before", "after"} == set(proof.delivered(world.log))
    world.check()


WORKERS = """
import multiprocessing, random, signal
mplog.configure(LOG)
fork = multiprocessing.get_context("fork")
rng = random.Random(int(sys.argv[1]))
def start(name):
    one = fork.Process(target=proof.load, args=(name, 0.0002), name=name)
    one.start()
    return one
workers, number = [start(f"w{i}") for i in range(6)], 6
for _ in range(int(sys.argv[2])):
    time.sleep(rng.random() * 0.05)
    victim = workers.pop(rng.randrange(6))
    victim.kill()
    victim.join()
    assert victim.exitcode == -signal.SIGKILL
    proof.note(f"killed: {victim.name}")
    workers.append(start(f"w{number}"))
    number += 1
open(os.environ["PROOF_STOP"], "w").close()
for one in workers: one.join()
"""


def killed_workers(world, times):
    seed = random.randrange(1 << 32)
    world.run(WORKERS, str(seed), str(times))
    notes = proof.noted(world.acks)
    killed = {line.removeprefix("killed: ") for line in notes if line.startswith("killed: ")}
    report = world.check(killed=killed)

    assert times == len(killed), f"seed {seed}"
    # One that died before its first event has no session.
    assert 0 < report.ended_unclean <= times, f"seed {seed}"


def test_killed_workers_lose_nothing_they_had_accepted(world):
    """Thirty workers killed at random moments: each loses at most the event it was logging."""
    killed_workers(world, 30)


@pytest.mark.stress
@pytest.mark.timeout(900)
def test_a_thousand_killed_workers_lose_nothing(world):
    """The same with a thousand."""
    killed_workers(world, 1000)


FULL = """
mplog.configure(LOG, when_full="block", block_timeout="200 ms")
producer = proof.Producer("full", padding=8000)
producer.events(10)
mplog.flush(10)
proof.note("flushed")
sys.stdin.readline()
began = time.monotonic()
answers = [producer.event() for _ in range(300)]
took = time.monotonic() - began
assert answers.index(False) > 50, answers.index(False)
assert took >= 0.2, took
proof.note(f"dropped: {answers.count(False)}")
sys.stdin.readline()
while not producer.event():
    proof.note("dropped: 1")
assert mplog.flush(60)
proof.note(f"numbers: {producer.number}")
"""


def test_a_stopped_writer_costs_announced_events_only(world):
    """Lane full, deadline over: calls return False, and the log tells the very same number."""
    program = world.start(FULL)
    world.noted(11)
    writer = world.writer()
    os.kill(writer, signal.SIGSTOP)
    try:
        world.go_on(program)
        world.wait_for(
            lambda: any("dropped" in one for one in proof.noted(world.acks)), 40.0, "drops"
        )
        assert [writer] == world.writers()[1]
    finally:
        os.kill(writer, signal.SIGCONT)
    world.go_on(program)
    world.finish(program)
    report = world.check()

    notes = [one.split(": ") for one in proof.noted(world.acks) if ": " in one]
    assert sum(int(n) for what, n in notes if what == "dropped") == report.dropped > 0
    notices = [line for line in proof.lines_of(world.log) if line.get("event_name") == "mplog.drop"]
    assert report.dropped == sum(line["count"] for line in notices)
    assert int(dict(notes)["numbers"]) - report.dropped == report.events

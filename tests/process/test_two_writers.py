"""Two who want to write the same file: one does."""

from __future__ import annotations

import proof
import pytest

from mplog import _native

pytestmark = pytest.mark.process

RACE = """
import multiprocessing
fork = multiprocessing.get_context("fork")
def race(name, start):
    start.wait()
    service = mplog.configure(LOG)
    proof.note(f"created: {int(service.created)}")
    proof.Producer(name).events(5)
    start.wait()
for n in range(*map(int, sys.argv[1:])):
    start = fork.Barrier(2)
    racers = [fork.Process(target=race, args=(f"r{n} {k}", start)) for k in range(2)]
    for one in racers: one.start()
    for one in racers: one.join()
    assert [0, 0] == [one.exitcode for one in racers]
    while os.path.exists(os.environ["MPLOG_DIR"]) and os.listdir(os.environ["MPLOG_DIR"]):
        time.sleep(0.005)
"""


@pytest.mark.parametrize("times", [2, pytest.param(100, marks=pytest.mark.stress)])
@pytest.mark.timeout(1200)
def test_a_race_of_two_has_one_winner_each_time(world, times):
    """W4: two processes configure at the same moment, again and again: one makes the service, one
    writer serves both.
    """
    for first in range(0, times, 5):
        world.run(RACE, str(first), str(min(first + 5, times)))
    world.check()

    created = [line for line in proof.noted(world.acks) if line.startswith("created: ")]
    assert [times, times] == [created.count(f"created: {n}") for n in (0, 1)]


LOAD = "mplog.configure(LOG)\nproof.load('owner', 0.001)"
INTRUDER = """
try:
    mplog.configure(LOG, service="intruder")
except mplog.FileOwnedError:
    print("refused")
else:
    proof.Producer("intruder").events(50)
    print("taken", mplog.flush(20))
"""


def held(lock):
    """Whether somebody holds it."""
    with lock.open("rb") as file:
        return _native.locked(file.fileno(), 0)


def test_a_deleted_lock_lets_nobody_in(world):
    """W4: the file that says whose the log is goes, under load; the next one is refused."""
    program = world.start(LOAD)
    world.noted(50)
    world.fresh_file()
    (lock,) = world.log.parent.glob(".app.jsonl.lock")
    lock.unlink()
    world.wait_for(lambda: lock.exists() and held(lock), 20.0, "another lock")
    other = world.directory.with_name(world.directory.name + "-other")
    other.mkdir(mode=0o700)
    try:
        out, _ = world.run(INTRUDER, MPLOG_DIR=str(other))
    finally:
        other.rmdir()
    world.fresh()
    world.stop()
    assert ("", "") == world.finish(program)
    world.check()

    assert "refused" == out.strip()

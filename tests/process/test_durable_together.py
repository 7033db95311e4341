"""Many processes share one sync, and whoever is killed meanwhile, what was reported is there."""

from __future__ import annotations

import signal
from pathlib import Path

import proof
import pytest

from mplog import _native

pytestmark = pytest.mark.process

MANY = """
import multiprocessing
mplog.configure(LOG, durable_level="INFO", durable_timeout="1 min")
assert proof.Producer("main").event()
sys.stdin.readline()
fork = multiprocessing.get_context("fork")
count = int(sys.argv[1])
def work(name):
    assert proof.Producer(name).event()
workers = [fork.Process(target=work, args=(f"w{i}",)) for i in range(count)]
for one in workers: one.start()
for one in workers: one.join()
assert [0] * count == [one.exitcode for one in workers]
proof.note("done")
sys.stdin.readline()
"""


def test_many_processes_share_one_sync(world):
    """Fifty at once, whose events are there before the writer looks: far fewer syncs than calls."""
    program = world.start(MANY, "50")
    world.noted(1)
    reader = _native.Reader(str(world.directory), services(world.directory), False, 1 << 16)
    with world.standing():
        before = reader.counters()
        world.go_on(program)
        world.wait_for(lambda: waiting(reader) == 50, 60.0, "fifty calls under way")
    world.noted(52)
    counters = reader.counters()
    world.go_on(program)
    world.finish(program)

    assert 50 == counters["events"] - before["events"]
    assert 1 <= counters["syncs"] - before["syncs"] <= 5
    world.check()


def waiting(reader):
    """How many lanes hold something that nobody has read."""
    reader.scan(None)
    return sum(row["pending_bytes"] > 0 for row in reader.lanes())


def services(directory):
    """The name of the one service there."""
    (name,) = [one.name for one in directory.iterdir() if one.name.endswith(".bell")]
    return name.rsplit(".", 2)[0]


STORM = """
import multiprocessing
mplog.configure(LOG, durable_level="INFO", durable_timeout="1 min", rotation="100 KB",
    retention="all", fsync=sys.argv[1])
fork = multiprocessing.get_context("fork")
workers = [fork.Process(target=proof.load, args=(f"w{i}",)) for i in range(4)]
for one in workers: one.start()
for one in workers: one.join()
assert [0] * 4 == [one.exitcode for one in workers]
"""


def killed_writers(world, fsync, times):
    program = world.start(STORM, fsync)
    world.noted(100)
    for _ in range(times):
        world.kill(world.writer())
        world.fresh()
    world.stop()
    assert ("", "") == world.finish(program)
    report = world.check()

    assert (4, 0) == (report.ended_clean, report.dropped)


@pytest.mark.parametrize("fsync", ["none", "batch"])
def test_killed_writers_lose_no_durable_call(world, fsync):
    """Calls that wait for the disk go on with the next writer, and all of them return True."""
    killed_writers(world, fsync, 4)


@pytest.mark.stress
@pytest.mark.timeout(900)
@pytest.mark.parametrize("fsync", ["none", "interval", "batch"])
def test_a_hundred_killed_writers_lose_no_durable_call(world, fsync):
    """The same, a hundred times."""
    killed_writers(world, fsync, 100)


def test_killed_workers_leave_what_their_calls_reported(world):
    """A worker that dies in its wait has lost nothing that it was told."""
    program = world.start(STORM, "none")
    world.noted(100)
    worker = children(program.pid)[0]
    world.kill(worker, signal.SIGKILL)
    world.fresh()
    world.stop()
    _, err = program.communicate(timeout=60)
    assert "AssertionError" in err
    names = [f"w{i}" for i in range(4)]

    world.gone()
    proof.check(world.log, world.acks, killed=names)


def children(pid):
    """The processes that *pid* has forked."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

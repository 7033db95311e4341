"""Many processes at once, and shared memory that somebody clears away under them."""

from __future__ import annotations

import shutil

import proof
import pytest

pytestmark = pytest.mark.process

CROWD = """
import multiprocessing
mplog.configure(LOG)
fork = multiprocessing.get_context("fork")
together = fork.Barrier(int(sys.argv[1]))
def work(i):
    producer = proof.Producer(f"w{i}")
    producer.event()
    together.wait()  # all hold a lane now
    producer.events(9)
crowd = [fork.Process(target=work, args=(i,)) for i in range(int(sys.argv[1]))]
for one in crowd: one.start()
for one in crowd: one.join()
assert {0} == {one.exitcode for one in crowd}
"""


def a_crowd(world, count):
    world.run(CROWD, str(count))
    report = world.check()
    there = proof.delivered(world.log)

    assert {f"w{i}" for i in range(count)} == set(there)
    assert (count, 10 * count, 0) == (report.ended_clean, report.events, report.dropped)
    segments = {
        line["session"].split("-")[0] for line in proof.lines_of(world.log) if "data" in line
    }
    assert len(segments) > count // 65


def test_more_processes_than_a_segment_has_lanes(world):
    """Seventy at once: a second segment is made, and each has its lane."""
    a_crowd(world, 70)


@pytest.mark.stress
@pytest.mark.timeout(600)
def test_three_hundred_processes_at_once(world):
    """The same with 300."""
    a_crowd(world, 300)


LOAD = """
import multiprocessing
mplog.configure(LOG)
fork = multiprocessing.get_context("fork")
def work(name):
    producer = proof.Producer(name)
    while not os.path.exists(os.environ[proof.STOP]):
        assert producer.event(), "refused"
        time.sleep(0.002)
workers = [fork.Process(target=work, args=(f"w{i}",)) for i in range(3)]
for one in workers: one.start()
for one in workers: one.join()
assert [0] * 3 == [one.exitcode for one in workers]
"""


def cleared_away(world, clear):
    """Clear under load, and see logging go on with one writer; then hold the log against it."""
    program = world.start(LOAD)
    world.noted(300)
    before = world.writer()
    world.fresh()
    clear()
    world.wait_for(
        lambda: any(".bell" in name for name in world.left()), 20.0, "the service to be back"
    )
    world.wait_for(
        lambda: before not in world.writers()[1] and len(world.writers()[1]) == 1,
        30.0,
        "one writer of the new place",
    )
    world.fresh()
    world.noted(len(proof.noted(world.acks)) + 100)
    world.stop()
    world.finish(program)
    report = world.check()

    assert 0 == report.dropped


def test_removed_files_are_made_again_and_nothing_is_lost(world):
    """Somebody removes all files of the service: producers claim anew, one writer is left."""

    def clear():
        for name in world.left():
            (world.directory / name).unlink(missing_ok=True)

    cleared_away(world, clear)


def test_a_removed_directory_is_made_again_and_nothing_is_lost(world):
    """Somebody removes the directory itself."""

    def clear():
        gone = world.directory.with_name(world.directory.name + "-gone")
        world.directory.rename(gone)  # else files come into it while it is emptied
        shutil.rmtree(gone)

    cleared_away(world, clear)

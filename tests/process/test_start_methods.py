"""However a worker is started, it logs without a call of its own, and its session ends clean."""

from __future__ import annotations

import proof
import pytest

pytestmark = pytest.mark.process

# The workers live in a module that does not import mplog's setup; spawn imports __main__ anew.
WORKERS = """
import os, proof
def work(name):
    proof.Producer(name).events(50)
    return os.getpid()
def task(number):
    return work(f"task {number}")
"""


@pytest.fixture
def workers(world):
    (world.root / "workers.py").write_text(WORKERS)
    return world


START = """
import {package} as library, workers
if __name__ == "__main__":
    mplog.configure(LOG)
    context = library.get_context("{method}")
    started = [context.Process(target=workers.work, args=(f"w{{i}}",)) for i in range(4)]
    for one in started: one.start()
    proof.Producer("main").events(50)
    for one in started: one.join()
    assert [0] * 4 == [one.exitcode for one in started]
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("package", ["multiprocessing", "multiprocess"])
def test_children_of_every_start_method_log_by_themselves(workers, package, method):
    """Four children and their parent: every event once, every session ended clean."""
    workers.run(START.format(package=package, method=method))
    report = workers.check()

    assert (5, 250) == (report.ended_clean, report.events)
    assert 0 == report.ended_unclean


EXECUTOR = """
import concurrent.futures, multiprocessing, workers
if __name__ == "__main__":
    mplog.configure(LOG)
    context = multiprocessing.get_context("{method}")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        pids = set(pool.map(workers.task, range(8)))
    print(len(pids))
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_of_an_executor_log_by_themselves(workers, method):
    """concurrent.futures: every task's events once, every worker's session ended clean."""
    out, _ = workers.run(EXECUTOR.format(method=method))
    report = workers.check()

    assert (int(out), 0) == (report.ended_clean, report.ended_unclean)
    assert {f"task {i}" for i in range(8)} == set(proof.delivered(workers.log))


POOL = """
import multiprocessing, workers, sys
if __name__ == "__main__":
    mplog.configure(LOG)
    with multiprocessing.get_context("fork").Pool(4, maxtasksperchild=1) as pool:
        print(len(set(pool.map(workers.task, range(int(sys.argv[1])), chunksize=1))))
        pool.close()
        pool.join()
"""


def one_process_a_task(workers, tasks):
    out, _ = workers.run(POOL, str(tasks))
    report = workers.check()

    assert (tasks, 50 * tasks) == (len(proof.delivered(workers.log)), report.events)
    assert 0 == report.ended_unclean
    assert int(out) > 1


def test_a_process_a_task_loses_nothing(workers):
    """maxtasksperchild=1: forty processes in turn on the same few lanes."""
    one_process_a_task(workers, 40)


@pytest.mark.stress
@pytest.mark.timeout(600)
def test_two_thousand_processes_in_turn_lose_nothing(workers):
    """The same with 2,000 processes."""
    one_process_a_task(workers, 2000)


def test_no_main_guard_is_needed_for_logging(world):
    """A program without a guard configures, logs and starts a writer: main runs once."""
    world.run("mplog.configure(LOG)\nproof.note('ran')\nproof.Producer('a').events(5)")
    world.check()

    assert 1 == proof.noted(world.acks).count("ran")


def test_programs_started_by_a_program_find_its_service(world):
    """`subprocess` and `os.exec` children log without a call of their own."""
    child = world.program("proof.Producer(sys.argv[1]).events(20)")
    world.run(
        f"""
        import subprocess
        mplog.configure(LOG)
        proof.Producer("parent").events(3)
        subprocess.run([sys.executable, {str(child)!r}, "child"], check=True)
        proof.Producer("parent again").events(3)
        os.execv(sys.executable, [sys.executable, {str(child)!r}, "after exec"])
        """
    )
    report = world.check()

    assert 46 == report.events
    assert (2, 1) == (report.ended_clean, report.ended_unclean)  # exec says no goodbye


def test_a_child_with_an_empty_environment_finds_it_by_configure(world):
    """No variable at all: the same file leads to the same service."""
    child = world.program(
        f"""
        service = mplog.configure(sys.argv[1], dir={str(world.directory)!r})
        assert not service.created, service
        proof.Producer("child", sys.argv[2]).events(20)
        """
    )
    world.run(
        f"""
        import subprocess
        mplog.configure(LOG)
        proof.Producer("parent").events(3)
        paths = {{"PYTHONPATH": os.environ["PYTHONPATH"]}}
        child = [sys.executable, {str(child)!r}, LOG, os.environ["PROOF_ACKS"]]
        subprocess.run(child, check=True, env=paths)
        """
    )

    assert 2 == world.check().ended_clean


def test_unrelated_programs_with_the_same_call_share_one_writer(world):
    """Each configures by itself; there is one service and one writer while both are there."""
    source = """
    mplog.configure(LOG)
    proof.Producer(sys.argv[1]).events(20)
    sys.stdin.read()
    """
    one, two = world.start(source, "one"), world.start(source, "two")
    world.noted(40)
    # Both may have started a supervisor: the one that comes second leaves at once.
    world.wait_for(lambda: [1, 1] == [len(found) for found in world.writers()], 20.0, "one of each")
    world.finish(one)
    world.finish(two)

    assert 2 == world.check().ended_clean


def test_a_race_of_configure_leads_to_one_writer(world):
    """Twenty processes configure at the same moment: one supervisor, one writer, one creator."""
    world.run(
        """
        import multiprocessing
        start = multiprocessing.get_context("fork").Barrier(20)
        stop = multiprocessing.get_context("fork").Event()
        def race(i):
            start.wait()
            proof.note(f"created {mplog.configure(LOG).created}")
            proof.Producer(f"racer {i}").events(20)
            stop.wait()
        fork = multiprocessing.get_context("fork")
        racers = [fork.Process(target=race, args=(i,)) for i in range(20)]
        for one in racers: one.start()
        while len(proof.noted()) < 420 and all(one.is_alive() for one in racers):
            time.sleep(0.01)
        stop.set()
        for one in racers: one.join()
        """
    )
    report = world.check()

    assert (20, 0) == (report.ended_clean, report.ended_unclean)
    assert 1 == proof.noted(world.acks).count("created True")


def test_a_child_that_comes_after_its_service_has_left_sets_it_up_again(world):
    """The parent is over and the writer gone before the child logs: the child's events arrive."""
    child = world.program(
        """
        while os.path.exists(os.environ["MPLOG_DIR"]) and os.listdir(os.environ["MPLOG_DIR"]):
            time.sleep(0.01)
        proof.Producer("late child").events(20)
        assert mplog.flush(60)
        """
    )
    world.run(
        f"""
        import subprocess
        mplog.configure(LOG, retention=7)
        proof.Producer("parent").events(3)
        subprocess.Popen([sys.executable, {str(child)!r}], stdin=subprocess.DEVNULL)
        """
    )
    report = world.check()

    assert 23 == report.events

"""Whatever is wrong with shared memory, disk or writer: the program runs on, ends well, is told."""

from __future__ import annotations

import json
import os
import time

import proof
import pytest

pytestmark = pytest.mark.process

# What the program under test does besides logging, and how it ends.
WORK = """
began = time.monotonic()
mplog.configure(LOG, when_full="block", block_timeout="300 ms")
producer = proof.Producer("worker", padding=1000)
producer.events({events})
proof.note(f"refused: {{producer.number}}")
print("done")
"""
BOUND_S = 45.0


def ends_well(world, source, **how):
    """Run it; it prints `done`, exits 0, in bounded time. What it said on stderr."""
    began_s = time.monotonic()
    out, err = world.run(source, quiet=False, **how)
    assert "done\n" == out
    assert time.monotonic() - began_s < BOUND_S
    assert "Traceback" not in err
    assert all(line.startswith("mplog: ") for line in err.splitlines()), err
    return err


def shared_memory(options):
    """A prefix that gives a program a /dev/shm of its own, and waits until its writer has left."""
    script = (
        f"mount -t tmpfs -o {options} tmpfs /dev/shm && mkdir -m 700 $MPLOG_DIR && "
        '"$@"; code=$?; n=0; '
        'while [ -n "$(ls $MPLOG_DIR)" ] && [ $n -lt 300 ]; do sleep 0.1; n=$((n+1)); done; '
        "exit $code"
    )
    return ["unshare", "-m", "sh", "-c", script, "sh"]


@pytest.mark.needs_root
def test_one_megabyte_of_shared_memory_is_enough(world):
    """Smaller lanes; what is accepted arrives."""
    ends_well(world, WORK.format(events=300), prefix=shared_memory("size=1m"))
    report = world.check()

    assert 0 < report.events
    assert report.events + report.dropped == 300


@pytest.mark.needs_root
@pytest.mark.stress
def test_a_containers_shared_memory_serves_a_hundred_processes(world):
    """64 MB: every process gets a lane of some size, and what is accepted arrives."""
    source = """
    import multiprocessing
    mplog.configure(LOG)
    fork = multiprocessing.get_context("fork")
    go, out = fork.Event(), fork.Event()
    def work(i):
        go.wait()
        producer = proof.Producer(f"w{i}")
        producer.events(50)
        out.wait()
        producer.events(1)
    workers = [fork.Process(target=work, args=(i,)) for i in range(100)]
    for one in workers: one.start()
    go.set()
    deadline = time.monotonic() + 40
    while len(proof.noted()) < 5000 and time.monotonic() < deadline: time.sleep(0.05)
    out.set()
    for one in workers: one.join()
    print("done")
    """
    err = ends_well(world, source, prefix=shared_memory("size=64m"))
    world.check()

    assert 5100 == sum(map(len, proof.delivered(world.log).values())), err


@pytest.mark.needs_root
def test_without_any_shared_memory_the_lanes_lie_beside_the_log(world):
    """No /dev/shm at all: `.mplog` beside the log takes its place, and goes when it is empty."""
    script = 'mount -t tmpfs tmpfs /dev/shm && mount -o remount,ro /dev/shm && exec "$@"'
    beside = world.log.parent / ".mplog"
    prefix = ["unshare", "-m", "sh", "-c", script, "sh"]
    ends_well(world, WORK.format(events=50), prefix=prefix, MPLOG_DIR=None)
    world.wait_for(lambda: not beside.exists(), 20.0, "the end of .mplog")
    world.check()

    assert 50 == len(proof.delivered(world.log)["worker"])


def no_log_directory(world):
    """A regular file stands where the log's directory should be."""
    world.log.parent.rmdir()
    world.log.parent.write_text("in the way")

    def repair():
        world.log.parent.unlink()
        world.log.parent.mkdir()

    return {}, repair


def no_interpreter(world):
    """The writer's program exits at once, with a reason."""
    broken = world.root / "bin" / "python3"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho broken on purpose >&2\nexit 1\n")
    broken.chmod(0o755)
    return {"BROKEN": str(broken)}, lambda: None


def no_program(world):
    """There is nothing to execute."""
    return {"BROKEN": str(world.root / "nothing here")}, lambda: None


CAUSES = [no_log_directory, no_interpreter, no_program]
BREAK = """
import mplog.launch
if "BROKEN" in os.environ:
    mplog.launch.interpreter = lambda: os.environ["BROKEN"]
"""


@pytest.mark.parametrize("cause", CAUSES)
def test_what_could_not_be_written_is_delivered_by_the_next_run(world, cause):
    """The program ends well and says once what is wrong; the next run delivers all of it."""
    environment, repair = cause(world)
    err = ends_well(world, BREAK + WORK.format(events=100), **environment)
    assert "stay in shared memory for the next writer" in err
    assert 100 == len(proof.accepted(world.acks)["worker"])
    assert [] != world.left()
    repair()
    world.run('mplog.configure(LOG)\nproof.Producer("next").events(3)')
    report = world.check()

    assert (103, 0) == (report.events, report.dropped)


def test_a_log_directory_that_does_not_exist_is_made(world):
    """Missing parents are no error."""
    world.log.parent.rmdir()
    log = world.log.parent / "deeper" / "still" / "app.jsonl"
    assert "" == ends_well(world, WORK.format(events=10), LOG=str(log))
    world.gone()

    assert 10 == sum("data" in json.loads(line) for line in log.read_bytes().splitlines())


@pytest.mark.needs_root
def test_a_read_only_log_directory_is_told_and_healed(world):
    """A read-only mount: told with the file's name and the reason; after it, all is delivered."""
    folder = world.log.parent
    prefix = [
        *("unshare", "-m", "sh", "-c"),
        'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"',
        str(folder),
    ]
    err = ends_well(world, WORK.format(events=100), prefix=prefix)
    assert "EROFS" in err or "Read-only" in err
    assert str(folder) in err
    assert [] == os.listdir(folder)
    world.wait_for(lambda: world.writers() == ([], []), 40.0, "the writer to give up")
    world.run('mplog.configure(LOG)\nproof.Producer("next").events(3)', quiet=False)
    report = world.check()

    assert (103, 0) == (report.events, report.dropped)

"""A sync fails: the file is not believed any more, nothing that was reported durable is missing,
and the log goes on in a new file.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from select import select

import proof
import pytest

FAULTS = Path(__file__).resolve().parents[1] / "faults"
if str(FAULTS) not in sys.path:
    sys.path.insert(0, str(FAULTS))

import mpfault  # noqa: E402

from mplog.files.verify import verify  # noqa: E402

pytestmark = pytest.mark.process

LOAD = """
import multiprocessing
mplog.configure(LOG, durable_level=sys.argv[2], fsync=sys.argv[1], fsync_interval="20 ms",
    durable_timeout="1 min")
fork = multiprocessing.get_context("fork")
workers = [fork.Process(target=proof.load, args=(f"w{i}",)) for i in range(3)]
for one in workers: one.start()
for one in workers: one.join()
assert [0] * 3 == [one.exitcode for one in workers]
assert mplog.sync(50) or mplog.sync(50)
"""


class Disk:
    """What the disk under the log of one test does."""

    def __init__(self, world):
        self.world, self.path = world, world.root / "rule"
        self.path.write_bytes(bytes(4096))
        self.rule = mpfault.Rule(self.path)
        self.shim = {"LD_PRELOAD": str(mpfault.library()), mpfault.CONTROL: str(self.path)}

    def fail(self, nth=1, times=1, kinds=("fdatasync",), error=errno.EIO):
        """Syncs of the writer that lives now fail from the *nth* on, so many of them."""
        self.rule.set([self.world.log.parent], nth, error=error, times=times, kinds=kinds)
        self.rule.give(self.world.writer())

    def struck(self, times=1):
        self.world.wait_for(lambda: self.rule.struck >= times, 20.0, "the fault")


@pytest.fixture
def disk(world):
    return Disk(world)


def judge(world):
    """Every number that was accepted is there, once in the eyes of `verify`."""
    world.gone()
    report = verify([world.log])
    there = {p: set(numbers) for p, numbers in proof.delivered(world.log).items()}
    lost = {p: set(n) - there.get(p, set()) for p, n in proof.accepted(world.acks).items()}

    assert 0 == report.exit_code, report.findings[:5]
    assert lost
    assert not any(lost.values()), {p: sorted(n)[:9] for p, n in lost.items()}
    return report


def told_on_stderr(world, program, text):
    """Wait for it: a process looks once a second whether the writer has something to tell."""
    told = b""

    def seen():
        nonlocal told
        if select([program.stderr], [], [], 0)[0]:
            told += os.read(program.stderr.fileno(), 65536)
        return text.encode() in told

    world.wait_for(seen, 20.0, "a word on stderr")


def noted_more(world, count=30):
    world.noted(len(proof.noted(world.acks)) + count)


@pytest.mark.parametrize(
    ("fsync", "level", "nth", "times"),
    [
        pytest.param("batch", "INFO", 1, 1, id="batch"),
        pytest.param("batch", "INFO", 2, 3, id="batch, the next files too"),
        pytest.param("none", "INFO", 1, 1, id="durable calls alone"),
        pytest.param("batch", "off", 1, 1, id="batch without durable calls"),
        pytest.param("interval", "off", 2, 1, id="interval"),
    ],
)
def test_a_failed_sync_loses_nothing(world, disk, fsync, level, nth, times):
    """Set aside, repeated, told on stderr; and fresh events flow, durable ones too."""
    program = world.start(LOAD, fsync, level, **disk.shim)
    world.noted(60)
    disk.fail(nth, times)
    disk.struck(times)
    noted_more(world)
    told_on_stderr(world, program, "could not be brought onto the disk (Input/output error (EIO))")
    world.stop()
    world.finish(program)
    report = judge(world)

    assert times == len(report.files) - 1
    assert report.notices.keys() & {"suspect", "repeated"}
    assert fsync != "batch" or "suspect" not in report.notices


def test_what_no_batch_holds_any_more_is_in_doubt(world, disk):
    """Events without a durable call before a failed sync: sync() says so once, the log for ever."""
    program = world.start(
        """
        mplog.configure(LOG)
        worker = proof.Producer("w")
        worker.events(50)
        assert mplog.sync(50)
        for _ in range(2):  # a sync() that waits asks more than once: what comes next may be synced
            worker.event()
            assert mplog.flush(60)
        worker.events(50)
        assert mplog.flush(60)
        proof.note("ready")
        sys.stdin.readline()
        assert not mplog.sync(50)
        assert mplog.sync(50)
        worker.events(50)
        assert mplog.sync(50)
        """,
        **disk.shim,
    )
    world.noted(103)
    disk.fail()
    world.go_on(program)
    world.finish(program)
    report = judge(world)

    assert (1, {"suspect": 1}, 2) == (disk.rule.struck, report.notices, len(report.files))
    assert 1 == verify([world.log], strict=True).exit_code


def test_a_durable_call_among_others_is_repeated_and_they_are_in_doubt(world, disk):
    """One batch is retained, and no more: what stood before it is suspect."""
    program = world.start(
        """
        mplog.configure(LOG, durable_level="ERROR", durable_timeout="1 min")
        worker = proof.Producer("w")
        worker.events(50)
        assert mplog.flush(60)
        proof.note("ready")
        sys.stdin.readline()
        assert mplog.get_logger("w").error("durable")
        assert not mplog.sync(50)
        assert mplog.get_logger("w").error("again")
        assert mplog.sync(50)
        """,
        **disk.shim,
    )
    world.noted(51)
    disk.fail()
    world.go_on(program)
    world.finish(program)
    report = judge(world)

    assert ({"suspect": 1, "repeated": 1}, 52) == (report.notices, report.events)


def test_a_name_that_cannot_be_synced_makes_nothing_durable(world, disk):
    """The directory's sync fails: the call is False, and the next try is by another descriptor."""
    program = world.start(
        """
        mplog.configure(LOG, durable_level="ERROR", durable_timeout="500 ms")
        worker = proof.Producer("w")
        worker.events(5)
        assert mplog.flush(60)
        proof.note("ready")
        sys.stdin.readline()
        from mplog.producer.gate import GATE
        while not GATE.connection.producer.problem[1]:
            mplog.sync(0.1)
        assert not mplog.get_logger("w").error("in vain")
        proof.note("in vain")
        sys.stdin.readline()
        mplog.sync(50)
        GATE.connection.producer.set_durable(40, 60 * 10**9)  # from here on nothing is in vain
        assert mplog.get_logger("w").error("on the disk")
        """,
        **disk.shim,
    )
    world.noted(6)
    disk.fail(kinds=("fsync",), times=0)
    world.go_on(program)
    world.noted(7)
    struck = disk.rule.struck
    disk.rule.lift()
    world.go_on(program)
    _, err = world.finish(program)

    assert struck > 0
    assert "what stands beside" in err
    assert 7 == judge(world).events


@pytest.mark.parametrize("nth", [1, 2])
def test_one_of_two_files_is_set_aside_and_the_other_goes_on(world, disk, nth):
    """Each has all events, and each is whole in the eyes of `verify`."""
    other = world.log.with_name("other.jsonl")
    program = world.start(
        f"""
        mplog.configure(LOG, durable_level="INFO", durable_timeout="1 min",
            files=[{{"file": {str(other)!r}}}])
        worker = proof.Producer("w")
        worker.events(20)
        sys.stdin.readline()
        worker.events(20)
        """,
        **disk.shim,
    )
    world.noted(20)
    disk.fail(nth)
    world.go_on(program)
    world.finish(program)
    reports = [judge(world), verify([other])]

    assert (1, [0, 0]) == (disk.rule.struck, [report.exit_code for report in reports])
    assert [40, 40] == [report.events for report in reports]
    assert 3 == sum(len(report.files) for report in reports)
    assert 1 == sum(report.notices.get("repeated", 0) for report in reports)


@pytest.mark.parametrize("fsync", ["batch", "none"])
def test_a_writer_killed_in_its_sync_is_not_believed(world, disk, fsync):
    """Whether it has failed nobody knows: the next writer writes the batch again, where it is."""
    program = world.start(LOAD, fsync, "INFO", **disk.shim)
    world.noted(60)
    for _ in range(3):
        writer = world.writer()
        disk.rule.set([world.log.parent], 2, action=mpfault.KILL, times=1, kinds=("fdatasync",))
        disk.rule.give(writer)
        disk.struck()
        world.wait_for(lambda gone=writer: not alive(gone), 20.0, "its death")
        noted_more(world)
    world.stop()
    world.finish(program)
    report = judge(world)

    assert 1 == len(report.files)
    assert "repeated" not in report.notices


def alive(pid):
    return os.path.exists(f"/proc/{pid}")

"""One file refuses every write, for ever, on a disk that is well: the log goes on in a new one."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
from pathlib import Path

import proof
import pytest

FAULTS = Path(__file__).resolve().parents[1] / "faults"
if str(FAULTS) not in sys.path:
    sys.path.insert(0, str(FAULTS))

import mpfault  # noqa: E402

from mplog.files.verify import verify  # noqa: E402

pytestmark = pytest.mark.process

LOAD = """
mplog.configure(LOG{files}, fsync=sys.argv[1], fsync_interval="20 ms")
proof.load("w")
"""


def delivered(world):
    """The numbers of the events in all files, without what a refused write has torn."""
    found = set()
    for path in proof.log_files(world.log):
        for line in path.read_bytes().splitlines():
            with contextlib.suppress(ValueError):
                found.add(json.loads(line).get("n", 0))
    return sorted(found - {0})


@pytest.fixture
def rule(world):
    path = world.root / "rule"
    path.write_bytes(bytes(4096))
    return mpfault.Rule(path)


def shim(world):
    return {"LD_PRELOAD": str(mpfault.library()), mpfault.CONTROL: str(world.root / "rule")}


def sicken(world, rule, path, error=errno.EIO, action=mpfault.FAIL, times=0):
    """Every pwrite to what stands at *path* now fails, wherever it is moved to."""
    rule.set(
        [world.log.parent], 1, error=error, times=times, action=action, kinds=["pwrite"],
        inode=path.stat().st_ino,
    )  # fmt: skip
    rule.give(world.writer())
    world.wait_for(lambda: rule.struck, 20.0, "the fault")


def judged(world, path):
    """The report on one file: nothing missing, nothing twice."""
    report = verify([path])
    assert [] == report.findings[:5]
    return report


@pytest.mark.parametrize("fsync", ["none", "batch", "interval"])
@pytest.mark.parametrize(
    ("error", "action"),
    [
        pytest.param(errno.EIO, mpfault.FAIL, id="EIO"),
        pytest.param(errno.EIO, mpfault.TEAR, id="EIO after a part"),
        pytest.param(errno.EUCLEAN, mpfault.FAIL, id="EUCLEAN"),
    ],
)
def test_the_log_goes_on_in_a_new_file(world, rule, fsync, error, action):
    """Fresh events flow; the old file is kept, what may be lost of it is told, nothing is twice."""
    program = world.start(LOAD.format(files=""), fsync, **shim(world))
    world.noted(60)
    world.fresh_file()
    old = world.log.stat().st_ino
    sicken(world, rule, world.log, error, action)
    world.wait_for(lambda: world.log.exists() and world.log.stat().st_ino != old, 20.0, "a new one")
    world.fresh()
    world.stop()
    program.communicate(timeout=60)
    world.gone()
    report = judged(world, world.log)

    assert 2 == len(report.files)
    assert old in {path.stat().st_ino for path in proof.log_files(world.log)}
    assert proof.accepted(world.acks)["w"] == delivered(world)
    assert set(report.notices) <= {"suspect", "repeated"}
    assert fsync != "none" or 1 == report.notices["suspect"]
    assert action != mpfault.TEAR or 1 == report.notices["repeated"]


def test_a_sick_file_among_two_goes_on_in_a_new_one(world, rule):
    """What it is owed stands there, once and in order; the other one has noticed nothing."""
    other = world.log.with_name("other.jsonl")
    files = f", files=[{{'file': {str(other)!r}}}]"
    program = world.start(LOAD.format(files=files), "none", **shim(world))
    world.noted(60)
    world.wait_for(lambda: other.exists() and other.stat().st_size, 20.0, "the other log")
    old = other.stat().st_ino
    sicken(world, rule, other, action=mpfault.TEAR)
    world.wait_for(lambda: other.exists() and other.stat().st_ino != old, 20.0, "a new one")
    world.noted(len(proof.noted(world.acks)) + 60)
    world.stop()
    program.communicate(timeout=60)
    world.gone()
    first, second = judged(world, world.log), judged(world, other)

    assert (1, 2) == (len(first.files), len(second.files))
    assert first.events == second.events == len(proof.accepted(world.acks)["w"])
    assert 1 == second.notices["suspect"]


def test_a_writer_that_dies_meanwhile_is_followed_by_one_that_finds_a_way(world, rule):
    """Killed while the file refuses: its heir sets that file aside, with the batch begun before."""
    program = world.start(LOAD.format(files=""), "none", **shim(world))
    world.noted(60)
    world.fresh_file()
    old, first = world.log.stat().st_ino, world.writer()
    sicken(world, rule, world.log)
    rule.give(0)
    world.kill(first)
    world.wait_for(lambda: world.log.exists() and world.log.stat().st_ino != old, 20.0, "a new one")
    world.fresh()
    world.stop()
    program.communicate(timeout=60)
    world.gone()
    report = judged(world, world.log)

    assert 2 == len(report.files)
    assert proof.accepted(world.acks)["w"] == delivered(world)


def test_where_no_other_file_can_be_written_either_it_is_waited_for(world, rule):
    """The whole disk refuses: the same file is gone on in, and nothing is set aside."""
    program = world.start(LOAD.format(files=""), "none", **shim(world))
    world.noted(60)
    world.fresh_file()
    old = world.log.stat().st_ino
    rule.set([world.log.parent], 1, times=0, kinds=["pwrite"])
    rule.give(world.writer())
    world.wait_for(lambda: rule.struck > 9, 20.0, "the fault, for longer than a file is waited for")
    rule.lift()
    world.fresh()
    world.stop()
    program.communicate(timeout=60)
    world.gone()
    report = judged(world, world.log)

    assert (1, old, {}) == (len(report.files), world.log.stat().st_ino, report.notices)
    assert os.listdir(world.log.parent)

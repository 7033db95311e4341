"""What a service may have of the memory, lanes and overflow together, is never gone beyond."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mplog import _native
from mplog.event.codec import ENCODER

MIB, KIB = 1 << 20, 1 << 10
LIMIT = 4 * MIB


@pytest.fixture
def producers(shm: Path):
    """Makes producers of a service that nobody reads; each has a lane of its own."""
    _native.bell_create(str(shm), "test", b"{}")
    made = []

    def make(overflow_dir: Path | None = None, overflow: int = 64 * MIB, memory: int = LIMIT):
        one = _native.Producer(str(shm), "test", "p", None, ENCODER.encode)
        one.set_policy(_native.OVERFLOW, 0, 64 * KIB)
        one.set_overflow(overflow_dir and str(overflow_dir), overflow, memory)
        one.attach()
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()


def taken(shm: Path) -> int:
    """What the data of lanes and the overflow really have, as the file system counts it."""
    names = [path for path in shm.iterdir() if path.name.endswith(".overflow")]
    chunks = sum(path.stat().st_size for path in names)
    reader = _native.Reader(str(shm), "test", False)
    reader.scan(None)
    return chunks + reader.lane_bytes


def test_lanes_become_smaller_and_then_there_are_none(shm, producers):
    """Half of it is for lanes of 1 MiB, a quarter for those of 256 KiB, the rest for 64 KiB."""
    made = [producers() for _ in range(24)]
    with_lane = [one for one in made if one.attached]
    assert 2 + 4 + 16 == len(with_lane)
    assert (LIMIT, 0) == made[0].memory
    assert LIMIT == taken(shm)
    segments = [path.stat() for path in shm.iterdir() if path.name.endswith(".seg")]
    blocks = sum(one.st_blocks * 512 for one in segments)
    assert blocks <= LIMIT + len(segments) * 65 * 4096


def test_the_overflow_takes_only_what_the_lanes_have_left(shm, producers):
    """It lies beside them, so both count; a lane that is there keeps working."""
    one = producers()
    while one.publish(40, b"x" * 9_000):
        pass
    assert (MIB, 3 * MIB) == one.memory
    assert LIMIT - 64 * KIB < taken(shm) <= LIMIT
    assert not producers().attached, "nothing is left for a lane"


def test_an_overflow_elsewhere_is_no_memory(shm, producers, tmp_path):
    """It has its own bound alone; who finds no room for a lane logs into it."""
    made = [producers(tmp_path) for _ in range(24)]
    assert all(one.attached for one in made)
    assert made[-1].publish(40, b"late, and yet taken")
    assert (LIMIT, MIB) == made[-1].memory
    assert ["overflow"] == [path.suffix[1:] for path in tmp_path.iterdir()]


def test_without_a_bound_lanes_are_counted_all_the_same(producers):
    """So that what is used can be read."""
    made = [producers(memory=0) for _ in range(6)]
    assert (6 * MIB, 0) == made[0].memory


def test_a_lane_that_is_used_again_counts_once(producers):
    """Its memory stays reserved while the service is there."""
    one = producers()
    one.detach(False)
    for _ in range(5):
        one.attach()
        one.detach(False)
    assert (MIB, 0) == one.memory


def test_a_crowd_that_starts_at_once_keeps_to_it(shm, producers):
    """Each counts what it wants before it looks: no two get the last of it, in lanes nor chunks."""
    first = producers()
    command = [sys.executable, "-c", CROWD, str(shm), str(LIMIT)]
    crowd = [subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(12)]
    for one in crowd:
        assert one.stdin is not None
        one.stdin.close()  # go
    codes = {one.wait(60) for one in crowd}
    assert {0} == codes
    assert sum(first.memory) <= LIMIT
    assert taken(shm) <= LIMIT
    assert sum(first.memory) > LIMIT - MIB, "they have tried"


CROWD = """
import sys
from mplog import _native
one = _native.Producer(sys.argv[1], "test", "p", None, None)
one.set_policy(_native.OVERFLOW, 0, 64 << 10)
one.set_overflow(None, 64 << 20, int(sys.argv[2]))
sys.stdin.read()
one.attach()
for _ in range(400):
    one.publish(40, b"x" * 9_000)
"""

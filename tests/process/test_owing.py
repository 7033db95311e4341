"""A log file that cannot be written takes nobody with it: the others go on, it gets all of it
later, once and in order, and is told what it could not be kept.
"""

from __future__ import annotations

import fcntl
import os
import subprocess

import proof
import pytest

from mplog.files.verify import verify

pytestmark = pytest.mark.process

FIFREEZE, FITHAW = 0xC0045877, 0xC0045878
LOAD = """
mplog.configure(LOG, rotation="off", block_timeout="60 s", spool=os.environ["SPOOL"],
                files=[{"file": os.environ["OTHER"], "rotation": "off"}])
producer = proof.Producer("p", padding=500)
while not os.path.exists(os.environ[proof.STOP]):
    producer.event()
    time.sleep(0.0002)
producer.event()
assert mplog.flush(60)
"""


class Two:
    """A service of two files, of which the second stands somewhere else, and its load."""

    def __init__(self, world, other, spool="64 MiB"):
        self.world, self.other = world, other
        self.program = world.start(LOAD, OTHER=str(other), SPOOL=spool)
        world.noted(20)
        world.fresh_file()

    def problem(self, word):
        """Wait until the programs are told what is wrong, by the one line that says so."""
        line = self.program.stderr.readline()
        assert word in line, line
        assert str(self.other) in line
        assert "the other files go on" in line

    def goes_on(self, events=200):
        """The first file gets what is logged now."""
        self.world.noted(len(proof.noted(self.world.acks)) + events)
        self.world.fresh()

    def catches_up(self):
        """The second file holds what the first has now."""
        last = proof.lines_so_far(self.world.log)[-1].get("seq", 0)
        self.world.wait_for(
            lambda: self.other.exists() and verify([self.other]).events >= last - 1,
            20.0,
            "the lines that were owed",
        )

    def whole(self, dropped=False):
        """All is in both; nothing of the second file's trouble is in the first."""
        self.world.stop()
        self.program.communicate(timeout=60)
        self.world.gone()
        first = proof.check(self.world.log, self.world.acks)
        second = verify([self.other])
        assert (0, first.events) == (second.exit_code, second.events + second.dropped), (
            second.findings[:5]
        )
        assert 0 == first.dropped
        assert dropped == bool(second.dropped)
        return second


def frozen(place, request):
    """Every write to a frozen file system hangs."""
    fd = os.open(place, os.O_RDONLY)
    try:
        fcntl.ioctl(fd, request, 0)
    finally:
        os.close(fd)


def test_a_file_that_cannot_be_had_at_the_start_gets_all_of_it_later(world):
    """Something stands in its directory's place."""
    place = world.root / "place"
    place.write_text("in the way")
    two = Two(world, place / "other.jsonl")
    two.problem("ENOTDIR")
    two.goes_on()
    place.unlink()
    two.catches_up()
    two.whole()


@pytest.mark.needs_root
def test_a_full_disk_under_one_file_holds_up_no_other(tmp_path, mounts, world):
    """Once there is room it gets what it is owed, without being asked to."""
    place = mounts.tmpfs(tmp_path / "disk", "size=64k")
    two = Two(world, place / "other.jsonl")
    two.problem("ENOSPC")
    two.goes_on()
    subprocess.run(["mount", "-o", "remount,size=256m", str(place)], check=True)
    two.catches_up()
    two.whole()


@pytest.mark.needs_root
def test_what_a_file_is_owed_outlives_its_writer(tmp_path, mounts, world):
    """Killed again and again while the disk is full, and while it pays."""
    place = mounts.tmpfs(tmp_path / "disk", "size=64k")
    two = Two(world, place / "other.jsonl")
    two.problem("ENOSPC")
    for _ in range(3):
        world.kill(world.writer())
        two.goes_on(50)
    subprocess.run(["mount", "-o", "remount,size=256m", str(place)], check=True)
    world.kill(world.writer())
    two.catches_up()
    two.whole()


@pytest.mark.needs_root
def test_what_cannot_be_owed_is_told_as_dropped_in_that_file(tmp_path, mounts, world):
    """Its spool is full: `verify` knows the gap, and the first file has it all."""
    place = mounts.tmpfs(tmp_path / "disk", "size=64k")
    two = Two(world, place / "other.jsonl", spool="6 MB")
    two.problem("ENOSPC")
    two.goes_on(12_000)
    subprocess.run(["mount", "-o", "remount,size=256m", str(place)], check=True)
    world.wait_for(lambda: verify([two.other]).dropped, 20.0, "the notice of the gap")
    two.goes_on(50)
    two.whole(dropped=True)


@pytest.mark.needs_root
def test_a_file_that_hangs_is_given_up_on_until_it_goes_on(tmp_path, mounts, world):
    """Its file system is frozen: the first file waits for it once."""
    place = mounts.ext4(tmp_path / "image", tmp_path / "disk", 32 << 20)
    two = Two(world, place / "other.jsonl")
    frozen(place, FIFREEZE)
    try:
        two.problem("ETIMEDOUT")
        two.goes_on()
    finally:
        frozen(place, FITHAW)
    two.catches_up()
    two.whole()

"""A log file that cannot be written takes nobody with it: the others go on, it gets all of it
later, once and in order, and is told what it could not be kept.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys

import proof
import pytest

from mplog.files.verify import verify
from mplog.metrics.usage import usage_of
from mplog.ring import services

pytestmark = pytest.mark.process

BATCH_BYTES = 64 << 10
FIFREEZE, FITHAW = 0xC0045877, 0xC0045878
LOAD = """
mplog.configure(LOG, rotation="off", block_timeout="60 s", spool=os.environ["SPOOL"],
                files=[{"file": os.environ["OTHER"], "rotation": "off"}])
producer = proof.Producer("p", padding=int(os.environ["PADDING"]))
while not os.path.exists(os.environ[proof.STOP]):
    producer.event()
    time.sleep(0.0002)
producer.event()
assert mplog.flush(60)
"""


class Two:
    """A service of two files, of which the second stands somewhere else, and its load."""

    def __init__(self, world, other, spool="64 MiB", padding=500):
        self.world, self.other = world, other
        self.program = world.start(LOAD, OTHER=str(other), SPOOL=spool, PADDING=str(padding))
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


def missing(two):
    """Bytes of lines that the first file has and the second one has not."""
    return two.world.log.stat().st_size - two.other.stat().st_size


@pytest.mark.needs_root
def test_what_a_file_is_owed_is_shown_within_its_limit(tmp_path, mounts, world):
    """R2.6: as many bytes as the second file is short of, to anybody who asks, and none when it has
    been paid.
    """
    place = mounts.tmpfs(tmp_path / "disk", "size=64k")
    two = Two(world, place / "other.jsonl")

    def shown():
        rows = {use.what: use for use in usage_of(world.directory, service)}
        assert rows[f"owed to {world.log}"].used == 0
        return rows[f"owed to {two.other}"]

    (service,) = services(world.directory)
    two.problem("ENOSPC")
    two.goes_on(500)
    writer = world.writer()
    os.kill(writer, signal.SIGSTOP)
    short, owed = missing(two), shown()
    command = [sys.executable, "-m", "mplog", "status", "--dir", str(world.directory)]
    page = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    os.kill(writer, signal.SIGCONT)
    subprocess.run(["mount", "-o", "remount,size=256m", str(place)], check=True)
    world.wait_for(lambda: shown().used == 0, 20.0, "the end of the debt")
    two.whole()

    assert ("spool", "bytes", 64 << 20) == (owed.setting, owed.unit, owed.limit)
    # A frame has a head of 8 bytes; a batch may stand in one of the two files alone.
    assert short - BATCH_BYTES <= owed.used <= short * 1.1 + BATCH_BYTES
    assert 0 < owed.used <= owed.limit
    assert f"{owed.used:,} of 67,108,864 bytes (spool)" in page


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
    two = Two(world, place / "other.jsonl", spool="6 MB", padding=5_000)
    two.problem("ENOSPC")
    two.goes_on(1_300)
    (service,) = services(world.directory)
    owed = next(use for use in usage_of(world.directory, service) if str(two.other) in use.what)
    assert 1 << 20 < owed.used <= owed.limit == 6_000_000
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

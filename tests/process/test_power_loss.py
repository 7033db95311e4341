"""The machine loses its power: what was reported durable is there after the next start.

The power is that of an ext4 in a file: EXT4_IOC_SHUTDOWN without a flush of its journal, everybody
is killed, shared memory is forgotten, and the file system is mounted again. What was reported is
noted on another disk.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import struct
import subprocess

import proof
import pytest

from mplog.files.verify import verify

pytestmark = [pytest.mark.process, pytest.mark.needs_root]

SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2

LOAD = """
import multiprocessing, signal
mplog.configure(LOG, durable_level="ERROR", fsync=sys.argv[1], fsync_interval="50 ms",
    durable_timeout="5 s", rotation="200 KB", retention="all")
def calls(name):
    log, n = mplog.get_logger(name), 0
    while True:
        log.info("between")
        n += 1
        if log.error("durable", p=name, n=n, data=proof.content(name, n)):
            proof.note(f"{name} {n}")
def syncs(name):
    log, n = mplog.get_logger(name), 0
    while True:
        first = n + 1
        for n in range(first, first + 20):
            log.info("synced", p=name, n=n, data=proof.content(name, n))
        if mplog.sync(5):
            proof.note("\\n".join(f"{name} {k}" for k in range(first, n + 1)))
fork = multiprocessing.get_context("fork")
workers = [fork.Process(target=calls, args=(f"c{i}",)) for i in range(3)]
workers += [fork.Process(target=syncs, args=(f"s{i}",)) for i in range(2)]
for one in workers: one.start()
for one in workers: one.join()
"""

AFTER = """
mplog.configure(LOG, durable_level="ERROR")
assert mplog.get_logger("fresh").error("durable again")
"""


class Machine:
    """One disk, and the world that stands on it."""

    def __init__(self, world, mounts, fsync):
        self.world, self.fsync = world, fsync
        self.image, self.disk = world.root / "image", world.root / "disk"
        mounts.ext4(self.image, self.disk, 64 << 20)
        self.mounts, self.reported = mounts, world.root / "reported"
        world.log = self.disk / "log" / "app.jsonl"
        world.log.parent.mkdir()

    def run(self, kills):
        """Load, until the power goes; writers are killed meanwhile."""
        world = self.world
        program = world.start(LOAD, self.fsync)
        for _ in range(kills):
            noted_more(world)
            world.kill(world.writer())
        noted_more(world)
        world.wait_for(
            lambda: {name[0] for name in proof.accepted(world.acks)} == {"c", "s"},
            20.0,
            "something reported to calls and to syncs",
        )
        self.fail(program)

    def fail(self, program):
        """The power goes. What is reported from here on nobody would have heard: a sync under
        way when the ioctl comes may say that all is well.
        """
        shutil.copy(self.world.acks, self.reported)
        folder = os.open(self.disk, os.O_RDONLY)
        fcntl.ioctl(folder, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        os.close(folder)
        self._end(program)

    def _end(self, program):
        """All at once, as far as that goes: supervisors first, so that nobody starts a writer."""
        world = self.world
        workers = children(program.pid)
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        for supervisor in world.writers()[0]:
            world.kill(supervisor)
        for writer in world.writers()[1]:
            world.kill(writer)
        for pid in [*workers, program.pid]:
            os.kill(pid, signal.SIGKILL)
        program.communicate(timeout=30)
        shutil.rmtree(world.directory)
        world.directory.mkdir(mode=0o700)

    def start_again(self):
        """From a copy of the disk: as long as another mount namespace, made by anybody meanwhile,
        has the dead file system still, the same image would be that very one again.
        """
        subprocess.run(["umount", self.disk], check=True)
        copy = self.image.with_name("copy")
        subprocess.run(["cp", "--sparse=always", self.image, copy], check=True)
        self.mounts.loop(copy, self.disk)


def children(pid):
    """The processes that *pid* has forked."""
    done = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(child) for child in done.stdout.split()]


def noted_more(world, count=40):
    world.noted(len(proof.noted(world.acks)) + count)


def missing(world, reported):
    """What was reported and is not there, by producer."""
    there = {}
    for path in proof.log_files(world.log):
        for line in path.read_bytes().splitlines():
            try:
                told = proof.json.loads(line)
            except ValueError:
                continue  # a line that was under way
            if "data" in told:
                assert told["data"] == proof.content(told["p"], told["n"])
                there.setdefault(told["p"], set()).add(told["n"])
    wanted = proof.accepted(reported)
    assert {name[0] for name in wanted} == {"c", "s"}, "not everybody was reported something"
    return {p: sorted(set(n) - there.get(p, set())) for p, n in wanted.items()}


def power_loss(world, mounts, fsync, kills):
    machine = Machine(world, mounts, fsync)
    machine.run(kills)
    machine.start_again()
    lost = missing(world, machine.reported)
    before = verify([world.log])
    world.run(AFTER, quiet=False)
    world.gone()
    after = verify([world.log])

    assert not any(lost.values()), {p: numbers[:9] for p, numbers in lost.items() if numbers}
    assert (0, 0, 0) == (before.missing, before.doubled, before.out_of_order), before.findings[:5]
    assert before.torn <= 1, "more than the line that was under way"
    assert after.events == before.events + 1
    return before


def test_what_nobody_has_synced_is_gone_after_a_power_loss(mounts, world):
    """So the loss of power that the tests here are about is one."""
    machine = Machine(world, mounts, "none")
    program = world.start(
        """
        mplog.configure(LOG)
        proof.Producer("w").events(100)
        assert mplog.flush(60)
        proof.note("flushed")
        sys.stdin.readline()
        """
    )
    world.noted(101)
    assert 100 == len(proof.delivered(world.log)["w"])
    machine.fail(program)
    machine.start_again()

    assert not world.log.exists() or [] == proof.delivered(world.log)["w"]


@pytest.mark.parametrize("fsync", ["none", "batch"])
def test_what_was_reported_durable_is_there_after_a_power_loss(mounts, world, fsync):
    """By calls and by sync(), with writers killed in between, across rotations."""
    power_loss(world, mounts, fsync, 2)


@pytest.mark.stress
@pytest.mark.timeout(300)
@pytest.mark.parametrize("round_", range(10))
@pytest.mark.parametrize("fsync", ["none", "interval", "batch"])
def test_ten_power_losses_lose_nothing_that_was_reported(mounts, world, fsync, round_):
    """The same with more kills, at ten moments."""
    power_loss(world, mounts, fsync, round_)

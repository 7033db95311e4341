"""Accidents at random under load, one after the other: every line is in one of the pieces, once."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import time

import proof
import pytest
from kept import Kept
from scene import WORKERS, Scene, long

pytestmark = pytest.mark.process


class Vandal:
    """Does to a log what people do; keeps hold of every file that it takes away."""

    def __init__(self, world, scene, seed):
        self.world, self.scene, self.dice = world, scene, random.Random(seed)
        self.kept, self.done = [], []
        self.grave = world.root / "grave"
        self.grave.mkdir()

    def go(self, names, seconds):
        """One accident after the other, until the time is up and each has been."""
        deadline_s = time.monotonic() + seconds
        while time.monotonic() < deadline_s or set(names) - set(self.done):
            name = self.dice.choice(names)
            try:
                getattr(self, name)()
            except FileNotFoundError:
                continue  # the file has just been taken away
            self.done.append(name)
            time.sleep(self.dice.choice((0.0, 0.002, 0.05)))

    def take(self, path, to):
        """Take away what stands at the path now, whatever the writer does just then; keep it."""
        path.rename(to)
        self.kept.append(Kept(to))

    def delete(self):
        """The file alone."""
        to = self.grave / str(len(self.kept))
        self.take(self.scene.log, to)
        to.unlink()

    def move(self):
        """Within the directory."""
        self.take(self.scene.log, self.scene.log.with_name(f"moved.{len(self.kept)}"))

    def remove(self):
        """The directory with all that is in it, also what comes meanwhile."""
        folder = self.scene.log.parent
        while folder.exists():
            for path in folder.iterdir():
                if path.name.startswith("."):
                    path.unlink()
                else:
                    self.take(path, self.grave / str(len(self.kept)))
            with contextlib.suppress(OSError):
                folder.rmdir()

    def append(self):
        """Lines of others, whole and half."""
        if not self.scene.log.exists():
            raise FileNotFoundError
        with self.scene.log.open("ab") as file:
            file.write(self.dice.choice((b"FOREIGN\n", b"FOREIGN", b"FOREIGN\nFOREIGN\n")))

    def block(self):
        """Something that is no file stands there for a while."""
        self.delete()
        make = self.dice.choice((os.mkdir, os.mkfifo, lambda path: os.symlink("victim", path)))
        try:
            make(self.scene.log)
        except FileExistsError:
            return  # the writer was faster
        time.sleep(0.02)
        if self.scene.log.is_dir():
            self.scene.log.rmdir()
        else:
            self.scene.log.unlink()

    def signal(self):
        """What commands send."""
        numbers = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP)
        os.kill(self.world.supervisor(), self.dice.choice(numbers))

    def kill(self):
        """The writer."""
        writer = self.scene.reader().writer_pid
        if not writer:
            raise FileNotFoundError
        if writer in self.world.writers()[1]:
            with contextlib.suppress(ProcessLookupError):  # it was dying of the last one
                os.kill(writer, signal.SIGKILL)


def numbers_of(pieces):
    """By worker, the numbers in all pieces, in the order of the pieces' first events.

    A line of ours that ends in another's bytes was left by a writer killed in the middle of it; its
    event stands whole behind them, or is missed here.
    """
    told = []
    for content in pieces:
        ours = [raw for raw in content.split(b"\n") if raw.startswith(b'{"timestamp"')]
        lines = [json.loads(raw) for raw in ours if not raw.endswith(b"FOREIGN")]
        events = [line for line in lines if "data" in line]
        assert all(proof.content(line["p"], line["n"]) == line["data"] for line in events)
        if events:
            told.append((events[0]["timestamp"], [(line["p"], line["n"]) for line in events]))
    found = {name: [] for name in WORKERS}
    for _, events in sorted(told):
        for name, number in events:
            found[name].append(number)
    return found


def survived(world, names, seconds, **settings):
    """Accidents of these kinds for so long; then every accepted number stands in a piece, once."""
    seed = random.SystemRandom().randrange(1 << 32)
    scene = Scene(world, **settings)
    scene.troubled = True
    vandal = Vandal(world, scene, seed)
    vandal.go(names, seconds)
    print(f"seed {seed}: {len(vandal.done)} accidents")
    scene.end(starts="kill" in names)
    inodes, pieces = set(), []
    paths = [path for path in world.log.parent.iterdir() if not path.name.startswith(".")]
    for kept in vandal.kept + [Kept(path) for path in paths if path.is_file()]:
        found = os.fstat(kept.fd)
        if (found.st_dev, found.st_ino) in inodes:
            os.close(kept.fd)
            continue
        inodes.add((found.st_dev, found.st_ino))
        pieces.append(kept.content())
    wanted, there = proof.accepted(world.acks), numbers_of(pieces)
    for name in WORKERS:
        lost = sorted(set(wanted[name]) - set(there[name]))
        assert [] == lost, f"seed {seed}: {name} lost {len(lost)}: {lost[:5]}"
        assert there[name] == wanted[name], f"seed {seed}: {name} is doubled or out of order"


SECONDS = [3.0, long(120.0)]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seconds", SECONDS)
def test_whatever_befalls_the_file_every_line_is_in_a_piece(world, seconds):
    """Deleted, moved, removed with its directory, blocked, appended to, signalled, rotated."""
    names = ["delete", "move", "remove", "append", "block", "signal"]
    survived(world, names, seconds, rotation="100 KB")


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seconds", SECONDS)
def test_a_writer_that_is_killed_meanwhile_finds_its_file(world, seconds):
    """Moved within its directory, appended to, rotated, and the writer killed at any time."""
    survived(world, ["move", "append", "signal", "kill"], seconds, rotation="100 KB")

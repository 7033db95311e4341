"""Lanes of overflow alone: memory has no room for a lane's data, another directory takes events."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess

import proof
import pytest

pytestmark = [pytest.mark.process, pytest.mark.needs_root]

FULL = """
from mplog.producer.gate import GATE

def fill(path):
    with open(path, "ab") as file:
        size = 0
        while True:
            try:
                os.posix_fallocate(file.fileno(), size, 4096)
            except OSError:
                return
            size += 4096

def capacity():
    return GATE.connection.producer.capacity

os.makedirs(OVERFLOW, 0o700, exist_ok=True)
mplog.configure(LOG, overflow_dir=OVERFLOW)
"""
FIRST = """
mplog.get_logger("first").info("the service is there")
assert mplog.flush(60)
fill(BLOCKER)
"""
HOLD = """
print("full", flush=True)
sys.stdin.readline()
os.unlink(BLOCKER)
"""
BARE = """
proof.Producer("killed").events(200)
print(capacity(), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def crowded(world):
    """The directory of the service is a tmpfs of 2 MB, which a program fills."""
    options = "size=2m,mode=700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", world.directory], check=True)
    head = f"OVERFLOW = {str(world.root / 'overflow')!r}\n"
    head += f"BLOCKER = {str(world.directory / 'blocker')!r}\n" + FULL
    yield lambda source: head + source
    with contextlib.suppress(FileNotFoundError):
        (world.directory / "blocker").unlink()
    subprocess.run(["umount", "--lazy", world.directory], check=True)


def test_processes_without_room_for_a_lane_lose_nothing(world, crowded):
    """Memory is full: six processes log all the same, each in a session of its own, in order."""
    out, _ = world.run(
        crowded(
            FIRST
            + """
children = []
for i in range(6):
    pid = os.fork()
    if pid == 0:
        producer = proof.Producer(f"w{i}", padding=500)
        producer.events(300)
        bare = capacity() == 0
        mplog.shutdown()
        os._exit(0 if bare else 1)
    children.append(pid)
print([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children])
os.unlink(BLOCKER)
"""
        )
    )
    report = world.check()

    assert "[0, 0, 0, 0, 0, 0]" == out.strip()
    assert 6 * 300 + 1 == report.events
    assert [] == list((world.root / "overflow").iterdir())


def _line_of(program):
    assert program.stdout is not None
    return program.stdout.readline()


def test_what_a_killed_owner_of_overflow_alone_has_accepted_arrives(world, crowded):
    """It is killed with all of its events unread; they come out, and its death is told."""
    holder = world.start(crowded(FIRST + HOLD))
    assert "full\n" == _line_of(holder)
    writer = world.writer()
    os.kill(writer, signal.SIGSTOP)
    killed = world.start(crowded(BARE))
    assert "0\n" == _line_of(killed)
    world.kill(killed.pid)
    os.kill(writer, signal.SIGCONT)
    world.go_on(holder)
    world.finish(holder)
    world.run('mplog.configure(LOG)\nproof.Producer("fresh").events(10)')
    world.check(killed=["killed"])

    assert 200 == len(proof.delivered(world.log)["killed"])
    assert "mplog.death" in {row.get("event_name") for row in proof.lines_of(world.log)}


def test_the_owner_of_overflow_alone_takes_a_lane_when_there_is_room(world, crowded):
    """Room is there again: it goes on in a lane, in a new session, with nothing missing between."""
    out, _ = world.run(
        crowded(
            FIRST
            + """
pid = os.fork()
if pid == 0:
    producer = proof.Producer("back")
    producer.events(50)
    before = capacity()
    assert mplog.flush(60)
    os.unlink(BLOCKER)
    deadline_s = time.monotonic() + 30
    while not capacity() and time.monotonic() < deadline_s:
        producer.event()
        mplog.flush(5)
    producer.events(50)
    print(before, capacity() > 0, flush=True)
    mplog.shutdown()
    os._exit(0)
os.waitpid(pid, 0)
"""
        )
    )
    report = world.check()

    assert "0 True" == out.strip()
    sessions = {row["session"] for row in proof.lines_of(world.log) if row.get("data")}
    assert 2 == len({s for s in sessions if s})
    assert 0 == len(report.findings)

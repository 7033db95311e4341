"""Workers and writers die at random places: nobody is forgotten, nobody is told twice."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections import Counter

import proof
import pytest
from graves import PARENT, deaths

pytestmark = pytest.mark.process

STORM = (
    PARENT
    + """
import random
dice = random.Random(int(sys.argv[1]))
ends, count, alive = time.monotonic() + float(sys.argv[2]), 0, []
def wait_for_it():
    time.sleep(60)
while time.monotonic() < ends:
    if len(alive) < 20:
        count += 1
        alive.append(worker(f"w{count}", wait_for_it))
    pid = alive.pop(dice.randrange(len(alive)))
    time.sleep(dice.random() * 0.05)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
for pid in alive:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
proof.note(f"killed: {count}")
"""
)


@pytest.mark.parametrize("seconds", [2, pytest.param(60, marks=pytest.mark.stress)])
@pytest.mark.timeout(300)
def test_in_a_storm_of_deaths_each_is_told_once(world, seconds):
    """Workers and writers die at random places: nobody is forgotten, nobody is told twice."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    program = world.start(STORM, str(seed), str(seconds))
    kills = 0
    while program.poll() is None:
        time.sleep(dice.random() * 0.6)
        for writer in world.writers()[1]:
            with contextlib.suppress(ProcessLookupError):  # it has just left, as all is over
                os.kill(writer, signal.SIGKILL)
                kills += 1
    world.finish(program)
    killed = {f"w{number + 1}" for number in range(int(proof.noted(world.acks)[-1].split()[1]))}
    report = world.check(killed=killed)

    assert kills > 0
    told = deaths(world)
    logged = killed & proof.accepted(world.acks).keys()  # one that was killed at birth is no news
    assert logged <= told.keys() <= killed
    assert report.ended_unclean >= len(logged) > 0
    hows = Counter(line["how"] for line in told.values())
    print(f"{len(told)} told, {kills} writers killed: {dict(hows)}")
    assert {"signal", "unknown"} >= hows.keys()

"""Users' sinks in processes of their own: what befalls these costs nobody else anything, and they
outlive no writer.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
from itertools import groupby
from pathlib import Path

import proof
import pytest
import sinkside

pytestmark = pytest.mark.process

LOAD = """
import json
mplog.configure(LOG, sinks=json.loads(os.environ["SINKS"]))
print("ready", flush=True)
proof.load("p")
"""
HOLD = {"type": "callable", "name": "held", "target": "sinkside:hold", "timeout": "0 s"}
ROOM = {"queue": 1_000_000, "queue_bytes": "500 MB"}


@pytest.fixture
def loaded(world, place):
    """`loaded(*sinks)`: a program that logs to them until the test says stop."""

    def start(*sinks):
        program = world.start(LOAD, SINKS=json.dumps(sinks))
        assert "ready\n" == program.stdout.readline()
        return program

    return start


def parent_of(pid):
    """Its parent's number; None where it does not run any more."""
    try:
        state, parent = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return None
    return None if state == "Z" else int(parent)


def alive(pid):
    """Whether it runs."""
    return parent_of(pid) is not None


def held(world, place, before=0):
    """The process that sits in a call of C, the next one after *before*."""
    world.wait_for(lambda: len(sinkside.lines(place, "holds")) > before, 40.0, "the call")
    return int(sinkside.lines(place, "holds")[before][0])


def logged(world):
    """The ids of the log, in order."""
    return [(line["session"], line["seq"]) for line in proof.lines_of(world.log) if "seq" in line]


def grows(world, place, name):
    """Wait until fresh events reach a sink."""
    before = sinkside.ids(place, name).total()
    world.wait_for(lambda: sinkside.ids(place, name).total() > before + 50, 40.0, "fresh events")


def test_a_call_that_keeps_the_interpreter_for_ever_holds_up_nobody(world, place, loaded):
    """File and other sink get fresh events; at the end the writer leaves, and takes it along."""
    program = loaded(HOLD, {"type": "callable", "name": "b", "target": "sinkside:other"})
    pid = held(world, place)
    assert world.writer() == parent_of(pid)
    for _ in range(3):
        world.fresh()
        grows(world, place, "other")
    assert alive(pid)
    world.stop()
    world.finish(program)
    world.check()

    assert not alive(pid)
    assert set(sinkside.ids(place, "other")) == set(logged(world))
    assert 1 == len(sinkside.lines(place, "holds"))


@pytest.mark.parametrize(
    "victims", [("writer",), ("supervisor", "writer"), ("writer", "supervisor")]
)
def test_it_dies_with_its_writer_whatever_call_it_is_in(world, place, loaded, victims):
    """Also where the supervisor dies with it; the next writer starts another one."""
    program = loaded(HOLD)
    pid = held(world, place)
    pids = {"writer": world.writer(), "supervisor": world.supervisor()}
    for victim in victims:
        os.kill(pids[victim], signal.SIGKILL)
    world.wait_for(lambda: not alive(pid), 20.0, "its death")
    second = held(world, place, 1)
    world.fresh()
    world.stop()
    world.finish(program)
    world.check()

    assert not alive(second)


def test_a_supervisor_that_dies_alone_leaves_it_to_its_writer(world, place, loaded):
    """As long as that lives it serves it."""
    program = loaded({"type": "callable", "target": "sinkside:marked"})
    grows(world, place, "notes")
    pid, writer = int(sinkside.lines(place)[-1][2]), world.writer()
    world.kill(world.supervisor())
    grows(world, place, "notes")
    world.wait_for(lambda: alive(writer) or not alive(pid), 20.0, "one end")
    world.stop()
    world.finish(program)
    world.check()

    pids = {int(words[2]) for words in sinkside.lines(place)}
    assert not any(alive(one) for one in pids)


def next_one(world, place, seen):
    """The pid of the process that notes now, once that is none of *seen*."""

    def newest():
        found = sinkside.lines(place)
        return int(found[-1][2]) if found and int(found[-1][2]) not in seen else 0

    return world.wait_for(newest, 40.0, "another process")


def gets(world, place, more):
    """Wait until the sink has so many more events."""
    wanted = sinkside.ids(place).total() + more
    world.wait_for(lambda: sinkside.ids(place).total() >= wanted, 40.0, "its events")


@pytest.mark.parametrize("spool", ["off", "100 MB"])
def test_a_storm_of_deaths_loses_nothing_and_keeps_the_order(world, place, loaded, spool):
    """An event comes twice only where its call was under way when its process was killed."""
    draw, kills = random.Random(7), 12
    program = loaded({"type": "callable", "target": "sinkside:marked", "spool": spool, **ROOM})
    seen = {0}
    for _ in range(kills):
        pid = next_one(world, place, seen)
        seen.add(pid)
        gets(world, place, draw.randrange(40))
        world.kill(pid)
    grows(world, place, "notes")
    world.stop()
    world.finish(program)
    world.check()
    came = [(w[0], int(w[1])) for w in sinkside.lines(place) if w[0] != "-"]
    twice = [one for one, again in itertools.pairwise(came) if one == again]

    assert logged(world) == [one for one, _ in groupby(came)]
    assert len(twice) <= kills
    assert len(seen) > kills


POISONED = """
import json
mplog.configure(LOG, sinks=json.loads(os.environ["SINKS"]))
log = mplog.get_logger("shop")
for n in range(1, 41):
    log.info("poison" if n == 20 else "sold")
print(mplog.flush(100))
log.info("fresh")
print(mplog.flush(100))
"""


def test_an_event_that_kills_every_process_goes_to_the_fallback_alone(world, place):
    """The others are delivered, in order, and a fresh one."""
    first = {"type": "callable", "name": "a", "target": "sinkside:deadly", "fallback": "b"}
    second = {"type": "callable", "name": "b", "target": "sinkside:other", "standby": True}
    out, _ = world.run(POISONED, quiet=False, SINKS=json.dumps([first, second]))
    world.gone()

    assert "True\nTrue\n" == out
    assert [*range(1, 20), *range(21, 42)] == [seq for _, seq in logged_in(place, "notes")]
    assert [20] == [seq for _, seq in logged_in(place, "other")]


def logged_in(place, name):
    """The ids that a sink has, in order, notices left out."""
    return [(w[0], int(w[1])) for w in sinkside.lines(place, name) if w[0] != "-"]


def test_a_sink_may_be_left_in_the_writer(world, place):
    """By its key; it has the writer's own number then."""
    sink = {"type": "callable", "target": "sinkside:marked", "process": "writer"}
    source = """
        import json
        from mplog._native import Reader
        mplog.configure(LOG, sinks=json.loads(os.environ["SINKS"]))
        mplog.get_logger("shop").info("x")
        reader = Reader(os.environ["MPLOG_DIR"], os.environ["MPLOG_SERVICE"], False)
        print(mplog.flush(60), reader.writer_pid)
    """
    out, _ = world.run(source, SINKS=json.dumps([sink]))
    world.gone()

    assert f"True {sinkside.lines(place)[0][2]}\n" == out

"""A sink with a spool gets every event, whatever happens to the writer or to the far side."""

from __future__ import annotations

import json

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
SINK = {"type": "callable", "target": "sinkside:note", "spool": "20 MB", "batch_wait": "1 ms"}


def logged(world):
    """The ids of the log, in order."""
    return [(line["session"], line["seq"]) for line in proof.lines_of(world.log) if "seq" in line]


def test_a_spool_outlives_twenty_writers(world, place):
    """Each event of the log comes, in its order; one that comes again has the same number."""
    program = world.start(LOAD, SINKS=json.dumps([SINK]))
    assert "ready\n" == program.stdout.readline()
    for _ in range(20):
        before = len(sinkside.lines(place))
        world.wait_for(lambda seen=before: len(sinkside.lines(place)) > seen + 10, 20.0, "events")
        world.kill(world.writer())
    before = len(sinkside.lines(place))
    world.wait_for(lambda: len(sinkside.lines(place)) > before + 10, 20.0, "a fresh event")
    world.stop()
    world.finish(program)
    world.check()
    got = sinkside.ids(place)

    assert logged(world) == list(got)
    assert 20 <= len(got)


def test_what_waits_on_disk_is_delivered_by_the_next_service(world, place):
    """The far side is away at the end of the first one, which does not wait for it long."""
    (place / "away").touch()
    sink = {**SINK, "target": "sinkside:away"}
    source = """
import json
mplog.configure(LOG, sinks=json.loads(os.environ["SINKS"]))
for n in range(50):
    mplog.get_logger("shop").info("x")
report = mplog.shutdown(20)
print(report.left, report.where)
"""
    out, _ = world.run(source, quiet=False, SINKS=json.dumps([sink]))
    world.gone()
    first = logged(world)
    assert "0 {'spool of callable': 50}" == out.strip()
    (place / "away").unlink()
    world.run(source, quiet=False, SINKS=json.dumps([sink]))
    world.gone()

    assert 50 == len(first)
    assert logged(world) == list(sinkside.ids(place))
    assert {1} == set(sinkside.ids(place).values())


def test_a_spooled_sink_has_a_fallback_too(world, place):
    """What it refuses goes there at once, and does not wait on disk."""
    sink = {**SINK, "target": "sinkside:refuse", "fallback": "second"}
    second = {"type": "callable", "target": "sinkside:note", "name": "second", "standby": True}
    source = """
import json
mplog.configure(LOG, sinks=json.loads(os.environ["SINKS"]))
for n in range(5):
    mplog.get_logger("shop").info("x")
assert mplog.flush(60)
"""
    world.run(source, SINKS=json.dumps([sink, second]))
    world.gone()

    assert set(logged(world)) == set(sinkside.ids(place))
    assert {1} == set(sinkside.ids(place).values())

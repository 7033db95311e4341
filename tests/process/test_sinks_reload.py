"""HUP: sinks are added, removed and changed, and no event is lost by that."""

from __future__ import annotations

import signal

import proof
import pytest
import sinkside

pytestmark = pytest.mark.process

SERVE = """
from mplog.cli.main import main
sys.exit(main(["serve", "--config", sys.argv[1]]))
"""
SINK = '\n[[sinks]]\ntype = "callable"\nname = "{name}"\ntarget = "sinkside:{target}"\n'


def test_sinks_come_and_go_by_a_reload(world, monkeypatch):
    """Events that were routed to one reach it, whichever of its settings has changed."""
    place = world.root / "sinks"
    place.mkdir()
    monkeypatch.setenv("SINKSIDE", str(place))
    config = world.root / "mplog.toml"
    head = f'file = "{world.log}"\n'

    def told():
        return world.log.read_bytes().count(b'"event_name":"mplog.config"')

    def reload(text):
        count = told()
        config.write_text(head + text)
        server.send_signal(signal.SIGHUP)
        world.wait_for(lambda: told() > count, 20.0, "the reload")

    def grows(name):
        before = sinkside.ids(place, name).total()
        world.wait_for(lambda: sinkside.ids(place, name).total() > before + 50, 20.0, name)

    note, other = SINK.format(name="a", target="note"), SINK.format(name="b", target="other")
    config.write_text(head)
    server = world.start(SERVE, str(config))
    world.wait_for(lambda: list(world.directory.glob("*.bell")), 20.0, "the service")
    program = world.start("mplog.configure(LOG)\nproof.load('p')\n")
    world.noted(20)
    world.fresh_file()
    reload(note)
    grows("notes")
    reload(note + "batch = 7\n" + other)
    grows("notes")
    grows("other")
    reload(other)
    grows("other")
    world.stop()
    world.finish(program)
    server.send_signal(signal.SIGTERM)
    world.finish(server)
    proof.check(world.log, world.acks)
    logged = [(line["session"], line["seq"]) for line in proof.lines_of(world.log) if "seq" in line]

    for name in ("notes", "other"):
        got = sinkside.ids(place, name)
        first = logged.index(next(iter(got)))
        part = logged[first : first + len(got)]
        assert {1} == set(got.values())
        assert part == list(got)  # in order, without a gap, over all reloads
    assert logged[-1] == list(sinkside.ids(place, "other"))[-1]

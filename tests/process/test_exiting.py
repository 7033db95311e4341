"""The end of `mplog serve`: what users' own code in it has registered for the exit is called."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

SINK = """
import atexit, os

def take(line):
    pass

@atexit.register
def goodbye():
    with open(os.environ["TOLD"], "a") as told:
        told.write(f"{os.getpid()}\\n")
"""
SLOW = SINK.replace("def goodbye():\n", "def goodbye():\n    import time; time.sleep(1.0)\n")
SERVE = """
sys.argv[1:] = ["serve", "--config", sys.argv[1]]
from mplog.cli.main import main
sys.exit(main())
"""


def test_what_a_sink_has_registered_for_the_exit_is_called_once(world):
    """In its process alone, after everything is delivered."""
    told = world.root / "told"
    (world.root / "goodbyes.py").write_text(SINK)
    config = world.root / "mplog.toml"
    sink = '[[sinks]]\ntype = "callable"\ntarget = "goodbyes:take"\n'
    config.write_text(f'file = "{world.log}"\n{sink}')
    path = os.pathsep.join([str(world.root), *sys.path])
    server = world.start(SERVE, str(config), PYTHONPATH=path, TOLD=str(told))
    world.wait_for(lambda: list(world.directory.glob("*.journal")), 20.0, "the writer")
    world.run("mplog.configure(LOG)\nmplog.get_logger('p').info('one')\nmplog.shutdown()\n")
    server.send_signal(signal.SIGTERM)
    world.finish(server)

    assert b'"message":"one"' in world.log.read_bytes()
    (pid,) = told.read_text().split()
    assert int(pid) != server.pid
    world.gone()


def test_a_farewell_of_a_sinks_process_may_outlast_its_close(world):
    """The writer, which has nothing else to do, waits for it."""
    told = world.root / "told"
    (world.root / "goodbyes.py").write_text(SLOW)
    source = """
        mplog.configure(LOG, sinks=[{"type": "callable", "target": "goodbyes:take"}])
        mplog.get_logger("p").info("one")
        mplog.flush(60)
    """
    world.run(source, PYTHONPATH=os.pathsep.join([str(world.root), *sys.path]), TOLD=str(told))
    world.gone()

    assert 1 == len(told.read_text().split())


def test_a_signal_at_its_very_end_changes_no_exit_code(world):
    """One that is sent again and again from the end of the writer until it is gone itself."""
    config = world.root / "mplog.toml"
    config.write_text(f'file = "{world.log}"\n')
    server = world.start(SERVE, str(config))
    children = Path("/proc", str(server.pid), "task", str(server.pid), "children")
    world.wait_for(lambda: list(world.directory.glob("*.journal")), 20.0, "the writer")
    writer = int(world.wait_for(lambda: children.read_text().split(), 20.0, "a child")[0])
    world.kill(writer, signal.SIGTERM)
    while server.poll() is None:
        os.kill(server.pid, signal.SIGTERM)  # not waited for: it is nobody else's number

    assert 0 == server.returncode
    world.gone()

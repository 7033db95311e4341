"""What enrichers say is of each process: found out there, however it was started."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.process

WHO = """
import os
def who():
    return {"calls_in": os.getpid(), "team": os.environ.get("TEAM", "")}
"""

PROGRAM = """
import multiprocessing, subprocess
import who

def log(name):
    mplog.get_logger("a").info(name, x={1} if name == "in Python" else 1)
    mplog.get_logger("a").info(name)

def rank(method):
    os.environ["RANK"] = "7"  # as torch's workers set it: after they were started
    log(method)

if __name__ == "__main__":
    os.environ["RANK"] = "0"
    mplog.configure(LOG, enrich=["rank", who.who, lambda: {"forks": True}])
    with mplog.context(request=1):
        log("parent")
        for method in ("fork", "spawn"):
            context = multiprocessing.get_context(method)
            child = context.Process(target=rank, args=(method,))
            child.start()
            child.join()
            assert child.exitcode == 0
    source = "import mplog; mplog.get_logger('a').info('program')"
    subprocess.run([sys.executable, "-c", source], check=True)
    log("in Python")
"""


def test_every_process_is_asked_for_itself_once(world):
    """A fork and a spawned child at their first events, a program that inherits the service too; a
    lambda is known to forks alone, which the others tell.
    """
    (world.root / "who.py").write_text(WHO)
    path = world.environment()["PYTHONPATH"]
    _, err = world.run(PROGRAM, quiet=False, PYTHONPATH=f"{world.root}:{path}", TEAM="payments")
    lines = [json.loads(line) for line in world.log.read_text().splitlines()]
    events = [line for line in lines if line["logger"] == "a"]
    found = {
        line["message"]: (line["rank"], line.get("forks"), line.get("request")) for line in events
    }
    assert {
        "parent": (0, True, 1),
        "fork": (7, True, 1),
        "spawn": (7, None, None),
        "program": (0, None, None),
        "in Python": (0, True, None),
    } == found
    assert all(line["calls_in"] == line["process.pid"] for line in events)
    assert {"payments"} == {line["team"] for line in events}
    assert 9 == len(events)
    assert 2 == err.count("no name by which this process could import it")

"""Results of the C core that must not happen, brought about in a build for tests, raise nothing out
of a log call.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.process, pytest.mark.stress]

PROGRAM = """
import logging, os, sys
import mplog
heard = []
mplog.on_error(heard.append)
mplog.configure(sys.argv[1], uncaught=False)
log = mplog.get_logger("a")
std = logging.Logger("std")
std.addHandler(mplog.Handler())
assert log.info("before")
mplog.shutdown()  # the next event claims a lane
os.environ["MPLOG_FAULT"] = sys.argv[2]
told = [log.info("plain"), log.info("odd", odd={1})]
std.info("of logging %s", 1)
std.info("of logging, odd", extra={"odd": {1}})
del os.environ["MPLOG_FAULT"]
print({type(one).__name__ for one in told}, [error.code for error in heard], log.info("after"))
mplog.configure(sys.argv[1], uncaught=False)
print(log.info("on again"), mplog.flush(30))
"""
OFF = "{'bool'} ['MPL-I002'] False\nTrue True\n"
POINTS = {
    "attach:-1017": OFF,  # a state that the object cannot be in
    "attach:-1007": OFF,  # an argument outside its range
    "attach:-1011": OFF,
    "outcome:99": OFF,  # no outcome at all
    "scratch:1": "{'bool'} [] True\nTrue True\n",  # no place to encode: Python makes the event
}


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """mplog with an extension in which results can be brought about."""
    place = tmp_path_factory.mktemp("faults")
    subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "-b", place, "-t", place / "temp"],
        cwd=ROOT, env=os.environ | {"MPLOG_BUILD_FAULTS": "1"}, check=True, timeout=600,
        capture_output=True,
    )  # fmt: skip
    ignore = shutil.ignore_patterns("*.so", "__pycache__")
    shutil.copytree(ROOT / "mplog", place / "mplog", ignore=ignore, dirs_exist_ok=True)
    return place


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("point", "expected"), POINTS.items(), ids=str)
def test_a_result_that_must_not_happen_turns_logging_off(
    package, shm, logdir, wait_for, point, expected
):
    """Every call returns, one line says so, and configure() turns it on again."""
    log = logdir / "app.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(log), point],
        env=os.environ | {"PYTHONPATH": str(package)}, capture_output=True, text=True,
        timeout=120, check=False, cwd=logdir,
    )  # fmt: skip
    assert (0, expected) == (done.returncode, done.stdout), done.stderr
    assert ("I002" in expected) == (1 == done.stderr.count("turned logging off"))
    wait_for(lambda: '"message":"on again"' in log.read_text(), 20.0, "the fresh event")

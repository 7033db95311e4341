"""Networks that are slow, and names that cannot be looked up: only the sink that needs them waits.

Each service has a network and a resolver of its own (`unshare -mn`, see secluded.py).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
pytestmark = [pytest.mark.process, pytest.mark.needs_root]


def secluded(scenario, tmp_path):
    """What came of a scenario of secluded.py."""
    unshare = shutil.which("unshare")
    assert unshare
    environment = {
        **os.environ, "LOG": str(tmp_path / "app.jsonl"), "PYTHONPATH": str(HERE.parents[1]),
    }  # fmt: skip
    done = subprocess.run(
        [unshare, "-mn", sys.executable, str(HERE / "secluded.py"), scenario],
        capture_output=True, text=True, timeout=170, env=environment,
    )  # fmt: skip
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout)


def test_a_name_that_cannot_be_looked_up_is_tried_until_it_can(shm, tmp_path):
    """The resolver hangs, then fails, then gives an address that has moved, then the right one: the
    file has every event at once, the far side has them in the end, each once and in order.
    """
    told = secluded("names", tmp_path)

    assert {"early": [], "arrived": True} == told


def test_a_resolver_that_hangs_does_not_keep_the_service_from_ending(shm, tmp_path):
    """Nor flush from its time-out: events are reported as left in the sink's queue; the file has
    them all, and once it answers a fresh event arrives.
    """
    told = secluded("hanging_names", tmp_path)

    assert {"flushed": False, "where": ["queue of syslog"]} == told


def test_a_narrow_line_holds_up_its_own_sink_alone(shm, tmp_path):
    """At 64 kbit/s the file has all long before the far side; on a wide one nothing is missing."""
    told = secluded("bandwidth", tmp_path)

    assert told["arrived"]
    assert told["early"] < 300

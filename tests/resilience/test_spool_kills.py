"""A spool whose process is killed, or whose disk fails, at every one of its system calls."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FAULTS = HERE.parent / "faults"
if str(FAULTS) not in sys.path:
    sys.path.insert(0, str(FAULTS))

import mpfault  # noqa: E402


def preloaded(tmp_path, **arguments):
    """What `kill_spool.py` has found."""
    rule = tmp_path / "rule"
    rule.write_bytes(bytes(4096))
    added = {
        "PYTHONPATH": str(HERE.parents[1]),
        "LD_PRELOAD": str(mpfault.library()),
        mpfault.CONTROL: str(rule),
        "TMPDIR": str(tmp_path),
    }
    command = [sys.executable, str(HERE / "kill_spool.py"), json.dumps(arguments)]
    done = subprocess.run(
        command, env=os.environ | added, capture_output=True, text=True, timeout=150, check=False
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return json.loads(done.stdout.strip().rsplit("\n", 1)[-1])


@pytest.mark.process
def test_a_kill_at_any_call_loses_nothing_and_doubles_one_batch_at_most(tmp_path):
    """Appended is delivered; what comes again is one batch whose acknowledgement was not noted."""
    found = preloaded(tmp_path, actions=["KILL"])

    assert {} == found["wrong"]
    assert found["struck"]["KILL"] > 60
    assert {"open", "pwrite", "pread"} <= found["kinds"].keys()


@pytest.mark.process
@pytest.mark.parametrize(
    "action",
    [
        "ENOSPC",
        "SHORT",
        pytest.param("EIO", marks=pytest.mark.stress),
        pytest.param("EINTR", marks=pytest.mark.stress),
    ],
)
def test_a_call_that_fails_loses_nothing(tmp_path, action):
    """Each call fails once; what was not taken is appended again, by the caller that was told."""
    found = preloaded(tmp_path, actions=[action])

    assert {} == found["wrong"]
    assert sum(found["struck"].values()) > 60

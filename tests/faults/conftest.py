"""Where the programs of this folder find one another, and how they are run."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
for folder in (HERE, HERE.parent / "stress"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

import mpfault  # noqa: E402

# Read at import: the tests themselves run without any MPLOG_* from outside.
_SEED = os.environ.get("MPLOG_STRESS_SEED")
Preloaded = Callable[..., dict[str, Any]]


@pytest.fixture
def seed() -> int:
    """MPLOG_STRESS_SEED, else a new one; printed, and shown with a failure."""
    value = int(_SEED) if _SEED else random.SystemRandom().randrange(1 << 32)
    print(f"MPLOG_STRESS_SEED={value}")
    return value


@pytest.fixture
def preloaded(shm: Path, tmp_path: Path) -> Preloaded:
    """`preloaded(name, timeout_s, **arguments)`: run a program of this folder with the shim; the
    JSON that it prints last.
    """

    def run(name: str, timeout_s: float, **arguments: Any) -> dict[str, Any]:
        added = {
            "PYTHONPATH": str(HERE.parents[1]),
            "LD_PRELOAD": str(mpfault.library()),
            mpfault.CONTROL: str(tmp_path / "rule"),
        }
        (tmp_path / "rule").write_bytes(bytes(4096))
        command = [sys.executable, str(HERE / f"{name}.py"), json.dumps(arguments)]
        done = subprocess.run(
            command,
            env=os.environ | added,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        print(done.stderr)
        assert 0 == done.returncode, f"{name}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        found: dict[str, Any] = json.loads(done.stdout.strip().rsplit("\n", 1)[-1])
        return found

    return run


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """A line of figures that is shown with `make faults`, also when the test passes."""

    def line(text: str) -> None:
        with capsys.disabled():
            print(f"\n  {text}", flush=True)

    return line

"""What the stress tests share: seed, length, programs of their own, and logs that go again."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

# Read at import: the tests themselves run without any MPLOG_* from outside.
_SEED = os.environ.get("MPLOG_STRESS_SEED")
_SECONDS = os.environ.get("MPLOG_STRESS_SECONDS")

Program = Callable[..., dict[str, Any]]


@pytest.fixture
def seed() -> int:
    """MPLOG_STRESS_SEED, else a new one; printed, and shown with a failure."""
    value = int(_SEED) if _SEED else random.SystemRandom().randrange(1 << 32)
    print(f"MPLOG_STRESS_SEED={value}")
    return value


@pytest.fixture
def seconds() -> Callable[[float], float]:
    """`seconds(default)`: MPLOG_STRESS_SECONDS where it is given."""
    return lambda default: float(_SECONDS) if _SECONDS else default


@pytest.fixture
def logs() -> Iterator[Path]:
    """A directory for log files that is gone afterwards: some write hundreds of megabytes."""
    place = Path(tempfile.mkdtemp(prefix="mplog-stress-"))
    yield place
    shutil.rmtree(place)


@pytest.fixture
def program(shm: Path) -> Program:
    """`program(name, timeout_s, **arguments)`: run one of this folder; the JSON it prints last."""

    def run(name: str, timeout_s: float, **arguments: Any) -> dict[str, Any]:
        environment = os.environ | {"PYTHONPATH": str(HERE.parents[1])}
        command = [sys.executable, str(HERE / f"{name}.py"), json.dumps(arguments)]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=timeout_s, check=False
        )
        print(done.stderr)
        assert 0 == done.returncode, f"{name}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        found: dict[str, Any] = json.loads(done.stdout.strip().rsplit("\n", 1)[-1])
        found["stderr"] = done.stderr
        return found

    return run


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """A line of figures that is shown with `make stress`, also when the test passes."""

    def line(text: str) -> None:
        with capsys.disabled():
            print(f"\n  {text}", flush=True)

    return line

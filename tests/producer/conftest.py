"""A lane of this process's own for tests of the log call."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

from lane import Lane, lane_in  # noqa: E402

from mplog.producer.gate import GATE  # noqa: E402


@pytest.fixture(autouse=True)
def _gate_as_it_was() -> Iterator[None]:
    """No test leaves the process's loggers connected."""
    yield
    GATE.reset()


@pytest.fixture
def lane(shm: Path) -> Iterator[Lane]:
    """Where the loggers of this process publish, and what they have published."""
    with lane_in(shm) as lane:
        yield lane

"""The guard as its tests see it: a package beside the benchmarks, and counts that were recorded.

The counts are of a C program whose loop of 10 or 20 rounds calls `fields`, which recurses three
deep, and `publish`, which calls `copy`; the change's `publish` has a small loop of its own besides.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
RECORDED = Path(__file__).with_name("recorded")
if str(BENCHMARKS) not in sys.path:
    sys.path.insert(0, str(BENCHMARKS))


@pytest.fixture(scope="session")
def recorded() -> Callable[[str], str]:
    """The text of a count, by its name without the suffix."""
    return lambda name: (RECORDED / f"{name}.callgrind").read_text()

"""The place that tests of a batch work in."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

import one_writer  # noqa: E402
import two_files  # noqa: E402


@pytest.fixture
def place(shm, logdir):
    made = one_writer.Place(shm, logdir / "app.jsonl")
    yield made
    for producer in made.producers:
        producer.detach(True)
    made.job.file.close()
    os.close(made.supervisor)


@pytest.fixture
def two(shm, logdir):
    """`two(rules, **settings)`: a service of two files."""
    made = []

    def begin(rules=None, **settings):
        made.append(two_files.Two(shm, logdir, rules, **settings))
        return made[0]

    yield begin
    for one in made:
        one.close()

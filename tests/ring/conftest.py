"""Shared memory as earlier versions have left it."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(params=[1, 2], ids=lambda layout: f"layout {layout}")
def old(request, tmp_path, shm):
    """A directory of shared memory as that version has left it; its log lies in tmp_path."""
    place = shm
    with tarfile.open(GOLDEN / f"layout{request.param}.tar.xz") as archive:
        archive.extractall(place, filter="data")
    shutil.move(place / "app.jsonl", tmp_path / "app.jsonl")
    return place

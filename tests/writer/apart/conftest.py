"""Sinks in processes of their own, which end with the test."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
for folder in (HERE, HERE.parent):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

import apartside  # noqa: E402

from mplog.errors import TargetError  # noqa: E402
from mplog.writer.apart.sink import ApartSink  # noqa: E402


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Where the sinks leave what they do; their module is found from here on."""
    monkeypatch.setenv("APARTSIDE", str(tmp_path))
    monkeypatch.syspath_prepend(str(Path(apartside.__file__).parent))
    return tmp_path


@pytest.fixture
def apart(place):
    """`apart(name, **how)`: a sink of `apartside`; its process is ended with the test."""
    made = []

    def make(name, **how):
        made.append(ApartSink(f"apartside:{name}", **how))
        return made[-1]

    yield make
    for sink in made:
        sink.kill()
        with contextlib.suppress(TargetError):
            sink.close()

"""The scripts as they are run by hand, in a rehearsal: that they measure, not what."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def rehearsed(script: str, results: Path, *words: str) -> dict[str, Any]:
    """What a quick run of *script* has written below *results*, with its only result read."""
    command = [sys.executable, str(BENCHMARKS / script), *words, "--quick"]
    command += ["--results", str(results), "--dir", str(results.parent)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150)
    assert 0 == done.returncode, done.stderr
    (written,) = results.glob("*.json")
    found: dict[str, Any] = json.loads(written.read_text(encoding="utf-8"))
    return found


@pytest.mark.process
def test_a_script_writes_its_figures_with_machine_and_versions(tmp_path: Path) -> None:
    """All that the page needs stands in the JSON of one script."""
    found = rehearsed("call_disabled.py", tmp_path / "results")

    assert "call_disabled" == found["name"]
    assert found["quick"]
    assert found["machine"]["cores"] >= 1
    assert {"CPython", "mplog", "commit"} <= found["versions"].keys()
    assert found["noise"]["spin_ms"]["low"] > 0
    (turns,) = found["cells"].values()
    assert turns["samples"]["median"] > 0
    assert all(figure["ratio"] for figure in found["figures"])


@pytest.mark.process
def test_a_burst_is_read_back_from_the_file(tmp_path: Path) -> None:
    """Every event of it is there once and whole, else the figures would be of less work."""
    found = rehearsed("burst.py", tmp_path / "results", "--only", "mplog")

    row = found["cells"]["mplog"]
    assert (0, 0, 0) == (row["lost"], row["doubled"], row["broken"])
    assert row["samples"]["median"] > 0
    assert row["line_bytes"]["median"] > 100


@pytest.mark.process
def test_all_of_them_make_a_page(tmp_path: Path) -> None:
    """What run.py is told to measure stands on the page that it writes beside the results."""
    rehearsed("run.py", tmp_path / "results", "call_fields")

    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert "one more plain field" in text
    assert "| over the number of fields |" in text


@pytest.mark.process
def test_nothing_is_left_by_the_shutdown_that_is_timed(tmp_path: Path) -> None:
    """Every event is in the file, else the script ends with an error."""
    found = rehearsed("shutdown.py", tmp_path / "results", "--only", "own,served")

    assert all(row["shutdown_ms"]["median"] > 0 for row in found["cells"].values())


@pytest.mark.process
def test_beside_a_dead_server_nothing_is_lost_or_out_of_order(tmp_path: Path) -> None:
    """And once it is back it gets its own events in order."""
    found = rehearsed("beside.py", tmp_path / "results", "--only", "dead")

    (row,) = found["cells"].values()
    assert (0, 0) == (row["lost"], row["broken"])
    assert row["samples"]["median"] > 0


@pytest.mark.process
def test_a_sink_is_back_in_time_after_outages_of_all_lengths(tmp_path: Path) -> None:
    """By the rules alone, which need no clock on the wall."""
    found = rehearsed("breaker.py", tmp_path / "results", "--only", "virtual")

    (row,) = found["cells"].values()
    assert 40 == row["samples"]["median"]
    assert 0 < row["back_ms"]["median"] < row["worst_ms"]["median"] < 500


def test_a_name_that_is_no_benchmark_is_refused(tmp_path: Path) -> None:
    """With the names that there are."""
    command = [sys.executable, str(BENCHMARKS / "run.py"), "throughputs"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert 2 == done.returncode
    assert "no such benchmark: throughputs; there are call_latency" in done.stderr

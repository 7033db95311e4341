"""The workloads themselves, as they run without callgrind."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from instructions import measure
from instructions.terms import LACKS, WORKLOADS

ROOT = Path(__file__).resolve().parents[3]
HERE = f"{ROOT}:{ROOT / 'benchmarks'}"


def run(workload: str, memory: Path, logs: Path, tree: Path = ROOT):
    """One short run."""
    words = [str(tree), workload, "5", "1", str(memory), str(logs)]
    return subprocess.run(
        [sys.executable, str(measure.PROGRAM), *words],
        env={**measure.clean_environment(), "PYTHONPATH": HERE},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.process
@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_workload_does_what_it_says(workload, shm, logdir):
    """Each run checks its own outcome; one whose name mplog lacks says so."""
    import mplog

    done = run(workload, shm, logdir)

    if workload == "accelerated" and not hasattr(mplog, "accelerate"):
        assert (done.returncode, done.stderr) == (LACKS, "no mplog.accelerate\n")
    else:
        assert (done.returncode, done.stderr) == (0, "")


def test_mplog_must_come_from_the_tree_that_is_measured(tmp_path, shm, logdir):
    """Another mplog is refused, so that no tree is measured in place of the other."""
    done = run("call", shm, logdir, tree=tmp_path)

    assert done.returncode == 1
    assert f"not from {tmp_path}" in done.stderr


def test_every_name_is_a_function():
    """The names that the guard knows are those that the program has."""
    tree = ast.parse(measure.PROGRAM.read_text())
    table = next(
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "WORKLOADS"
    )

    assert tuple(ast.unparse(name) for name in table.generators[0].iter.elts) == WORKLOADS


def test_counts_are_taken_between_marks(tmp_path, recorded):
    """Every second part is a window; one too few is an error."""
    for number in range(1, 4 * measure.ROUNDS + 1):
        name = "base-10" if number % 2 else "base-20"
        (tmp_path / f"counts.{number}").write_text(recorded(name))

    assert len(measure.windows(tmp_path / "counts")) == 2 * measure.ROUNDS
    assert {one.total() for one in measure.windows(tmp_path / "counts")} == {1936}

    (tmp_path / "counts.2").unlink()
    with pytest.raises(measure.Unreadable, match="15 parts"):
        measure.windows(tmp_path / "counts")

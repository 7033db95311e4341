"""A workload in a tree under callgrind: what a call of it costs, by function."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from place import processes_on

from instructions.callgrind import Cost, Unreadable, parse, per_call
from instructions.terms import MARK
from instructions.trees import ROOT, clean_environment
from instructions.verdict import Outcome

CALLS = 100  # twice as many events fit into the smallest lane
ROUNDS = 4
TIMEOUT_S = 120.0
LEAVE_S = 15.0
PROGRAM = Path(__file__).with_name("workload.py")
VALGRIND = (
    "valgrind",
    "--tool=callgrind",
    "--quiet",
    "--trace-children=no",
    "--compress-strings=no",
    "--compress-pos=no",
    f"--dump-before={MARK}",
)


@contextmanager
def private_memory() -> Iterator[Path]:
    """A directory for a service; at its end the service's processes get some seconds to leave."""
    parent = "/dev/shm" if os.path.isdir("/dev/shm") else None
    memory = tempfile.mkdtemp(prefix="mplog-guard-", dir=parent)
    try:
        yield Path(memory)
    finally:
        deadline_s = time.monotonic() + LEAVE_S
        while processes_on(memory) and time.monotonic() < deadline_s:
            time.sleep(0.05)
        shutil.rmtree(memory, ignore_errors=True)


def measure(tree: Path, workload: str) -> Outcome:
    """Run *workload* in *tree*."""
    with private_memory() as memory, tempfile.TemporaryDirectory(prefix="mplog-guard-") as logs:
        counts = Path(logs) / "counts"
        words = [str(tree), workload, str(CALLS), str(ROUNDS), str(memory), logs]
        command = [*VALGRIND, f"--callgrind-out-file={counts}", sys.executable, str(PROGRAM)]
        found_in = f"{tree}:{ROOT / 'benchmarks'}"
        variables = {**clean_environment(), "PYTHONPATH": found_in, "PYTHONHASHSEED": "0"}
        try:
            done = subprocess.run(
                [*command, *words],
                env=variables,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
            )
        except subprocess.TimeoutExpired:
            return Outcome(None, f"not done after {TIMEOUT_S:.0f} s")
        said = done.stderr.strip().rpartition("\n")[2] or f"status {done.returncode}"
        if done.returncode:
            return Outcome(None, said, done.returncode)
        try:
            return Outcome(per_call(windows(counts), CALLS))
        except (Unreadable, OSError) as why:
            return Outcome(None, f"{type(why).__name__}: {why}")


def windows(counts: Path) -> list[Cost]:
    """The parts that lie between two marks. The first part ends where the first window begins; the
    last one, without a number, is what came after the last mark.

    Raises:
        Unreadable: there are more or fewer of them than marks.
        OSError: one cannot be read.
    """
    expected = 4 * ROUNDS
    found = len(list(counts.parent.glob(f"{counts.name}.*")))
    if found != expected:
        raise Unreadable(f"{found} parts of a count instead of {expected}")
    numbers = range(2, expected + 1, 2)
    return [parse(Path(f"{counts}.{number}").read_text("utf-8", "replace")) for number in numbers]

"""Count the change and its base, print the table; status 1 when a workload has become dearer."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from instructions.measure import measure
from instructions.terms import WORKLOADS
from instructions.trees import (
    NAMED_IN,
    Unusable,
    base_commit,
    build,
    lay_out_base,
    lay_out_change,
)
from instructions.verdict import LIMIT, Row, costliest, judge, table

NOISE = 0.003  # by which two counts of the same build may differ


def compare(lay_base: Callable[[Path], None], workloads: Sequence[str], limit: float) -> list[Row]:
    """Build both trees, count every workload in both.

    Raises:
        Unusable: a tree cannot be had or built.
    """
    with (
        tempfile.TemporaryDirectory(prefix="mplog-guard-") as name,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        # Names of one length: paths are data to what is measured.
        base, change = Path(name, "tree-a"), Path(name, "tree-b")
        lay_base(base)
        lay_out_change(change)
        list(pool.map(build, (base, change), ("the base", "the change")))
        jobs = [
            (workload, pool.submit(measure, base, workload), pool.submit(measure, change, workload))
            for workload in workloads
        ]
        return [judge(workload, a.result(), b.result(), limit) for workload, a, b in jobs]


def disagree(row: Row) -> bool:
    """Whether two counts of the same build differ too much, either way."""
    return row.ratio is not None and not 1 - NOISE <= row.ratio <= 1 + NOISE


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="instructions", description=__doc__)
    parser.add_argument("workload", nargs="*", help=f"of {', '.join(WORKLOADS)} (all)")
    parser.add_argument("--top", type=int, default=0, help="name the N costliest functions too")
    parser.add_argument(
        "--noise", action="store_true", help="the change beside itself, within a tenth of the limit"
    )
    given = parser.parse_args()
    unknown = set(given.workload) - set(WORKLOADS)
    if unknown:
        parser.error(f"no workload {', '.join(sorted(unknown))}; there are {', '.join(WORKLOADS)}")
    return given


def main() -> int:
    """Run the guard; 2 when there is nothing to compare."""
    given = arguments()
    if shutil.which("valgrind") is None:
        print("guard: no valgrind here: install the package valgrind", file=sys.stderr)
        return 2
    try:
        if given.noise:
            lay_base, limit = lay_out_change, NOISE
            print("base: the change itself")
        else:
            commit = base_commit(NAMED_IN.read_text(), os.environ.get("MPLOG_BASE"))
            lay_base, limit = (lambda place: lay_out_base(commit, place)), LIMIT
            print(f"base: {commit}")
        rows = compare(lay_base, given.workload or WORKLOADS, limit)
    except (Unusable, OSError, subprocess.CalledProcessError) as why:
        print(f"guard: {why}", file=sys.stderr)
        return 2
    print("instructions a call, or an event in the writer\n")
    print(table(rows))
    for row in rows if given.top else ():
        print(f"\n{row.workload}: the costliest functions of the change")
        print(costliest(row.change.functions or {}, given.top))
    return 1 if any(row.failed or (given.noise and disagree(row)) for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())

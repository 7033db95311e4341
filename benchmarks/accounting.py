"""What metrics and accounting cost: this build beside one that is built without them.

MPLOG_BENCH_PLAIN_SO names the extension of the other build; without it, nothing can be compared.
Each cell runs on a copy of the package with the extension in question, so that the writer, which
takes its packages from where the program has them, runs on the same one.
"""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Any

from contenders import Mplog
from delivery import delivered
from figures import Figure, Row, Runs, Target, ratio_by, ratio_of, spread_of
from loops import ARGUMENTS, EMPTY, LANE_TURNS, WARM_TURNS, end, fill, in_turns, loop
from suite import Benchmark, Plan, main

VARIABLE = "MPLOG_BENCH_PLAIN_SO"
PLAIN = os.environ.get(VARIABLE, "")
NOT_NAMED = f"{VARIABLE} names no extension that is built without accounting"
PACKAGE = Path(__file__).resolve().parents[1] / "mplog"
EXTENSION = "_native" + sysconfig.get_config_var("EXT_SUFFIX")
CALLS, PROCESSES = 200, 4


def copy_with(extension: Path, place: Path) -> None:
    """Make `import mplog` find a copy at *place* that has *extension*."""
    shutil.copytree(PACKAGE, place / "mplog", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    shutil.copy(extension, place / "mplog" / EXTENSION)
    sys.path.insert(0, str(place))
    found: Any = importlib.import_module("mplog._native")
    if not str(found.__file__).startswith(str(place)):
        raise SystemExit(f"the extension was taken from {found.__file__}")


class Accounting(Benchmark):
    """The call and the throughput, with counters and without."""

    name = "accounting"
    title = "Metrics and accounting"
    repeat = 7
    method = (
        "The same package with two extensions, one built without counters. The call: loops of 200 "
        "in turns with an empty Python function, net of it. The throughput: four processes flat "
        "out until the last byte is in the file."
    )

    def cells(self, plan: Plan) -> list[str]:
        return ["counted", "plain"]

    def label(self, cell: str) -> str:
        return {"counted": "as it is", "plain": "without metrics and accounting"}[cell]

    def missing(self, cell: str) -> str:
        return "" if Path(PLAIN).is_file() else NOT_NAMED

    def measure(self, cell: str, plan: Plan, logs: Path) -> Row:
        copy_with(PACKAGE / EXTENSION if cell == "counted" else Path(PLAIN), logs / "package")
        path = logs / "events" / "app.jsonl"
        path.parent.mkdir()
        row = delivered(Mplog(), path, plan.pick(400_000, 5_000), PROCESSES)
        return {**self.called(logs, plan.pick(200, 20)), **row}

    def called(self, logs: Path, rounds: int) -> Row:
        """The cost of a call, net."""
        mplog: Any = importlib.import_module("mplog")
        mplog.configure(str(logs / "call.jsonl"), level="INFO", when_full="block")
        info = mplog.get_logger("bench").info
        around = loop(ARGUMENTS)
        fill((around, info), CALLS, mplog.flush)
        pairs = {"empty": (around, EMPTY), "mplog": (around, info)}
        found = in_turns(pairs, CALLS, rounds, mplog.flush)
        end(mplog, CALLS, LANE_TURNS + WARM_TURNS + rounds)
        return {"call_ns": found["mplog"] - found["empty"]}

    def figures(self, runs: Runs) -> list[Figure]:
        note = "" if runs.get("plain") else NOT_NAMED
        slower = ratio_by(
            runs,
            lambda turn: (turn["plain"]["events_per_s"], turn["counted"]["events_per_s"]),
            ["plain", "counted"],
        )
        return [
            Figure(
                "call", "a call, times one without accounting",
                spread_of(runs, "counted", "call_ns"), "ns",
                ratio_of(runs, "counted", "plain", "call_ns"), "a build without counters",
                Target(at_most=1.05), note,
            ),
            Figure(
                "throughput", "events/s without accounting, times those with it",
                spread_of(runs, "counted", "events_per_s"), "events/s", slower,
                "a build without counters", Target(at_most=1.05), note,
            ),
        ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(Accounting()))

"""What a log call under the level costs, beside an empty Python function."""

from __future__ import annotations

import importlib
import logging
import sys
from pathlib import Path
from typing import Any

from figures import Figure, Row, Runs, Target, ratio_of, spread_of
from loops import ARGUMENTS, EMPTY, end, in_turns, loop
from suite import Benchmark, Plan, main

CALLS = 1_000
STDLIB = "'user %s logged in from %s, attempt %d', 'alice', '10.0.0.1', number"
LABELS = {
    "empty": "an empty Python function, the same arguments",
    "mplog": "mplog, a level that is off",
    "logging": "standard logging, a level that is off",
}


class CallDisabled(Benchmark):
    """`log.debug(…)` where INFO is the level."""

    name = "call_disabled"
    title = "A call under the level"
    method = (
        f"Loops of {CALLS:,} calls in turns in one process, less the same loop around nothing; the "
        "median of the turns. Three fields; the level is INFO, the call is debug()."
    )

    def cells(self, plan: Plan) -> list[str]:
        return ["turns"]

    def label(self, cell: str) -> str:
        return "ns a call"

    def measure(self, cell: str, plan: Plan, logs: Path) -> Row:
        mplog: Any = importlib.import_module("mplog")
        mplog.configure(str(logs / "app.jsonl"), level="INFO")
        mplog.attach()
        stdlib = logging.getLogger("bench")
        stdlib.setLevel(logging.INFO)
        around = loop(ARGUMENTS)
        pairs = {
            "empty": (around, EMPTY),
            "mplog": (around, mplog.get_logger("bench").debug),
            "logging": (loop(STDLIB), stdlib.debug),
        }
        rounds = plan.pick(500, 50)
        found = in_turns(pairs, CALLS, rounds, lambda: None)
        end(mplog, CALLS, 0)
        return {f"{name}_ns": ns for name, ns in found.items()} | {"samples": CALLS * rounds}

    def figures(self, runs: Runs) -> list[Figure]:
        cost = spread_of(runs, "turns", "mplog_ns")
        split = {
            name: [{"ns": row[f"{name}_ns"]} for row in runs.get("turns", ())] for name in LABELS
        }
        return [
            Figure(
                "empty", "a disabled level, times an empty call", cost, "ns",
                ratio_of(split, "mplog", "empty", "ns"), LABELS["empty"], Target(at_most=1),
            ),
            Figure(
                "logging", "a disabled level of standard logging, times mplog's", cost, "ns",
                ratio_of(split, "logging", "mplog", "ns"), LABELS["logging"],
            ),
        ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(CallDisabled()))

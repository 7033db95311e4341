"""A burst of 100,000 events from one process: how long it takes, and how long the drain after."""

from __future__ import annotations

import sys
from pathlib import Path

from contenders import LOGGING, PEERS
from delivery import delivered
from figures import Figure, Row, Runs, ratio_of, spread_of
from suite import Benchmark, Plan, main


class Burst(Benchmark):
    """Time for the program, and time until the last byte is in the file."""

    name = "burst"
    title = "A burst of 100,000 events"
    repeat = 3
    method = (
        "One process logs 100,000 events without a pause. The burst is from its first call to the "
        "return of its last one; the drain from there until the last event's last byte is in the "
        "file. All lines are read back. Who has a full lane waits (when_full is block)."
    )

    def cells(self, plan: Plan) -> list[str]:
        return list(LOGGING)

    def label(self, cell: str) -> str:
        return LOGGING[cell].title

    def missing(self, cell: str) -> str:
        return LOGGING[cell]().missing()

    def measure(self, cell: str, plan: Plan, logs: Path) -> Row:
        row = delivered(
            LOGGING[cell](), logs / "app.jsonl", plan.pick(100_000, 5_000), 1
        )
        drain_s = max(row["elapsed_s"] - row["logging_s"], 0.0)
        return {**row, "drain_s": drain_s}

    def figures(self, runs: Runs) -> list[Figure]:
        found = [
            Figure(
                f"{key}_{one.name}", f"{what}, times below {one.title}",
                spread_of(runs, "mplog", f"{key}_s"), "s",
                ratio_of(runs, one.name, "mplog", f"{key}_s"), one.title,
            )
            for key, what in (("logging", "the burst"), ("elapsed", "burst and drain"))
            for one in PEERS
        ]  # fmt: skip
        drain_s = spread_of(runs, "mplog", "drain_s")
        return [*found, Figure("drain", "the drain after the burst", drain_s, "s")]


if __name__ == "__main__":
    sys.exit(main(Burst()))

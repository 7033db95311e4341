"""End to end: four processes flat out, with rotation, until the last byte is in the file."""

from __future__ import annotations

import sys
from pathlib import Path

from contenders import CONTENDERS, PEERS
from delivery import delivered
from figures import Figure, Row, Runs, Target, ratio_by, ratio_of, spread_of
from suite import Benchmark, Plan, main

PROCESSES = 4
SAFE = [one.name for one in PEERS]


class Throughput(Benchmark):
    """Events a second into the file, every line read back."""

    name = "throughput"
    title = "End to end, four processes"
    method = (
        "Four processes log without a pause into JSON with rotation at 20 MB; mplog waits when its "
        "lane is full. From the first call until the last event's last byte is in the file, as a "
        "process of its own sees the files grow. Then all lines are read back: each (process, "
        "number) must be there once and whole. The bare write puts a line that mplog has made, "
        "each process through its own descriptor (O_APPEND), into one file that does not rotate."
    )

    def cells(self, plan: Plan) -> list[str]:
        return list(CONTENDERS)

    def label(self, cell: str) -> str:
        return CONTENDERS[cell].title

    def missing(self, cell: str) -> str:
        return CONTENDERS[cell]().missing()

    def measure(self, cell: str, plan: Plan, logs: Path) -> Row:
        contender = CONTENDERS[cell]()
        count = plan.pick(250_000, 20_000) if contender.fast else plan.pick(20_000, 2_000)
        return delivered(contender, logs / "app.jsonl", count, PROCESSES)

    def figures(self, runs: Runs) -> list[Figure]:
        rate = spread_of(runs, "mplog", "events_per_s")
        present = [name for name in SAFE if runs.get(name)]
        best = ratio_by(
            runs,
            lambda turn: (
                turn["mplog"]["events_per_s"],
                max(turn[name]["events_per_s"] for name in present),
            ),
            ["mplog", *present] if present else ["no safe peer"],
        )
        return [
            Figure(
                "best_safe_peer", "events/s into the file, times the best safe peer's",
                rate, "events/s", best, "the best safe peer", Target(at_least=25),
            ),
            Figure(
                "bare_write", "events/s into the file, times four processes' bare os.write",
                rate, "events/s", ratio_of(runs, "mplog", "write", "events_per_s"),
                "bare os.write of a ready line", Target(at_least=1),
            ),
            Figure(
                "kept", "lines that mplog lost, doubled or broke",
                spread_of(runs, "mplog", "faults"), "lines", target=Target(at_most=0, of="value"),
            ),
        ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(Throughput()))

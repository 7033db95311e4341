"""Events a second into the file over the number of processes."""

from __future__ import annotations

import sys
from pathlib import Path

from contenders import CONTENDERS
from delivery import delivered
from figures import Figure, Row, Runs, Target, ratio_of, spread_of
from suite import Benchmark, Plan, main

PROCESSES = {"mplog": (1, 2, 4, 8, 16, 64), "write": (1, 4, 16), "queue": (1, 4, 16)}


def several(processes: int) -> str:
    """How many processes, in words."""
    return "1 process" if processes == 1 else f"{processes} processes"


class Scaling(Benchmark):
    """The same number of events, from 1 to 16 processes and from 64."""

    name = "scaling"
    title = "Throughput over the number of processes"
    repeat = 3
    method = (
        "As in the throughput; the number of events is the same whatever the number of processes "
        "that log them, and each process has its lane before the first call."
    )

    def cells(self, plan: Plan) -> list[str]:
        return [f"{name} {count}" for name, counts in PROCESSES.items() for count in counts]

    def label(self, cell: str) -> str:
        name, count = cell.split()
        return f"{CONTENDERS[name].title}, {several(int(count))}"

    def measure(self, cell: str, plan: Plan, logs: Path) -> Row:
        name, count = cell.split()
        contender, processes = CONTENDERS[name](), int(count)
        events = plan.pick(640_000, 32_000) if contender.fast else plan.pick(32_000, 1_600)
        return delivered(contender, logs / "app.jsonl", events // processes, processes)

    def figures(self, runs: Runs) -> list[Figure]:
        return [
            Figure(
                f"mplog_{count}", f"throughput with {several(count)}, times that with 4",
                spread_of(runs, f"mplog {count}", "events_per_s"), "events/s",
                ratio_of(runs, f"mplog {count}", "mplog 4", "events_per_s"), "mplog, 4 processes",
                Target(at_least=0.9) if count == 64 else None,
            )
            for count in (1, 16, 64)
        ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(Scaling()))

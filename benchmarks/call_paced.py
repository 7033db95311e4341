"""The tail of a log call under a paced load: four processes, 1,000 calls a second each."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from contender import Contender
from contenders import FORK, LOGGING, PEERS
from delivery import hold, in_worker
from figures import Figure, Row, Runs, Target, ratio_of, spread_of
from suite import Benchmark, Plan, main
from timing import PARTS, curve, paced, percentile, tails

PROCESSES = 4
INTERVAL_S = 0.001
WARM_UP = 100


def calls(contender: Contender, count: int, gate: Any, answers: Any) -> None:
    """In a worker: how long each of its calls took, net of the empty one under the same load."""
    empty, call = contender.baseline(), contender.call()
    gate.wait()
    baseline_ns = percentile(paced(empty, min(count, 500), INTERVAL_S), 0.5)
    paced(call, WARM_UP, INTERVAL_S)
    answers.put([took_ns - baseline_ns for took_ns in paced(call, count, INTERVAL_S)])
    contender.finish()


class CallPaced(Benchmark):
    """A service that is not busy with logging: every call meets cold caches and other processes."""

    name = "call_paced"
    title = "A log call under a paced load"
    repeat = 3
    method = (
        "Four processes make 1,000 calls a second each and sleep in between; each call is timed "
        "alone, less the median of an empty Python function called with the same arguments at the "
        "same pace. The four processes' calls are taken together."
    )

    def cells(self, plan: Plan) -> list[str]:
        return list(LOGGING)

    def label(self, cell: str) -> str:
        return LOGGING[cell].title

    def missing(self, cell: str) -> str:
        return LOGGING[cell]().missing()

    def axes(self, plan: Plan) -> dict[str, list[float]]:
        return {"curve_ns": list(PARTS)}

    def measure(self, cell: str, plan: Plan, logs: Path) -> Row:
        contender = LOGGING[cell]()
        count = plan.pick(10_000, 250)
        answers, gate = FORK.SimpleQueue(), FORK.Barrier(PROCESSES + 1)
        contender.start(logs / "app.jsonl")
        workers = [
            in_worker(calls, contender, count, gate, answers) for _ in range(PROCESSES)
        ]
        contender.listen()
        gate.wait()
        took_ns = sorted(took for _ in workers for took in answers.get())
        for worker in workers:
            worker.join()
        contender.stop()
        hold(contender, logs, PROCESSES * (WARM_UP + count))
        return {**tails(took_ns), "curve_ns": curve(took_ns)}

    def figures(self, runs: Runs) -> list[Figure]:
        return [
            Figure(
                f"{key}_{one.name}", f"paced, the call's {part}, times below {one.title}",
                spread_of(runs, "mplog", f"{key}_ns"), "ns",
                ratio_of(runs, one.name, "mplog", f"{key}_ns"), one.title,
                Target(at_least=10) if key == "p999" else None,
            )
            for key, part in (("p999", "p99.9"), ("p50", "p50"))
            for one in PEERS
        ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(CallPaced()))

"""What a log call with three fields and the caller's location costs, flat out in one process."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from contender import Contender
from contenders import FORK, LOGGING, PEERS
from delivery import hold, in_worker
from figures import Figure, Row, Runs, Target, ratio_of, spread_of
from single import SINGLE
from suite import Benchmark, Plan, main
from timing import PARTS, WARM_UP, curve, percentile, tails, timed

ALL: dict[str, type[Contender]] = {**LOGGING, **SINGLE}
TARGET = 25 if sys.version_info >= (3, 13) else 18


def calls(contender: Contender, count: int, go: Any, answers: Any) -> None:
    """In a worker: the distribution of the call, net of the empty one."""
    empty, call = contender.baseline(), contender.call()
    timed(empty, WARM_UP)
    baseline_ns = percentile(timed(empty, min(count, 20_000)), 0.5)
    go.wait()
    timed(call, WARM_UP)
    took_ns = timed(call, count)
    contender.finish()
    above = curve(took_ns, baseline_ns)
    answers.put({**tails(took_ns, baseline_ns), "empty_ns": baseline_ns, "curve_ns": above})


class CallLatency(Benchmark):
    """mplog beside libraries for several processes, and beside those for one."""

    name = "call_latency"
    title = "A log call, flat out"
    method = (
        "One process logs without a pause; each call is timed alone, less the median of an empty "
        "Python function called with the same arguments and timed the same way."
    )

    def cells(self, plan: Plan) -> list[str]:
        return list(ALL)

    def label(self, cell: str) -> str:
        return ALL[cell].title

    def missing(self, cell: str) -> str:
        return ALL[cell]().missing()

    def axes(self, plan: Plan) -> dict[str, list[float]]:
        return {"curve_ns": list(PARTS)}

    def measure(self, cell: str, plan: Plan, logs: Path) -> Row:
        contender = ALL[cell]()
        count = plan.pick(100_000, 10_000) if contender.fast else plan.pick(20_000, 2_000)
        answers, go = FORK.SimpleQueue(), FORK.Event()
        contender.start(logs / "app.jsonl")
        worker = in_worker(calls, contender, count, go, answers)
        contender.listen()
        go.set()
        row: Row = answers.get()
        worker.join()
        contender.stop()
        hold(contender, logs, WARM_UP + count)
        return row

    def figures(self, runs: Runs) -> list[Figure]:
        found = [
            Figure(
                f"p50_{name}", f"the call's p50, times below {one.title}",
                spread_of(runs, "mplog", "p50_ns"), "ns",
                ratio_of(runs, name, "mplog", "p50_ns"), one.title,
                Target(at_least=TARGET) if name == "queue" else None,
            )
            for name, one in ALL.items() if name != "mplog"
        ]  # fmt: skip
        found += [
            Figure(
                f"p999_{one.name}", f"the call's p99.9, times below {one.title}",
                spread_of(runs, "mplog", "p999_ns"), "ns",
                ratio_of(runs, one.name, "mplog", "p999_ns"), one.title,
            )
            for one in PEERS
        ]  # fmt: skip
        return found


if __name__ == "__main__":
    sys.exit(main(CallLatency()))

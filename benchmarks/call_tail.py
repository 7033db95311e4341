"""The call's tail beside that of the same loop around an empty call: what is the scheduler's."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from contender import Call, Contender
from contenders import FORK, Mplog
from delivery import hold, in_worker
from figures import Figure, Row, Runs, ratio_of, spread_of
from suite import Benchmark, Plan, main
from timing import PARTS, WARM_UP, curve, tails, timed

WORK_NS = 20_000
# One process flat out; four, each with 20 µs of Python between two calls: more than the cores.
LOADS = {"alone": 1, "busy": 4}


class Empty(Mplog):
    """The same processes and the same loop; the call does nothing."""

    def call(self) -> Call:
        return self.baseline()


KINDS: dict[str, type[Contender]] = {"empty": Empty, "mplog": Mplog}


def busy(call: Call, count: int) -> list[int]:
    """Duration of each of *count* calls that a program makes between other work, sorted."""
    clock = time.perf_counter_ns
    took_ns = []
    for number in range(count):
        start_ns = clock()
        call(number)
        end_ns = clock()
        took_ns.append(end_ns - start_ns)
        while clock() - end_ns < WORK_NS:
            pass
    return sorted(took_ns)


def calls(contender: Contender, kind: str, count: int, gate: Any, answers: Any) -> None:
    """In a worker: how long its calls took, with nothing taken off."""
    call = contender.call()
    gate.wait()
    timed(call, WARM_UP)
    answers.put((timed if kind == "alone" else busy)(call, count))
    contender.finish()


class CallTail(Benchmark):
    """p99, p99.9 and the worst, gross: the loop with the call, and the loop with an empty one."""

    name = "call_tail"
    title = "The call's tail, and the scheduler's"
    repeat = 3
    method = (
        "The same loop twice, around the log call and around an empty Python function with the "
        "same arguments; each call is timed alone and nothing is taken off. Once one process flat "
        "out, once four processes with 20 µs of other work between two calls."
    )

    def cells(self, plan: Plan) -> list[str]:
        return [f"{kind} {load}" for load in LOADS for kind in KINDS]

    def label(self, cell: str) -> str:
        kind, load = cell.split()
        where = {"alone": "one process flat out", "busy": "four busy processes"}[load]
        return f"{'an empty call' if kind == 'empty' else 'mplog'}, {where}"

    def axes(self, plan: Plan) -> dict[str, list[float]]:
        return {"curve_ns": list(PARTS)}

    def measure(self, cell: str, plan: Plan, logs: Path) -> Row:
        kind, load = cell.split()
        processes, contender = LOADS[load], KINDS[kind]()
        count = plan.pick(100_000, 10_000) // processes
        answers, gate = FORK.SimpleQueue(), FORK.Barrier(processes + 1)
        contender.start(logs / "app.jsonl")
        workers = [
            in_worker(calls, contender, load, count, gate, answers) for _ in range(processes)
        ]
        contender.listen()
        gate.wait()
        took_ns = sorted(took for _ in workers for took in answers.get())
        for worker in workers:
            worker.join()
        contender.stop()
        hold(contender, logs, 0 if kind == "empty" else processes * (WARM_UP + count))
        return {**tails(took_ns), "max_ns": took_ns[-1], "curve_ns": curve(took_ns)}

    def figures(self, runs: Runs) -> list[Figure]:
        return [
            Figure(
                f"{key}_{load}", f"the call's {part}, times the empty call's ({what})",
                spread_of(runs, f"mplog {load}", f"{key}_ns"), "ns",
                ratio_of(runs, f"mplog {load}", f"empty {load}", f"{key}_ns"),
                "the same loop with an empty call",
            )
            for load, what in (("alone", "one process"), ("busy", "four busy processes"))
            for key, part in (("p999", "p99.9"), ("max", "worst"))
        ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(CallTail()))

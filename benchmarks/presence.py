"""What it costs to have mplog in a program: to import, configure, attach, hold and be idle."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contenders import FORK
from delivery import in_worker
from figures import Figure, Row, Runs, Target, spread_of
from place import processes_on
from suite import Benchmark, Plan, main
from timing import percentile

WORKERS = 8
SETTLE_S = 3.0
TICK_S = 0.01
IMPORT = """
import time, msgspec
start = time.perf_counter_ns(); import mplog; print(time.perf_counter_ns() - start)
"""
CONFIGURE = """
import sys, time, mplog
start = time.perf_counter_ns(); mplog.configure(sys.argv[1]); done = time.perf_counter_ns()
mplog.get_logger("bench").info("the first event"); mplog.flush(timeout=30.0)
print(done - start, time.perf_counter_ns() - start)
mplog.shutdown()
"""
MEMORY = """
import sys, msgspec
sys.path.insert(0, sys.argv[1])
from resident import resident
if sys.argv[3]:
    import mplog
    mplog.get_logger("bench").info("user {user} logged in", user="alice")
    assert mplog.flush(timeout=30.0)
print(*resident(sys.argv[2]).values())
"""


def numbers(program: str, *arguments: str) -> list[float]:
    """What *program*, in an interpreter of its own, prints last."""
    # Users import compiled modules; compiling them each time would be measured instead.
    compiled = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    words = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True, env=compiled)
    return [float(word) for word in done.stdout.split()]


def importing(plan: Plan, logs: Path) -> Row:
    """`import mplog` where msgspec has been imported."""
    numbers(IMPORT)  # leaves the compiled modules for the others
    took_ms = sorted(numbers(IMPORT)[0] / 1e6 for _ in range(plan.pick(15, 3)))
    return {"import_ms": percentile(took_ms, 0.5), "samples": len(took_ms)}


def configuring(plan: Plan, logs: Path) -> Row:
    """`configure()` of a new service, and the way of its first event."""
    rounds = plan.pick(5, 2)
    took = [numbers(CONFIGURE, str(logs / f"{turn}" / "app.jsonl")) for turn in range(rounds)]
    returned, delivered = (sorted(ns / 1e6 for ns in column) for column in zip(*took, strict=True))
    return {
        "configure_ms": percentile(returned, 0.5),
        "first_event_ms": percentile(delivered, 0.5),
        "samples": rounds,
    }


def attach(gate: Any, answers: Any) -> None:
    """In a forked worker: claim a lane, and hold it until all have one."""
    mplog: Any = importlib.import_module("mplog")
    start_ns = time.perf_counter_ns()
    attached = mplog.attach()
    done_ns = time.perf_counter_ns()
    mplog.get_logger("bench").info("attached")
    answers.put((attached, done_ns - start_ns, time.perf_counter_ns() - done_ns))
    gate.wait()


def workers_attach(count: int, together: bool) -> tuple[list[float], list[float]]:
    """How long *count* forked workers took to attach, and for their first event, in µs."""
    answers, taken, first = FORK.SimpleQueue(), [], []
    gate = FORK.Barrier(count + 1 if together else 1)
    workers = []
    for _ in range(count):
        worker = in_worker(attach, gate, answers)
        attached, attach_ns, first_ns = answers.get()
        if not attached:
            raise SystemExit("a worker got no lane")
        taken.append(attach_ns / 1e3)
        first.append(first_ns / 1e3)
        workers.append(worker)
        if not together:
            worker.join()
    if together:
        gate.wait()
    for worker in workers:
        worker.join()
    return sorted(taken), sorted(first)


def keep(ready: Any, over: Any) -> None:
    """In a worker: be there, so that the service stays."""
    mplog: Any = importlib.import_module("mplog")
    mplog.get_logger("bench").info("kept")
    ready.set()
    over.wait()


def let_go() -> None:
    """Give this process's lane back: the child of a root process that has one claims within the
    fork, and attach() would find it there.
    """
    gate: Any = importlib.import_module("mplog.producer.gate").GATE
    gate.connection.detach()


def attaching(plan: Plan, logs: Path) -> Row:
    """Workers that hold their lanes get fresh ones; those after them, theirs again."""
    mplog: Any = importlib.import_module("mplog")
    mplog.configure(str(logs / "app.jsonl"))
    ready, over = FORK.Event(), FORK.Event()
    keeper = in_worker(keep, ready, over)
    ready.wait()
    let_go()
    fresh, first = workers_attach(WORKERS, together=True)
    time.sleep(SETTLE_S / 2)  # until the writer has ended the sessions and given the lanes back
    let_go()
    again, _ = workers_attach(WORKERS, together=False)
    over.set()
    keeper.join()
    mplog.shutdown()
    return {
        "fresh_us": percentile(fresh, 0.5), "recycled_us": percentile(again, 0.5),
        "first_call_us": percentile(first, 0.5), "samples": WORKERS,
    }  # fmt: skip


def memory(plan: Plan, logs: Path) -> Row:
    """A worker with a lane beside an interpreter that has imported msgspec alone."""
    mplog: Any = importlib.import_module("mplog")
    mplog.configure(str(logs / "app.jsonl"))
    here, segments = str(Path(__file__).parent), os.environ["MPLOG_DIR"]
    keys, rounds = ("above_bytes", "private_bytes", "lane_bytes"), plan.pick(9, 1)
    more: list[list[float]] = [[] for _ in keys]
    for _ in range(rounds):  # where the kernel puts things changes what a page holds
        without = numbers(MEMORY, here, segments, "")
        attached = numbers(MEMORY, here, segments, "attached")
        for column, a, b in zip(more, without, attached, strict=True):
            column.append((b - a) / 1e6)
    mplog.shutdown()
    found = {
        key.replace("bytes", "mb"): percentile(sorted(column), 0.5)
        for key, column in zip(keys, more, strict=True)
    }
    return {**found, "samples": rounds}


def on_core_s(pid: int) -> float:
    """CPU time of all threads of *pid*: exact from schedstat, else in ticks from stat."""
    threads = list(Path("/proc", str(pid), "task").iterdir())
    try:
        return sum(int((one / "schedstat").read_text().split()[0]) for one in threads) / 1e9
    except (OSError, IndexError):
        fields = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * TICK_S


def idling(plan: Plan, logs: Path) -> Row:
    """The share of a core that writer and supervisor use when all has come to rest."""
    mplog: Any = importlib.import_module("mplog")
    mplog.configure(str(logs / "app.jsonl"))
    mplog.get_logger("bench").info("the only event")
    if not mplog.flush(timeout=30.0):
        raise SystemExit("the event did not reach the file within 30 s")
    time.sleep(SETTLE_S)
    pids = [process.pid for process in processes_on(os.environ["MPLOG_DIR"])]
    if not pids:
        raise SystemExit("no process of the service was found")
    before_s, start_s = sum(map(on_core_s, pids)), time.monotonic()
    time.sleep(plan.pick(10, 1))
    used_s, elapsed_s = sum(map(on_core_s, pids)) - before_s, time.monotonic() - start_s
    mplog.shutdown()
    return {"idle_percent": 100 * used_s / elapsed_s, "samples": len(pids)}


CELLS: dict[str, tuple[str, Callable[[Plan, Path], Row]]] = {
    "import": ("import mplog", importing),
    "configure": ("mplog.configure()", configuring),
    "attach": ("a forked worker attaches", attaching),
    "memory": ("memory of an attached worker", memory),
    "idle": ("an idle service", idling),
}


class Presence(Benchmark):
    """The price before the first event, and between events."""

    name = "presence"
    title = "The cost of being there"
    repeat = 2
    method = (
        "import: above `import msgspec`, each in a fresh interpreter. configure(): of a new "
        "service, until it returns; the writer starts beside it. attach: mplog.attach() in a "
        f"forked worker, {WORKERS} of them alive together on fresh lanes, then as many one after "
        "the other on lanes that were given back. Memory: what the kernel counts as resident above "
        "an interpreter that has imported msgspec alone, without the mappings of the segment. "
        "Idle: the scheduler's account of the service's processes, after they have come to rest."
    )

    def cells(self, plan: Plan) -> list[str]:
        return list(CELLS)

    def label(self, cell: str) -> str:
        return CELLS[cell][0]

    def measure(self, cell: str, plan: Plan, logs: Path) -> Row:
        return CELLS[cell][1](plan, logs)

    def figures(self, runs: Runs) -> list[Figure]:
        asked = [
            ("import", "import_ms", "import mplog above import msgspec", "ms", 15),
            ("configure", "configure_ms", "configure() returns after", "ms", 5),
            ("configure", "first_event_ms", "the first event is in the file after", "ms", None),
            ("attach", "recycled_us", "a forked worker attaches on a recycled lane in", "µs", 100),
            ("attach", "fresh_us", "a forked worker attaches on a fresh lane in", "µs", 500),
            ("attach", "first_call_us", "an attached worker's first call", "µs", None),
            ("memory", "above_mb", "memory of an attached worker, besides its lane", "MB", 1.5),
            ("memory", "private_mb", "of which no other process shares", "MB", None),
            ("idle", "idle_percent", "an idle service, share of a core", "%", 0.1),
        ]
        return [
            Figure(
                key, title, spread_of(runs, cell, key), unit,
                target=Target(at_most=limit, of="value") if limit else None,
            )
            for cell, key, title, unit, limit in asked
        ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(Presence()))

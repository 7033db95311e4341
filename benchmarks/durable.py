"""A durable call, and many processes' at once, beside a write and an fdatasync alone."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from figures import Figure, Row, Runs, ratio_of, spread_of
from suite import Benchmark, Plan, main
from timing import percentile, timed

LINE = b'{"timestamp":"2026-11-22T08:00:00.123456789Z","level":"ERROR","message":"x"}' * 4 + b"\n"
CALLS, QUICK_CALLS = 1_000, 50
FORK = multiprocessing.get_context("fork")


class Durable(Benchmark):
    """Latency of a call, and how many calls share a sync."""

    name = "durable"
    title = "A call that waits for the disk"
    repeat = 3
    method = (
        "sync: one process appends a line of 305 bytes to a file and calls fdatasync, again and "
        "again. mplog_1 to mplog_50: so many processes each make durable calls (durable_level) as "
        "fast as they come back. A call's time is from its start to its return; syncs are those "
        "that the writer counts. All on the file system of --dir."
    )

    def cells(self, plan: Plan) -> list[str]:
        return ["sync", *(f"mplog_{count}" for count in (1, 8, 50))]

    def label(self, cell: str) -> str:
        count = cell.partition("_")[2]
        return f"mplog, {count} processes" if count else "write + fdatasync, one process"

    def measure(self, cell: str, plan: Plan, logs: Path) -> Row:
        calls = plan.pick(CALLS, QUICK_CALLS)
        if cell == "sync":
            return summed(of_sync(logs / "plain", calls), 1, calls)
        return of_mplog(logs / "app.jsonl", int(cell.partition("_")[2]), calls)

    def figures(self, runs: Runs) -> list[Figure]:
        many = ratio_of(runs, "mplog_50", "sync", "calls_per_s")
        alone = ratio_of(runs, "mplog_1", "sync", "p50_ns")
        shared = spread_of(runs, "mplog_50", "calls_per_sync")
        call, sync = (spread_of(runs, one, "p50_ns") for one in ("mplog_1", "sync"))
        beside = "write + fdatasync"
        return [
            Figure("sync_p50", "write + fdatasync alone, median", sync, "ns"),
            Figure("call_p50", "a durable call, median", call, "ns", alone, beside),
            Figure(
                "together", "durable calls a second of 50 processes",
                spread_of(runs, "mplog_50", "calls_per_s"), "/s", many, beside,
            ),
            Figure("shared", "calls of 50 processes that share a sync", shared, "calls"),
        ]  # fmt: skip


def summed(times_ns: list[int], processes: int, calls: int) -> Row:
    """What one cell has shown."""
    in_order = sorted(times_ns)
    return {
        "samples": len(in_order),
        "processes": processes,
        "p50_ns": percentile(in_order, 0.5),
        "p99_ns": percentile(in_order, 0.99),
        "calls_per_s": processes * calls / (sum(times_ns) / processes / 1e9),
    }


def of_sync(path: Path, calls: int) -> list[int]:
    """Each time of a write with its sync, ns."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def once(number: int) -> None:
        os.write(fd, LINE)
        os.fdatasync(fd)

    once(0)
    times = timed(once, calls)
    os.close(fd)
    return times


def of_mplog(path: Path, processes: int, calls: int) -> Row:
    """The same of durable calls, each process *calls* divided by their number."""
    import mplog
    from mplog.producer.gate import GATE

    mplog.configure(str(path), durable_level="ERROR", durable_timeout="1 min", rotation="off")
    log = mplog.get_logger("bench")
    if not log.error("first"):
        raise SystemExit("the first event did not reach the disk within a minute")
    each = max(calls // processes, 5)
    gate, results = FORK.Barrier(processes), FORK.Queue()

    def work() -> None:
        times: list[int] = []
        missed = 0
        gate.wait()
        for n in range(each):
            began = time.perf_counter_ns()
            missed += not log.error("order {n} of {town}", n=n, town="Turin")
            times.append(time.perf_counter_ns() - began)
        results.put((times, missed))

    connection = GATE.connection
    assert connection is not None
    before = counted(connection, "syncs")
    found = run_all(work, processes, results)
    syncs = counted(connection, "syncs") - before
    row = summed([ns for times, _ in found for ns in times], processes, each)
    row["calls_per_sync"] = processes * each / max(syncs, 1)
    row["lost"] = sum(missed for _, missed in found)
    return row


def run_all(work: Callable[[], None], processes: int, results: Any) -> list[Any]:
    """Run *work* in so many processes; what each has put into *results*."""
    workers = [FORK.Process(target=work) for _ in range(processes)]
    for one in workers:
        one.start()
    found = [results.get(timeout=300) for _ in workers]
    for one in workers:
        one.join()
    return found


def counted(connection: Any, name: str) -> int:
    """A counter of the service."""
    from mplog import _native

    reader = _native.Reader(connection.directory, connection.service, False, 1 << 16)
    return int(reader.counters()[name])


if __name__ == "__main__":
    sys.exit(main(Durable()))

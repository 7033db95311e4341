"""How long a shutdown takes with events pending: `mplog.shutdown()` of the process that has made
the service, and SIGTERM to `mplog serve`, each with a file that is well, alone and beside a sink.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from figures import Figure, Row, Runs, Target, spread_of
from suite import Benchmark, Plan, main
from timing import percentile

import mplog
from mplog._native import Reader
from mplog.ring import presence, services

EVENTS = 10_000
LIMIT_MS = 100
SINK: list[dict[str, Any]] = [{"type": "null", "queue": 2 * EVENTS}]


def stopped_writer(service: mplog.Service) -> int:
    """The writer's pid, once it has delivered an event and stands still."""
    mplog.get_logger("shutdown").info("first")
    if not mplog.flush(30.0):
        raise SystemExit("the first event did not reach the file within 30 s")
    reader = Reader(os.environ["MPLOG_DIR"], service.name, False, 1 << 16)
    reader.scan(None)
    os.kill(reader.writer_pid, signal.SIGSTOP)
    return reader.writer_pid


def log_events() -> None:
    """What is pending when the shutdown begins."""
    log = mplog.get_logger("shutdown")
    for number in range(EVENTS):
        log.info("event {number} of a process that ends", number=number)


def own(path: Path, sinks: list[dict[str, Any]]) -> float:
    """Seconds that `mplog.shutdown()` takes."""
    writer = stopped_writer(mplog.configure(str(path), when_full="overflow", sinks=sinks or None))
    log_events()
    os.kill(writer, signal.SIGCONT)
    began_s = time.perf_counter()
    report = mplog.shutdown(30.0)
    took_s = time.perf_counter() - began_s
    if report.left or report.dropped or any(sink.queued or sink.dropped for sink in report.sinks):
        raise SystemExit(f"the shutdown has left or lost something: {report}")
    return took_s


def served(path: Path, sinks: list[dict[str, Any]]) -> float:
    """Seconds from SIGTERM to the end of `mplog serve`."""
    config = path.with_suffix(".toml")
    tables = "".join(f'[[sinks]]\ntype = "{s["type"]}"\nqueue = {s["queue"]}\n' for s in sinks)
    config.write_text(f'file = "{path}"\nwhen_full = "overflow"\n{tables}', encoding="utf-8")
    command = [sys.executable, "-m", "mplog", "serve", "--config", str(config)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as server:
        assert server.stderr is not None
        server.stderr.readline()
        writer = stopped_writer(mplog.configure(str(path), when_full="overflow"))
        log_events()
        mplog.shutdown(mode="immediate")
        ended = os.pidfd_open(server.pid)  # Popen.wait() with a time-out polls, 50 ms apart
        began_s = time.perf_counter()
        server.terminate()
        os.kill(writer, signal.SIGCONT)
        if not select.select([ended], [], [], 30.0)[0]:
            raise SystemExit("mplog serve has not ended within 30 s")
        took_s = time.perf_counter() - began_s
        os.close(ended)
    return took_s


def measured(take: Any, sinks: list[dict[str, Any]], plan: Plan, logs: Path) -> Row:
    """The median and the worst of some rounds, each with a service of its own."""
    took_ms = []
    for turn in range(plan.pick(5, 1)):
        path = logs / f"{turn}" / "app.jsonl"
        path.parent.mkdir()
        took_ms.append(take(path, sinks) * 1e3)
        lines = path.read_bytes().count(b"\n")
        if lines < EVENTS:
            raise SystemExit(f"{lines:,} lines are in the file, of {EVENTS:,} events")
        memory = os.environ["MPLOG_DIR"]
        while any(presence(memory, name) for name in services(memory)):
            time.sleep(0.01)
    took_ms.sort()
    return {
        "shutdown_ms": percentile(took_ms, 0.5),
        "worst_ms": took_ms[-1],
        "samples": len(took_ms),
    }


CELLS: dict[str, tuple[str, Any, list[dict[str, Any]]]] = {
    "own": ("mplog.shutdown()", own, []),
    "served": ("SIGTERM to the end of mplog serve", served, []),
    "own_sink": ("mplog.shutdown(), with a sink beside the file", own, SINK),
    "served_sink": ("SIGTERM to the end of mplog serve, with a sink", served, SINK),
}


class Shutdown(Benchmark):
    """From the wish to the end."""

    name = "shutdown"
    title = "A shutdown"
    repeat = 3
    method = (
        f"{EVENTS:,} events are pending: the writer was stopped while they were logged, and goes "
        "on when the shutdown begins. Everything is in the file at its end, and with the sink "
        "that does nothing (decoded, queued, given to it by its thread). serve: "
        "until its process is gone. The median of five rounds, each a service of its own."
    )

    def cells(self, plan: Plan) -> list[str]:
        return list(CELLS)

    def label(self, cell: str) -> str:
        return CELLS[cell][0]

    def measure(self, cell: str, plan: Plan, logs: Path) -> Row:
        return measured(*CELLS[cell][1:], plan, logs)

    def figures(self, runs: Runs) -> list[Figure]:
        return [
            Figure(
                cell, f"{title}, {EVENTS:,} events pending",
                spread_of(runs, cell, "shutdown_ms"), "ms",
                target=None if sinks else Target(at_most=LIMIT_MS, of="value"),
            )
            for cell, (title, _, sinks) in CELLS.items()
        ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(Shutdown()))

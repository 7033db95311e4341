"""How long a shutdown takes with events pending: `mplog.shutdown()` of a process, and SIGTERM to
`mplog serve`, each with a file that is well.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import mplog
from mplog._native import Reader
from mplog.ring import presence

LIMIT_S = 0.1


def pending(directory: str, events: int) -> tuple[float, int]:
    """Seconds that a shutdown takes with so many events that the writer has not looked at, and how
    many it has delivered.
    """
    service = mplog.configure(f"{directory}/app.jsonl", when_full="overflow")
    log = mplog.get_logger("shutdown")
    log.info("first")
    mplog.flush(10)
    reader = Reader(os.environ["MPLOG_DIR"], service.name, False, 1 << 16)
    reader.scan(None)
    os.kill(reader.writer_pid, signal.SIGSTOP)
    for number in range(events):
        log.info("event {number} of a process that ends", number=number)
    os.kill(reader.writer_pid, signal.SIGCONT)
    began = time.perf_counter()
    report = mplog.shutdown(10)
    return time.perf_counter() - began, report.delivered - 1


def served(directory: str, events: int) -> float:
    """Seconds from SIGTERM to the end of `mplog serve`, with so many events pending."""
    path = f"{directory}/served.jsonl"
    command = [sys.executable, "-m", "mplog", "serve", "--log", path]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as server:
        assert server.stderr is not None
        server.stderr.readline()
        service = mplog.configure(path, when_full="overflow")
        log = mplog.get_logger("shutdown")
        log.info("first")
        mplog.flush(10)
        reader = Reader(os.environ["MPLOG_DIR"], service.name, False, 1 << 16)
        reader.scan(None)
        writer = reader.writer_pid
        os.kill(writer, signal.SIGSTOP)
        for number in range(events):
            log.info("event {number} of a process that ends", number=number)
        mplog.shutdown(mode="immediate")
        began = time.perf_counter()
        server.terminate()
        os.kill(writer, signal.SIGCONT)
        server.wait(30)
        took_s = time.perf_counter() - began
    if Path(path).read_bytes().count(b"\n") < events:
        raise SystemExit("the file lacks events")
    return took_s


def main() -> int:
    """Print both; 1 where the median is not under LIMIT_S."""
    parser = argparse.ArgumentParser(description="time of a shutdown with events pending")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--events", type=int, default=10_000)
    args = parser.parse_args()
    mine, theirs = [], []
    for _ in range(args.rounds):
        with tempfile.TemporaryDirectory(prefix="mplog-shutdown-") as name:
            os.environ["MPLOG_DIR"] = f"{name}/shm"
            took_s, delivered = pending(name, args.events)
            if delivered != args.events:
                raise SystemExit(f"{delivered:,} of {args.events:,} events are delivered")
            mine.append(took_s)
            while any(presence(os.environ["MPLOG_DIR"], one) for one in _services()):
                time.sleep(0.01)
            theirs.append(served(name, args.events))
    for what, took in (("mplog.shutdown()", mine), ("SIGTERM to mplog serve", theirs)):
        median_ms, slowest_ms = statistics.median(took) * 1e3, max(took) * 1e3
        print(f"{what}, {args.events:,} events pending, {args.rounds} rounds:")
        print(f"  median {median_ms:.1f} ms, slowest {slowest_ms:.1f} ms")
    return int(max(statistics.median(mine), statistics.median(theirs)) >= LIMIT_S)


def _services() -> list[str]:
    from mplog.ring import services

    return services(os.environ["MPLOG_DIR"])


if __name__ == "__main__":
    sys.exit(main())

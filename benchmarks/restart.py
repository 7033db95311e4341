"""How long nobody writes after a writer was killed: from SIGKILL until its successor has committed
a batch, under load, with a small and with a large backlog behind a writer that stood still.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

import mplog
from mplog._native import Reader

PRODUCERS = 2
LIMIT_S = 30.0


def load(stop: Path) -> None:
    """Log without a pause."""
    log = mplog.get_logger("restart")
    number = 0
    while not stop.exists():
        for _ in range(200):
            number += 1
            log.info("event {number} of a process under load", number=number)


def killed(reader: Reader, backlog_s: float) -> tuple[float, int]:
    """Kill the writer, after it has stood still for a while: seconds until a batch is committed
    again, and how many bytes waited.
    """
    pid = reader.writer_pid
    os.kill(pid, signal.SIGSTOP)
    time.sleep(backlog_s)
    waiting, done = reader.pending(), reader.done
    began = time.perf_counter()
    os.kill(pid, signal.SIGKILL)
    while reader.done == done or reader.writer_pid == pid:
        if time.perf_counter() - began > LIMIT_S:
            raise SystemExit(f"no writer has come back in {LIMIT_S:.0f} s")
        time.sleep(0.0005)
    return time.perf_counter() - began, waiting


def main() -> int:
    """Print both; 1 when a writer took a second or longer."""
    parser = argparse.ArgumentParser(description="time without a writer after a kill")
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="mplog-restart-") as name:
        stop = Path(name, "stop")
        files = [{"file": f"{name}/other.jsonl", "file_level": "ERROR"}]
        service = mplog.configure(
            f"{name}/app.jsonl", files=files, when_full="overflow", overflow="1 GB"
        )
        mplog.get_logger("restart").info("first")
        mplog.flush()
        pids = []
        for _ in range(PRODUCERS):
            if not (pid := os.fork()):
                load(stop)
                os._exit(0)
            pids.append(pid)
        reader = Reader(os.environ["MPLOG_DIR"], service.name, False, 1 << 16)
        reader.scan(None)
        slowest = 0.0
        for backlog_s in (0.0, 1.0):
            times, waiting = zip(*[killed(reader, backlog_s) for _ in range(rounds)], strict=True)
            slowest = max(slowest, *times)
            print(
                f"{statistics.median(waiting) / 1e6:8.1f} MB waiting: back after "
                f"{statistics.median(times) * 1e3:.0f} ms, at most {max(times) * 1e3:.0f} ms"
            )
        stop.touch()
        for pid in pids:
            os.waitpid(pid, 0)
        mplog.shutdown(60)
    return int(slowest >= 1.0)


if __name__ == "__main__":
    sys.exit(main())

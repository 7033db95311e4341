"""The shortest proof that an installed mplog works: two processes, one file, nothing lost.

Run by `make smoke` on every CPython there is; needs nothing but mplog itself.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

EVENTS = 1_000


def log_as(name: str) -> None:
    """What both processes do; the child has no call of its own but this."""
    import mplog

    log = mplog.get_logger(name)
    for number in range(EVENTS):
        if not log.info("event {number} of {who}", number=number, who=name):
            raise SystemExit(f"event {number} of {name} was not accepted")


def prove(path: Path) -> str:
    """Log from here and from a spawned child, then read the file back."""
    import mplog

    mplog.configure(str(path), when_full="block")
    child = multiprocessing.get_context("spawn").Process(target=log_as, args=("child",))
    child.start()
    log_as("parent")
    child.join(60)
    if child.exitcode != 0:
        raise SystemExit(f"the child ended with {child.exitcode}")
    if not mplog.flush(timeout=30.0):
        raise SystemExit("flush ran into its time-out")
    report = mplog.shutdown(timeout=30.0)

    verify = [sys.executable, "-m", "mplog", "verify", str(path)]
    done = subprocess.run(verify, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise SystemExit(f"verify exits {done.returncode}:\n{done.stdout}{done.stderr}")

    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for name in ("parent", "child"):
        numbers = [line["number"] for line in lines if line.get("who") == name]
        if numbers != list(range(EVENTS)):
            raise SystemExit(f"{name}: {len(numbers)} of {EVENTS} events, or not in order")
    return f"{2 * EVENTS} events of 2 processes in one file, verified ({report})"


def main() -> None:
    """Work in directories of its own, in shared memory too, and remove both."""
    shared = "/dev/shm" if os.path.isdir("/dev/shm") else None
    memory = tempfile.mkdtemp(prefix="mplog-smoke-", dir=shared)
    logs = tempfile.mkdtemp(prefix="mplog-smoke-")
    os.environ["MPLOG_DIR"] = memory
    try:
        print(f"{platform.python_version()}: {prove(Path(logs) / 'smoke.jsonl')}")
    finally:
        shutil.rmtree(logs, ignore_errors=True)
        shutil.rmtree(memory, ignore_errors=True)


if __name__ == "__main__":
    main()

"""What an idle service costs: the share of a core that its writer and supervisor use.

One event is logged and delivered; when the service has come to rest, the time its processes spend
on a core is read from the kernel's scheduler, before and after.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path
from typing import Any

from place import private_place, processes_on

TARGET_PERCENT = 0.2
SETTLE_S = 3.0
TICK_S = 0.01


def on_core_s(pid: int) -> float:
    """CPU time of all threads of *pid*: exact from schedstat, else in ticks from stat."""
    threads = list(Path("/proc", str(pid), "task").iterdir())
    try:
        return sum(int((one / "schedstat").read_text().split()[0]) for one in threads) / 1e9
    except (OSError, IndexError):
        fields = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * TICK_S


def main() -> int:
    """Print the share; 1 when it is over the target."""
    parser = argparse.ArgumentParser(description="CPU use of an idle service")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--target", type=float, default=TARGET_PERCENT, help="percent of a core")
    options = parser.parse_args()

    mplog: Any = importlib.import_module("mplog")
    with private_place() as (logs, memory):
        mplog.configure(str(logs / "app.jsonl"), when_full="block")
        mplog.get_logger("idle").info("the only event")
        if not mplog.flush(timeout=10.0):
            raise SystemExit("the event did not reach the file within 10 s")
        time.sleep(SETTLE_S)
        pids = [process.pid for process in processes_on(memory)]
        if not pids:
            raise SystemExit("no process of the service was found")
        before, start_s = {pid: on_core_s(pid) for pid in pids}, time.monotonic()
        time.sleep(options.seconds)
        elapsed_s = time.monotonic() - start_s
        used = {pid: 100 * (on_core_s(pid) - before[pid]) / elapsed_s for pid in pids}
        mplog.shutdown(timeout=10.0)

    total = sum(used.values())
    each = ", ".join(f"{pid}: {percent:.3f} %" for pid, percent in used.items())
    print(f"idle: {total:.3f} % of a core over {elapsed_s:.0f} s ({each})")
    print(f"target: {options.target} %")
    return 1 if total > options.target else 0


if __name__ == "__main__":
    sys.exit(main())

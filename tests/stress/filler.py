"""Fills the small file system that the log lies on while workers log, and makes room again.

Run by the tests as a process of its own; prints what it saw.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from cutter import until
from fleet import Fleet, Prey, produce
from oracle import Ledger

import mplog

WORKERS = 3
REFUSALS = 2_000  # of each, a millisecond apart at least: on a busy machine three


def fill(ballast: Path) -> None:
    """Write until there is no room for one more byte."""
    with ballast.open("ab", buffering=0) as file:
        for block in (b"x" * 65_536, b"x"):
            try:
                while True:
                    file.write(block)
            except OSError:
                continue


def main(file: str, when_full: str, events: int) -> dict[str, Any]:
    """Workers log *events* each while the disk is full; then room is made, and they log on."""
    log_file, ballast = Path(file), Path(file).with_name("ballast")
    service = mplog.configure(
        log_file, when_full=when_full, retention="all", rotation="off", block_timeout="120 s"
    )
    ledger = Ledger(16)
    prey = Prey(os.environ["MPLOG_DIR"], service.name)
    fleet = Fleet(ledger, lambda k: produce(ledger, k, events, 16, 100, gives_up_after=REFUSALS))
    first = Fleet(ledger, lambda k: produce(ledger, 0, 100, 0, 100))
    first.start()
    first.reap(wait=True)
    until(lambda: prey.counters().get("events", 0) == 100)
    fill(ballast)
    for _ in range(WORKERS):
        fleet.start()
    until(lambda: prey.counters()["errors"] > 0)
    fleet.reap(wait=True)
    stuck = prey.counters()
    ballast.unlink()
    roomy = time.monotonic()
    until(lambda: prey.counters()["events"] > stuck["events"])
    resumed_s = time.monotonic() - roomy
    mplog.shutdown(60.0)
    until(lambda: not list(Path(os.environ["MPLOG_DIR"]).glob("*.bell")))
    told = {"exits": fleet.exits, "resumed_s": resumed_s, "errors": stuck["errors"]}
    return {"rows": fleet.rows(), **told}


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))

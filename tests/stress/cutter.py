"""Cuts the segment of one service to nothing while a second service works beside it.

Run by the tests as a process of its own; prints what became of everybody.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fleet import Fleet, Prey, produce
from oracle import Ledger

import mplog
from mplog import _native

CUT, OTHER, FRESH = 1, 2, 3
DEADLINE_S = 60.0


def until(predicate: Callable[[], Any]) -> None:
    """Wait for *predicate*; not for ever."""
    deadline = time.monotonic() + DEADLINE_S
    while not predicate():
        assert time.monotonic() < deadline, f"waited in vain ({predicate.__code__.co_firstlineno})"
        time.sleep(0.01)


def main(cut: str, other: str) -> dict[str, Any]:
    """Worker 1 logs to *cut*, 2 to *other*; after the cut and the end of all, 3 to *cut* again."""
    ledger, directory = Ledger(8), Path(os.environ["MPLOG_DIR"])

    def work(producer: int) -> None:
        mplog.configure(other if producer == OTHER else cut)
        produce(ledger, producer, 10 if producer == FRESH else 1 << 60, 8, 100)

    fleet = Fleet(ledger, work)
    fleet.start()
    fleet.start()
    until(lambda: min(ledger.row(CUT).accepted, ledger.row(OTHER).accepted) > 50)
    name = next(directory.glob("cut.jsonl-*.bell")).name.partition(f".{_native.ABI}.bell")[0]
    prey = Prey(str(directory), name)
    until(lambda: prey.counters().get("events", 0) > 50)
    os.truncate(directory / f"{name}.{_native.ABI}.0.ring", 0)
    reached = ledger.row(OTHER).accepted
    until(lambda: ledger.row(OTHER).accepted > reached + 500)
    ledger.ask_to_stop()
    fleet.reap(wait=True)
    until(lambda: not list(directory.glob("*.bell")))
    ends, fleet.exits, fleet.ledger.stop = fleet.exits, {}, False
    fleet.start()
    fleet.reap(wait=True)
    until(lambda: not list(directory.glob("*.bell")))
    left = sorted(path.name for path in directory.iterdir())
    told = {"ends": ends, "fresh": fleet.exits, "left": left}
    return {"rows": fleet.rows(), **told}


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))

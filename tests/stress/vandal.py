"""A process that ruins its own lane, or the file its lane lies in, while others go on logging.

Run by the tests as a process of its own; prints what became of everybody.
"""

from __future__ import annotations

import json
import mmap
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

from fleet import Fleet, Prey, produce
from oracle import Ledger, body

import mplog
from mplog import _native
from mplog.producer.gate import GATE

CONTROL, DATA = 4096, 1 << 20
EPOCH = 1152  # of the words epoch and capacity: native/tests/layout_offsets.c holds it
VANDALS = 1_000_000  # producers from here on are not held to anything


def segment_file(service: str) -> Path:
    """Where this process's own lane lies."""
    producer = GATE.connection.producer
    return Path(os.environ["MPLOG_DIR"], f"{service}.{_native.ABI}.{producer.segment}.ring")


def ruin(service: str, seed: int) -> None:
    """Log, then write random bytes over this process's own control page and data, then log on."""
    dice = random.Random(seed)
    log = mplog.get_logger("stress")
    for n in range(1, 4):
        log.info("{body}", producer=VANDALS, n=n, body=body(0, n))
    producer = GATE.connection.producer
    path, lane = segment_file(service), producer.lane
    with path.open("r+b") as file:
        memory = mmap.mmap(file.fileno(), 0)
    lanes = int.from_bytes(memory[20:24], "little")
    control, data = CONTROL * (1 + lane), CONTROL * (1 + lanes) + DATA * lane
    for _ in range(dice.randrange(1, 30)):
        length = dice.choice([1, 4, 8, 64, 512])
        at = dice.choice([control, control, data]) + dice.randrange(0, CONTROL - length)
        memory[at : at + length] = dice.choice(
            [dice.randbytes(length), bytes(length), b"\xff" * length]
        )
        log.info("{body}", producer=VANDALS, n=1, body="x")


def ruin_for_sure(service: str, damage: str) -> None:
    """Words that no reading can make right: a tail far beyond the end, or a lane without a size."""
    log = mplog.get_logger("stress")
    log.info("{body}", producer=VANDALS, n=1, body="x")
    mplog.flush(30.0)
    with segment_file(service).open("r+b") as file:
        memory = mmap.mmap(file.fileno(), 0)
    control = CONTROL * (1 + GATE.connection.producer.lane)
    if damage == "tail":
        memory[control + 8 : control + 16] = b"\x7f" * 8
    else:
        memory[control + EPOCH : control + EPOCH + 8] = bytes(8)
        log.info("{body}", producer=VANDALS, n=2, body="x")
    deadline = time.monotonic() + 30.0
    while not GATE.connection.producer.quarantined and time.monotonic() < deadline:
        time.sleep(0.01)
    # Its next events go to another lane, and arrive.
    for n in range(1, 11):
        log.info("{body}", producer=VANDALS, n=n, body="after the quarantine")


def beside_vandals(arguments: dict[str, Any]) -> dict[str, Any]:
    """Three honest workers, and one vandal a seed, one after the other."""
    service = mplog.configure(arguments["file"], retention="all", block_timeout="5 s")
    prey = Prey(os.environ["MPLOG_DIR"], service.name)
    ledger = Ledger(64)
    honest = Fleet(ledger, lambda k: produce(ledger, k, 1 << 60, 8, 100))
    for _ in range(3):
        honest.start()
    vandals = Fleet(ledger, lambda k: vandalise(service.name, arguments, k))
    settled, writers = _tick(), {prey.writer_pid()}
    for _ in range(arguments["vandals"]):
        vandals.start()
        vandals.reap(wait=True)
        settled = settled and _tick()
        writers.add(prey.writer_pid())
    ledger.ask_to_stop()
    honest.reap(wait=True)
    counters = prey.counters()
    mplog.shutdown(30.0)
    rows = {p: row for p, row in honest.rows().items() if p}
    told = {"exits": honest.exits, "vandal_exits": vandals.exits, "settled": settled}
    return {"rows": rows, "counters": counters, "writers": sorted(writers - {0}), **told}


def _tick() -> bool:
    """An event of this program itself; whether it reached the file."""
    return mplog.get_logger("tick").info("tick") and mplog.flush(30.0)


def vandalise(service: str, arguments: dict[str, Any], life: int) -> None:
    """One vandal's life."""
    if arguments["damage"] != "random":
        ruin_for_sure(service, arguments["damage"])
    else:
        ruin(service, arguments["seed"] + life)


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    print(json.dumps(beside_vandals(given)))

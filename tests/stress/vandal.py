"""A process that ruins its own lane, or the file its lane lies in, while others go on logging.

Run by the tests as a process of its own; prints what became of everybody.
"""

from __future__ import annotations

import json
import mmap
import os
import random
import struct
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

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


# What a record's len, epoch, seq, payload_len and flags are, given the right ones.
FORGED = {
    "too short": lambda r: r._replace(len=32),
    "of odd length": lambda r: r._replace(len=65),
    "longer than the lane": lambda r: r._replace(len=0x7FFF_FFF8),
    "with more inside than it has": lambda r: r._replace(payload=0xFFFF_FFFF),
    "of a session that is not": lambda r: r._replace(epoch=r.epoch + 7),
    "with a number again": lambda r: r._replace(seq=1),
    "with a number far ahead": lambda r: r._replace(seq=1 << 63),
    "that tells of a gap and is empty": lambda r: r._replace(payload=0, len=40, flags=16),
}
CERTAIN = ["tail", "rewound", "size", *FORGED]


class Record(NamedTuple):
    """The head of a record; native/tests/layout_offsets.c holds where its words are."""

    len: int
    epoch: int
    seq: int
    payload: int
    flags: int = 0

    def bytes(self) -> bytes:
        """As it stands in a lane; of the present."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC), time.time_ns()
        level, event = 20, 0
        words = self.len, self.epoch, self.seq, *now, self.payload, level, event, self.flags
        return struct.pack("<IIQQQIBBH", *words)


def ruin_for_sure(service: str, damage: str) -> None:
    """What no reading can make right: positions, a lane without a size, a forged record."""
    log = mplog.get_logger("stress")
    log.info("{body}", producer=VANDALS, n=1, body="x")
    mplog.flush(30.0)
    with segment_file(service).open("r+b") as file:
        memory = mmap.mmap(file.fileno(), 0)
    lane, lanes = GATE.connection.producer.lane, int.from_bytes(memory[20:24], "little")
    control = CONTROL * (1 + lane)
    tail = int.from_bytes(memory[control + 8 : control + 16], "little")
    if damage == "tail":
        memory[control + 8 : control + 16] = b"\x7f" * 8
    elif damage == "rewound":
        memory[control : control + 16] = (tail - 64).to_bytes(8, "little") * 2
    elif damage == "size":
        memory[control + EPOCH : control + EPOCH + 8] = bytes(8)
        log.info("{body}", producer=VANDALS, n=2, body="x")
    else:
        epoch, capacity = struct.unpack_from("<II", memory, control + EPOCH)
        forged = FORGED[damage](Record(64, epoch, 2, 24)).bytes()
        at = CONTROL * (1 + lanes) + DATA * lane + tail % capacity
        assert tail % capacity + 64 <= capacity
        memory[at : at + len(forged)] = forged
        memory[control : control + 16] = (tail + 64).to_bytes(8, "little") * 2
    deadline = time.monotonic() + 30.0
    while not GATE.connection.producer.quarantined:
        assert time.monotonic() < deadline, f"nobody minds: {damage}"
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
    damages = arguments["damages"]
    if damages:
        ruin_for_sure(service, damages[life % len(damages)])
    else:
        ruin(service, arguments["seed"] + life)


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    print(json.dumps(beside_vandals(given)))

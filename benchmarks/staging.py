"""What the second staging area gives a saturated writer: the next batch is made while a thread
writes the last one. The same writer with it and without it, by turns, behind one or two processes
that publish ready events without a pause and wait where their lane is full; then what waits is
written with nobody beside.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path

from writer_cpu import payload

from mplog._native import BLOCK, Journal, Producer, Reader, bell_create
from mplog.config import Settings
from mplog.config.rotation import Rotation
from mplog.files.active import ActiveFile
from mplog.format import formatter
from mplog.writer import ahead
from mplog.writer.loop import Loop
from mplog.writer.state import ARENA_BYTES, LARGEST_STAGING, FileSink, Job, Signals

SERVICE = "bench"
EVENTS = 600_000
LANE = 4_000  # so many events wait in each lane where nobody logs any more
LANES = 128
NEVER = 1 << 40


def produce(directory: str, count: int, start: Barrier) -> None:
    """Publish, and wait where there is no room."""
    producer = Producer(directory, SERVICE, "bench")
    producer.set_policy(BLOCK, 60_000_000_000, 1 << 16)
    producer.attach()
    ready = [payload(number) for number in range(1_000)]
    start.wait()
    for _ in range(count // len(ready)):
        for one in ready:
            producer.publish(20, one)
    os._exit(0)


def job_in(place: Path, log: Path) -> Job:
    """A writer without a supervisor."""
    reader = Reader(str(place), SERVICE, True, ARENA_BYTES)
    journal = Journal(str(place), SERVICE, LARGEST_STAGING)
    reader.scan(journal)
    file = ActiveFile(log, 0o600)
    journal.set_file(file.dev, file.ino, 0, 0)
    settings = Settings(file=str(log), rotation=Rotation())
    sink = FileSink(0, settings, log, formatter("json"), file, ranges={})
    return Job(place, SERVICE, settings, reader, journal, [sink], Signals(), None)


def lines_in(log: Path) -> int:
    """How many events stand in the file."""
    with log.open("rb") as file:
        return sum(b"logged in from" in line for line in file)


def with_producers(place: Path, log: Path, count: int, *, two: bool, processes: int) -> float:
    """Events a second until the last one is in the file."""
    bell_create(str(place), SERVICE, b"{}")
    context = multiprocessing.get_context("fork")
    start = context.Barrier(processes + 1)
    each = count // processes
    children = [
        context.Process(target=produce, args=(str(place), each, start)) for _ in range(processes)
    ]
    for child in children:
        child.start()
    ahead.LARGE_BYTES = 256 << 10 if two else NEVER
    loop = Loop(job_in(place, log))
    start.wait()
    rate = until(loop, each * processes)
    for child in children:
        child.join()
    return rate


def alone(place: Path, log: Path, *, two: bool) -> float:
    """The same of what waits already."""
    bell_create(str(place), SERVICE, b"{}")
    producers = [Producer(str(place), SERVICE, "bench") for _ in range(LANES)]
    ready = [payload(number) for number in range(LANE)]
    for producer in producers:
        producer.attach()
        for one in ready:
            producer.publish(20, one)
    ahead.LARGE_BYTES = 256 << 10 if two else NEVER
    rate = until(Loop(job_in(place, log)), LANE * LANES)
    for producer in producers:
        producer.detach(True)
    return rate


def until(loop: Loop, count: int) -> float:
    """Run passes until so many events are in the file: events a second."""
    began = time.perf_counter()
    wanted = loop.job.reader.counters()["events"] + count
    while loop.job.reader.counters()["events"] < wanted:
        loop._pass()
    return count / (time.perf_counter() - began)


def main() -> int:
    """Print the rates and their ratios, turn by turn."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--logs", default="/dev/shm", help="where the log files are written")
    chosen = parser.parse_args()
    for processes in (0, 1, 2):
        ratios, rates = [], {False: [], True: []}
        for turn in range(chosen.rounds):
            rate = {}
            for two in (False, True) if turn % 2 else (True, False):
                with (
                    tempfile.TemporaryDirectory(dir="/dev/shm", prefix="mplog-bench-") as name,
                    tempfile.TemporaryDirectory(dir=chosen.logs, prefix="mplog-bench-") as logs,
                ):
                    os.chmod(name, 0o700)
                    place, log = Path(name), Path(logs, "app.jsonl")
                    if processes:
                        rate[two] = with_producers(
                            place, log, chosen.events, two=two, processes=processes
                        )
                    else:
                        rate[two] = alone(place, log, two=two)
                    rates[two].append(rate[two])
            ratios.append(rate[True] / rate[False])
        who = f"{processes} producers" if processes else "a backlog"
        one, both = (statistics.median(rates[two]) for two in (False, True))
        print(
            f"{who}: one area {one:,.0f} events/s, two {both:,.0f}; "
            f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Several processes log flat out until the last byte is in the file; then every line is read back.

The time is that of the files as a process of its own sees them grow, looking every 5 ms: from the
first call until they hold the last event's last byte. Each (process, number) must be there once and
whole.
"""

from __future__ import annotations

import os
import re
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from contender import Contender
from contenders import FIRST, FORK
from figures import Row

POLL_S = 0.005
EVENT = re.compile(
    rb'^\{.*"message": ?"user alice logged in from 10\.0\.0\.1".*"attempt": ?(\d+),'
    rb'.*"process\.pid": ?(\d+).*\}$'
)
# In lines that no worker has logged: mplog's own, and the one that shows its writer to be running.
NO_WORKERS = (b'"event_name"', FIRST.encode())


def in_worker(work: Callable[..., None], *args: object) -> Any:
    """A forked process that runs *work*."""
    process = FORK.Process(target=work, args=args)
    with warnings.catch_warnings():
        # Some contenders have a thread by now; their manuals tell people to fork all the same.
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    return process


def log_flat_out(contender: Contender, count: int, gate: Any, answers: Any) -> None:
    """In a worker: wait for the others, then log without a pause."""
    call = contender.call()
    gate.wait()
    first_ns = time.perf_counter_ns()
    contender.flat_out(call, count)
    answers.put((first_ns, time.perf_counter_ns()))
    contender.finish()


def watch(directory: str, ending: Any, answers: Any) -> None:
    """In a process of its own: when the files together had grown to which size."""
    seen = [(0, 0)]
    while True:
        last_look = ending.is_set()
        with os.scandir(directory) as entries:
            try:
                total = sum(e.stat().st_size for e in entries if e.name.startswith("app"))
            except FileNotFoundError:  # renamed between the listing and the look
                continue
        if total != seen[-1][1]:
            seen.append((time.perf_counter_ns(), total))
        if last_look:
            break
        time.sleep(POLL_S)
    answers.put(seen)


def log_files(directory: Path) -> list[Path]:
    """The log and its archives, oldest write first."""
    return sorted(directory.glob("app*"), key=lambda path: path.stat().st_mtime_ns)


def lines_of(directory: Path) -> Iterator[bytes]:
    """Every line of all files, in the order of the files."""
    for path in log_files(directory):
        with path.open("rb") as lines:
            yield from lines


def hold(contender: Contender, directory: Path, expected: int) -> None:
    """See that the calls were logged: who is faster because it drops is not faster.

    Raises:
        SystemExit: the files of a contender that promises to keep every line have fewer.
    """
    found = sum(1 for line in lines_of(directory) if not any(word in line for word in NO_WORKERS))
    if contender.safe and found != expected:
        raise SystemExit(f"{contender.title}: {expected} events were logged, {found} are there")


def account(directory: Path, expected: int) -> Row:
    """What the files hold: lost, doubled and broken lines, and where the last event ends."""
    seen: dict[bytes, set[int]] = {}
    broken = size = last_end = events = event_bytes = 0
    for line in lines_of(directory):
        size += len(line)
        match = EVENT.match(line) if line.endswith(b"\n") else None
        if match:
            events, event_bytes, last_end = events + 1, event_bytes + len(line), size
            seen.setdefault(match[2], set()).add(int(match[1]))
        elif not any(word in line for word in NO_WORKERS):
            broken += 1
    held = sum(len(numbers) for numbers in seen.values())
    return {
        "lost": expected - held,
        "doubled": events - held,
        "broken": broken,
        "line_bytes": event_bytes / max(events, 1),
        "last_end": last_end,
    }


def account_alike(directory: Path, expected: int, line: bytes) -> Row:
    """The same where all lines are *line*."""
    found = broken = 0
    for one in lines_of(directory):
        found += one == line
        broken += one != line
    size = found * len(line)
    return {
        "lost": max(expected - found, 0), "doubled": max(found - expected, 0), "broken": broken,
        "line_bytes": len(line), "last_end": size,
    }  # fmt: skip


def delivered(contender: Contender, path: Path, count: int, processes: int) -> Row:
    """*count* events from each of *processes*: how fast they were logged, and were in the file."""
    answers, seen = FORK.SimpleQueue(), FORK.SimpleQueue()
    gate, ending = FORK.Barrier(processes + 1), FORK.Event()
    watcher = in_worker(watch, str(path.parent), ending, seen)
    contender.start(path)
    workers = [
        in_worker(log_flat_out, contender, count, gate, answers) for _ in range(processes)
    ]
    contender.listen()
    gate.wait()
    spans = [answers.get() for _ in workers]
    for worker in workers:
        worker.join()
    contender.stop()
    ending.set()
    growth = seen.get()
    watcher.join()
    expected = processes * count
    row = (
        account(path.parent, expected)
        if contender.numbered
        else account_alike(path.parent, expected, getattr(contender, "line", b""))
    )
    return {**row, **_times(row, spans, growth, expected)}


def _times(
    row: Row, spans: list[tuple[int, int]], growth: list[tuple[int, int]], expected: int
) -> Row:
    first_ns = min(first for first, _ in spans)
    logged_ns = max(last for _, last in spans)
    done_ns = next(at_ns for at_ns, size in growth if size >= row["last_end"])
    elapsed_s = (done_ns - first_ns) / 1e9
    return {
        "samples": expected,
        "faults": row["lost"] + row["doubled"] + row["broken"],
        "logging_s": (logged_ns - first_ns) / 1e9,
        "elapsed_s": elapsed_s,
        "events_per_s": (expected - row["lost"]) / elapsed_s,
    }

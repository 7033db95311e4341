"""mplog beside its peers: what a log call costs, and how fast lines reach the file.

Everything is measured in one run on one machine, each cell in a fresh interpreter, repetitions
interleaved, medians shown. The ratios are the claim; the absolute figures are this machine's.

Call      one worker process, flat out: each call timed alone, less the median of an empty
          Python function called with the same arguments and timed the same way.
Delivery  several worker processes, flat out: from the first call until the last event's last
          byte is in the file, as a process of its own sees the files grow (looking every 5 ms).
          All lines are then read back: each (process, number) must be there once and whole.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing as mp
import os
import platform
import re
import statistics
import subprocess
import sys
import time
import warnings
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from contenders import CONTENDERS, FORK, Contender
from place import private_place

POLL_S = 0.005
WARM_UP = 1_000
CELL_TIMEOUT_S = 600
MIN_SLOW_EVENTS = 10_000
EVENT = re.compile(
    rb'^\{.*"message": ?"user alice logged in from 10\.0\.0\.1".*"attempt": ?(\d+),'
    rb'.*"process\.pid": ?(\d+).*\}$'
)
Row = dict[str, Any]


def empty(*args: object, **kwargs: object) -> None:
    """What the cost of a call is measured against."""


def timed(call: Callable[[int], object], count: int) -> list[int]:
    """Duration of each of *count* calls, in ns, sorted."""
    clock = time.perf_counter_ns
    took_ns = array("q", bytes(8 * count))
    for number in range(count):
        start_ns = clock()
        call(number)
        took_ns[number] = clock() - start_ns
    return sorted(took_ns)


def in_worker(work: Callable[..., None], *args: object) -> Any:
    """A forked process that runs *work*."""
    process = FORK.Process(target=work, args=args)
    with warnings.catch_warnings():
        # Some contenders have a thread by now; their manuals tell people to fork all the same.
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    return process


def measure_calls(contender: Contender, count: int, go: Any, answers: Any) -> None:
    """In a worker: the distribution of the call, net of the empty one."""
    baseline_ns = statistics.median(timed(contender.shape(empty), min(count, 20_000)))
    call = contender.shape(contender.info())
    go.wait()
    timed(call, WARM_UP)
    took_ns = timed(call, count)
    contender.finish()
    parts = {"p50_ns": 0.5, "p99_ns": 0.99, "p999_ns": 0.999}
    answers.put({k: took_ns[int(count * part)] - baseline_ns for k, part in parts.items()})


def call_cell(contender: Contender, path: Path, count: int) -> Row:
    """p50, p99 and p99.9 of one call in one worker."""
    answers, go = FORK.SimpleQueue(), FORK.Event()
    contender.start(path)
    worker = in_worker(measure_calls, contender, count, go, answers)
    contender.listen()
    go.set()
    row: Row = answers.get()
    worker.join()
    contender.stop()
    return row


def log_flat_out(contender: Contender, count: int, gate: Any, answers: Any) -> None:
    """In a worker: wait for the others, then log without a pause."""
    call = contender.shape(contender.info())
    gate.wait()
    first_ns = time.perf_counter_ns()
    for number in range(count):
        call(number)
    answers.put((first_ns, time.perf_counter_ns()))
    contender.finish()


def log_files(directory: Path) -> list[Path]:
    """The log and its archives, oldest write first."""
    return sorted(directory.glob("app*"), key=lambda path: path.stat().st_mtime_ns)


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


def read_back(directory: Path) -> Iterator[tuple[bool, int, bytes | tuple[bytes, bytes]]]:
    """For each line of all files: whether it is an event, its length, and its identity."""
    for path in log_files(directory):
        with path.open("rb") as lines:
            for line in lines:
                match = EVENT.match(line.rstrip(b"\n")) if line.endswith(b"\n") else None
                yield bool(match), len(line), (match[2], match[1]) if match else line


def account(directory: Path, expected: int) -> Row:
    """What the files hold: lost, doubled and broken lines, and where the last event ends."""
    identities, broken, size, last_end = set(), 0, 0, 0
    events = event_bytes = 0
    for is_event, length, what in read_back(directory):
        size += length
        if is_event:
            events, event_bytes, last_end = events + 1, event_bytes + length, size
            identities.add(what)
        elif b'"event_name"' not in what:  # a line of mplog's own is no event of a worker
            broken += 1
    return {
        "lost": expected - len(identities),
        "doubled": events - len(identities),
        "broken": broken,
        "line_bytes": round(event_bytes / max(events, 1)),
        "files": len(log_files(directory)),
        "last_end": last_end,
    }


def delivery_cell(contender: Contender, path: Path, count: int, processes: int) -> Row:
    """Events a second from the first call to the last byte in the file."""
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
    row = account(path.parent, processes * count)
    first_ns = min(first for first, _ in spans)
    done_ns = next(at_ns for at_ns, size in growth if size >= row["last_end"])
    elapsed_s = (done_ns - first_ns) / 1e9
    held = processes * count - row["lost"]
    return row | {"elapsed_s": elapsed_s, "events_per_s": held / elapsed_s}


def cell(name: str, part: str, options: argparse.Namespace) -> Row:
    """Measure one part of one contender in a fresh interpreter."""
    contender = CONTENDERS[name]()
    count = options.events
    if not contender.fast:
        # Still enough for a rotation with the default numbers.
        count = min(count, max(MIN_SLOW_EVENTS, count * 2 // 5))
    command = [
        sys.executable, __file__, "--one", name, "--part", part, "--events", str(count),
        "--processes", str(options.processes), *(["--dir", options.dir] if options.dir else []),
    ]  # fmt: skip
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=CELL_TIMEOUT_S)
    if done.returncode != 0:
        raise SystemExit(f"{name}, {part}: ended with {done.returncode}")
    return {"events": count, **json.loads(done.stdout.splitlines()[-1])}


def one(options: argparse.Namespace) -> None:
    """The body of `cell`: print one row as JSON."""
    contender = CONTENDERS[options.one]()
    with private_place(options.dir) as (logs, _memory):
        path = logs / "app.jsonl"
        if options.part == "call":
            row = call_cell(contender, path, options.events)
        else:
            row = delivery_cell(contender, path, options.events, options.processes)
    print(json.dumps(row))


def measure(names: list[str], options: argparse.Namespace) -> dict[str, Row]:
    """All cells, repetitions interleaved; the median of each figure, the worst of each fault."""
    rows: dict[str, list[Row]] = {name: [] for name in names}
    for turn in range(options.repeat):
        for name in names:
            print(f"{turn + 1}/{options.repeat} {name} …", file=sys.stderr, flush=True)
            row = cell(name, "call", options) | cell(name, "delivery", options)
            rows[name].append(row)
    faults = {"lost", "doubled", "broken"}
    return {
        name: {
            key: (max if key in faults else statistics.median)(row[key] for row in several)
            for key in several[0]
        }
        for name, several in rows.items()
    }


def about(rows: dict[str, Row], options: argparse.Namespace) -> Row:
    """On what, and with which versions, the figures were taken."""
    return {
        "python": platform.python_version(),
        "cores": mp.cpu_count(),
        "machine": platform.machine(),
        "processes": options.processes,
        "repeat": options.repeat,
        "versions": {name: CONTENDERS[name]().version() for name in rows},
    }


def main() -> None:
    """Measure, print, and leave the figures as JSON when asked to."""
    parser = argparse.ArgumentParser(description="mplog beside its peers")
    parser.add_argument("--events", type=int, default=50_000, help="a process; slow peers: fewer")
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--peers", default=",".join(CONTENDERS), help="which, with commas between")
    parser.add_argument("--dir", help="where the log files go (default: the temporary directory)")
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    parser.add_argument("--one", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--part", choices=("call", "delivery"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(options)
        return

    from report import page

    chosen = options.peers.split(",")
    if unknown := set(chosen) - CONTENDERS.keys():
        parser.error(f"no such peer: {', '.join(unknown)}; there are {', '.join(CONTENDERS)}")
    missing = {name: why for name in chosen if (why := CONTENDERS[name]().missing())}
    rows = measure([name for name in chosen if name not in missing], options)
    result = {"about": about(rows, options), "missing": missing, "rows": rows}
    print(page(rows, result["about"], missing))
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""What sinks that are well notice of one that is not: how long events take from the call to a file,
to an object of a user's, and to a server, beside a sink that hangs, lies, is slow, dead or busy.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
from contenders import FORK
from delivery import in_worker
from figures import FAULTS, Figure, Row, Runs, Target, ratio_by, spread, spread_of
from presence import on_core_s
from suite import Benchmark, Plan, main
from timing import percentile

import mplog
from mplog._native import Reader

RATE = 1_000  # events a second
WARM_UP = 1_000  # events that are not timed: until then the ill sink is ill, and its queue full
QUEUE = 500
BATCH_WAIT = "5 ms"
LOOK_S = 0.0005
START_S = 20.0
PATIENCE_S = 15.0  # with events on their way
AT = re.compile(rb'"at":(\d+)|at="(\d+)"')
NUMBER = re.compile(rb' number="(\d+)"')
WELL = ("file", "object", "server")
LIMIT = 1.3
GROWTH_MB = 4


def receive(log: str, server: socket.socket, wanted: int, answers: Any) -> None:
    """In a process of its own: how long each event was on its way to the file, and to the server;
    until all that are *wanted* are there, or nothing has come for a while.
    """
    took_ns: dict[str, list[int]] = {"file": [], "server": []}
    connection = server.accept()[0]
    lines = open(log, "rb")  # noqa: SIM115
    rest = {"file": b"", "server": b""}

    def take(name: str, data: bytes) -> None:
        now_ns = time.time_ns()
        whole, _, rest[name] = (rest[name] + data).rpartition(b"\n")
        took_ns[name] += [now_ns - int(found[1] or found[2]) for found in AT.finditer(whole)]

    look_s = time.monotonic()
    before: list[int] = []
    while min(found := [len(took) for took in took_ns.values()]) < wanted:
        if found != before:
            before, look_s = found, time.monotonic()
        elif time.monotonic() - look_s > PATIENCE_S:
            break
        if select.select([connection], [], [], LOOK_S)[0]:
            take("server", connection.recv(1 << 20))
        take("file", lines.read())
    answers.put(took_ns)


def listener(port: int = 0) -> socket.socket:
    """A server on this machine."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", port))
    made.settimeout(30.0)
    made.listen()
    return made


def syslog(name: str, port: int, **more: Any) -> dict[str, Any]:
    """The table of a sink that goes there, a line an event."""
    target = f"tcp://127.0.0.1:{port}"
    return {"type": "syslog", "name": name, "target": target, "framing": "lf", **more}


def log_paced(count: int, first: int, timed: bool) -> None:
    """Events at their times; the timed ones say when they were logged."""
    log, due_s = mplog.get_logger("beside"), time.monotonic()
    for number in range(first, first + count):
        due_s += 1 / RATE
        if (wait_s := due_s - time.monotonic()) > 0:
            time.sleep(wait_s)
        if timed:
            log.info("event {number}", number=number, at=time.time_ns())
        else:
            log.info("event {number}", number=number)


def recovered(port: int) -> Row:
    """Of a dead server that is back: what it gets out of order, until a fresh event arrives."""
    log, data, fresh = mplog.get_logger("beside"), b"", 10_000_000
    with listener(port) as server:
        connection = server.accept()[0]
        connection.settimeout(30.0)
        while not re.search(rb' number="1\d{7}"', data):  # while its queue is full none gets in
            data += connection.recv(1 << 20)
            fresh += 1
            log.info("event {number}", number=fresh)
        connection.close()
    numbers = [int(found[1]) for found in NUMBER.finditer(data)]
    return {"broken": sum(b <= a for a, b in pairwise(numbers))}


def sinks_with(second: str, port: int, dead_port: int) -> list[dict[str, Any]]:
    """Two that are well, and the *second* of benchmarks/ill_sinks.py."""
    wait = {"batch_wait": BATCH_WAIT}
    target, _, process = second.partition("@")
    ill: dict[str, Any] = {"type": "callable", "name": "ill", "target": f"ill_sinks:{target}"}
    if process:
        ill["process"] = process
    if second == "dead":
        ill = syslog("ill", dead_port)
    return [
        {"type": "callable", "name": "object", "target": "ill_sinks:Timed", **wait},
        syslog("server", port, **wait),
        {**ill, **wait, "queue": QUEUE},
    ]


def both(second: str, plan: Plan, logs: Path) -> Row:
    """One repetition: two services at the same time, one with the ill sink and one without."""
    os.environ["PYTHONPATH"] = str(Path(__file__).parent)
    work, rows = [], []
    for name, sink in (("ill", second), ("well", "Sink")):
        (logs / name).mkdir()
        work.append(in_worker(beside, sink, plan, logs / name))
    for one, name in zip(work, ("ill", "well"), strict=True):
        one.join()
        if one.exitcode != 0:
            raise SystemExit(f"the service with the {name} sink was not measured")
        rows.append(json.loads((logs / name / "row").read_text()))
    times = {f"well_{key}": value for key, value in rows[1].items() if key.endswith("_ms")}
    return {**rows[0], **times}


def beside(second: str, plan: Plan, logs: Path) -> None:
    """In a process of its own: the latencies of those that are well, and how the writer grows."""
    os.environ["TIMED"] = str(logs / "timed")
    path, server = logs / "app.jsonl", listener()
    with listener() as nobody:
        dead_port = nobody.getsockname()[1]
    answers, count = FORK.SimpleQueue(), plan.pick(2_000, 250)
    # A daemon: it waits for nobody who has failed.
    receiver = FORK.Process(target=receive, args=(str(path), server, count, answers), daemon=True)
    receiver.start()
    sinks = sinks_with(second, server.getsockname()[1], dead_port)
    service = mplog.configure(str(path), sinks=sinks)
    row = _loaded(service, count)
    took_ns = answers.get()
    receiver.join()
    took_ns["object"] = timed_in(logs / "timed", count)
    row |= _told(took_ns, row["samples"])
    if second == "dead":
        row |= recovered(dead_port)
    end_writer(service)
    (logs / "row").write_text(json.dumps(row))


def writer_of(service: mplog.Service) -> Reader:
    """Who writes."""
    reader = Reader(os.environ["MPLOG_DIR"], service.name, False, 1 << 16)
    reader.scan(None)
    return reader


def timed_in(path: Path, wanted: int) -> list[int]:
    """What the object has noted, once that is all."""
    deadline_s, text = time.monotonic() + PATIENCE_S, ""
    while text.count("\n") < wanted and time.monotonic() < deadline_s:
        time.sleep(0.05)
        with contextlib.suppress(FileNotFoundError):  # its process has not come that far yet
            text = path.read_text()
    return [int(line) for line in text.split()]


def _loaded(service: mplog.Service, count: int) -> Row:
    log_paced(WARM_UP, 0, timed=False)
    deadline_s = time.monotonic() + START_S
    while not writer_of(service).writer_pid and time.monotonic() < deadline_s:
        time.sleep(0.05)
    writer = psutil.Process(writer_of(service).writer_pid)
    before_bytes, before_s, began_s = _used(writer)
    log_paced(count, WARM_UP, timed=True)
    bytes_, cpu_s, now_s = _used(writer)
    return {
        "samples": count,
        "growth_mb": (bytes_ - before_bytes) / 1e6,
        "writer_percent": 100 * (cpu_s - before_s) / (now_s - began_s),
        "broken": 0,
    }


def _used(writer: psutil.Process) -> tuple[int, float, float]:
    """Memory of its own, CPU time, and when that was."""
    return writer.memory_full_info().uss, on_core_s(writer.pid), time.monotonic()


def _told(took_ns: dict[str, list[int]], count: int) -> Row:
    row: Row = {"lost": max(count - len(took_ns[name]) for name in WELL)}
    for name in WELL:
        in_order = sorted(took_ns[name])
        row[f"{name}_p50_ms"] = percentile(in_order, 0.5) / 1e6
        row[f"{name}_p99_ms"] = percentile(in_order, 0.99) / 1e6
    return row


def end_writer(service: mplog.Service) -> None:
    """At once: for a sink that hangs it would wait."""
    found = writer_of(service)
    mplog.shutdown(mode="immediate")
    for pid in (found.supervisor_pid, found.writer_pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


CELLS = {
    "well": ("one that is well, too: the noise", "Sink"),
    "hanging": ("one that hangs", "Hanging"),
    "slow": ("one that takes a line a second", "slow"),
    "raising": ("one that refuses everything", "Raising"),
    "dead": ("one whose server is dead", "dead"),
    "busy": ("Python code that never waits", "busy"),
    "holding": ("calls of C that let no other thread run, 20 ms each", "holding"),
    "within": ("the same, in the writer by its own wish", "holding@writer"),
}
PROMISED = ("hanging", "slow", "raising", "dead", "holding")


def _ratio(cell: str, name: str) -> Callable[[dict[str, Row]], tuple[float, float]]:
    def pick(turn: dict[str, Row]) -> tuple[float, float]:
        return turn[cell][f"{name}_p99_ms"], turn[cell][f"well_{name}_p99_ms"]

    return pick


class Beside(Benchmark):
    """What is well, with something ill at its side."""

    name = "beside"
    title = "Beside a sink that is ill"
    repeat = 3
    method = (
        f"One process logs {RATE:,} events a second to a file, to an object of a user's that "
        f"notes the time, to a syslog server over TCP (both with batch_wait {BATCH_WAIT}), and to "
        "one more sink that is ill, from the start; another process does the same at the same time "
        "with a service whose last sink is well. A time is from just before the call until the "
        "line is seen in the file, by who looks twice a millisecond, the object has the event, or "
        "the server has read it. The first second, in which the ill sink's queue fills up, is not "
        "counted; what the writer grows by is taken from there on. The ill server is back at the "
        "end, and its events must be in order."
    )

    def cells(self, plan: Plan) -> list[str]:
        return list(CELLS)

    def label(self, cell: str) -> str:
        return CELLS[cell][0]

    def measure(self, cell: str, plan: Plan, logs: Path) -> Row:
        return both(CELLS[cell][1], plan, logs)

    def figures(self, runs: Runs) -> list[Figure]:
        names = {"file": "a file's", "object": "an object's", "server": "a server's"}
        found = [
            Figure(
                f"{name}_{cell}", f"{names[name]} p99 beside {label}",
                spread_of(runs, cell, f"{name}_p99_ms"), "ms",
                ratio_by(runs, _ratio(cell, name), (cell,)), "beside one that is well",
                Target(at_most=LIMIT) if cell in PROMISED else None,
            )
            for cell, (label, _) in CELLS.items() for name in WELL
        ]  # fmt: skip
        rows = [row for cell in PROMISED for row in runs.get(cell, ())]
        if rows:
            grown = spread([row["growth_mb"] for row in rows])
            wrong = spread([sum(row.get(key, 0) for key in FAULTS) for row in rows])
            found += [
                Figure("growth", "the writer grows by, beside them", grown, "MB",
                       target=Target(at_most=GROWTH_MB, of="value")),
                Figure("faults", "events lost or out of order, beside them", wrong, "events",
                       target=Target(at_most=0, of="value")),
            ]  # fmt: skip
        return found


if __name__ == "__main__":
    sys.exit(main(Beside()))

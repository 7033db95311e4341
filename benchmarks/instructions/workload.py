"""One workload, as callgrind runs it: windows of N and 2 N calls in turns, each between two marks.

    python workload.py TREE NAME N ROUNDS MEMORY LOGS

TREE is where mplog must come from, MEMORY the directory of the service, LOGS that of its file. The
same program measures the change and its base, so it keeps to public names where there are any.
"""

from __future__ import annotations

import gc
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import repeat
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import mplog._native
from instructions.terms import LACKS, MARK, UNFIT

SERVICE = "guard"
NOW_S = 1_700_000_000.75
WARM_UP = 3  # windows: an interpreter that specialises its code has done so by then

mark = getattr(os, MARK)


def spawn(
    argv: list[bytes], env: list[bytes], stderr_path: str, keep_fd: int, stdin_fd: int = -1, *_: int
) -> None:
    """The writer's start as valgrind can follow it: it knows no clone() but those of libc."""
    there = dict(pair.split(b"=", 1) for pair in env)
    kept = () if keep_fd < 0 else (keep_fd,)
    shell = [b"/bin/sh", b"-c", b'exec "$@"' + b"".join(b" 3<&%d" % fd for fd in kept), b"sh"]
    with open(stderr_path, "wb") as told:
        subprocess.Popen(
            shell + argv, env=there, stdin=subprocess.DEVNULL if stdin_fd < 0 else stdin_fd,
            stdout=subprocess.DEVNULL, stderr=told, pass_fds=kept, start_new_session=True, cwd="/",
        )  # fmt: skip


mplog._native.spawn = spawn


class Lacking(Exception):
    """This tree does not have what the workload is about."""


class Load(NamedTuple):
    """A workload that has been set up.

    Attributes:
        ready: makes the next window's conditions; not counted.
        work: what is counted.
        check: raises SystemExit unless that many calls have done what they should.
    """

    ready: Callable[[int], object]
    work: Callable[[int], object]
    check: Callable[[int], object]


def settled(_: int = 0) -> None:
    """An empty lane, and a writer that is awake: the first call finds nobody to wake."""
    mplog.get_logger("guard").critical("settled")
    if not mplog.flush(30.0):
        raise SystemExit("the writer has not caught up in 30 s")


def delivered(calls: int) -> None:
    """Dropped events would make calls look cheap."""
    report = mplog.shutdown(30.0)
    if report.dropped or report.left or report.delivered < calls:
        raise SystemExit(f"{calls} calls, but {report}")


def call(_: Path, logs: Path) -> Load:
    """An enabled call: a template, three fields, the caller's location."""
    mplog.configure(str(logs / "app.jsonl"), service=SERVICE)
    log = mplog.get_logger("shop")

    def work(calls: int) -> None:
        for _ in repeat(None, calls):
            log.info("user {user} logged in from {ip}", user="alice", ip="10.0.0.1", attempt=3)

    return Load(settled, work, delivered)


def disabled(_: Path, logs: Path) -> Load:
    """The same below the level."""
    mplog.configure(str(logs / "app.jsonl"), service=SERVICE)
    log = mplog.get_logger("shop")

    def work(calls: int) -> None:
        for _ in repeat(None, calls):
            log.debug("user {user} logged in from {ip}", user="alice", ip="10.0.0.1", attempt=3)

    def check(calls: int) -> None:
        if mplog.shutdown(30.0).delivered >= calls:
            raise SystemExit("calls below the level have been delivered")

    return Load(settled, work, check)


def stdlib(_: Path, logs: Path) -> Load:
    """A call of the standard library's logging with mplog's handler."""
    log = logging.getLogger("shop")
    log.propagate = False
    log.setLevel(logging.INFO)
    log.addHandler(mplog.Handler(str(logs / "app.jsonl"), service=SERVICE))
    # A record's milliseconds up to 256 are objects that exist already, others are made.
    clock = SimpleNamespace(time=repeat(NOW_S).__next__, time_ns=repeat(int(NOW_S * 1e9)).__next__)
    logging.time = clock  # type: ignore[attr-defined]

    def work(calls: int) -> None:
        for _ in repeat(None, calls):
            log.info("user %s logged in from %s, attempt %d", "alice", "10.0.0.1", 3)

    return Load(settled, work, delivered)


def accelerated(memory: Path, logs: Path) -> Load:
    """The same after `mplog.accelerate()`."""
    accelerate = getattr(mplog, "accelerate", None)
    if accelerate is None:
        raise Lacking("no mplog.accelerate")
    load = stdlib(memory, logs)
    accelerate()
    return load


def writer(memory: Path, logs: Path) -> Load:
    """An event in the writer, from a lane into a JSON file; this process is both ends."""
    from mplog import _native
    from mplog.config import Settings
    from mplog.ring import create_bell, hold
    from mplog.writer import deliver, stage
    from mplog.writer.recover import begin
    from mplog.writer.state import ARENA_BYTES, Signals

    settings = Settings(file=str(logs / "app.jsonl"))
    create_bell(memory, SERVICE, settings)
    if hold(memory, SERVICE, _native.LOCK_SUPERVISOR) is None:
        raise SystemExit("somebody else is the writer")
    begun = begin(memory, SERVICE, settings, Signals(), None)
    job = begun[0] if isinstance(begun, tuple) else begun  # a base of before gives its locks, too
    mplog.configure(str(logs / "app.jsonl"), service=SERVICE)
    log = mplog.get_logger("shop")
    mplog.attach()
    job.reader.scan(job.journal)
    several, written = hasattr(job, "sinks"), 0

    def ready(events: int) -> None:
        for _ in repeat(None, events):
            log.info("user {user} logged in from {ip}", user="alice", ip="10.0.0.1", attempt=3)

    def work(_: int) -> None:
        nonlocal written
        batch = stage.drain(job, 0, ARENA_BYTES, job.journal.staging_bytes)
        job.reader.accept(batch.count)
        # A base from before a service could have several files takes one size.
        deliver.commit(job, [batch.size_bytes] if several else batch.size_bytes)
        written += batch.count

    def check(events: int) -> None:
        lines = (logs / "app.jsonl").read_bytes().count(b'"user":"alice"')
        if not written == lines == events:
            raise SystemExit(f"{events} events, {written} committed, {lines} in the file")

    return Load(ready, work, check)


WORKLOADS = {one.__name__: one for one in (call, disabled, stdlib, accelerated, writer)}


def run(load: Load, calls: int, rounds: int) -> None:
    """All windows, with marks around those that count."""
    sizes = [calls] * WARM_UP + [calls, 2 * calls] * rounds
    gc.collect()
    gc.freeze()
    gc.disable()  # when it runs depends on all that is alive, not on the call
    for number, size in enumerate(sizes):
        load.ready(size)
        if number >= WARM_UP:
            mark(0)
        load.work(size)
        if number >= WARM_UP:
            mark(0)
    load.check(sum(sizes))


def main() -> int:
    """Run the workload of the command line."""
    tree, name, calls, rounds, memory, logs = sys.argv[1:]
    if Path(tree) not in Path(mplog.__file__).parents:
        raise SystemExit(f"mplog comes from {mplog.__file__}, not from {tree}")
    os.environ["MPLOG_DIR"] = memory
    try:
        load = WORKLOADS[name](Path(memory), Path(logs))
    except Lacking as why:
        print(why, file=sys.stderr)
        return LACKS
    except (ImportError, AttributeError, TypeError) as why:
        print(f"{type(why).__name__}: {why}", file=sys.stderr)
        return UNFIT
    run(load, int(calls), int(rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())

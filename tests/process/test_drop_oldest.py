"""when_full="drop_oldest": the newest events stay, and what went is told with counts and times."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from datetime import datetime
from pathlib import Path

import mplog
from mplog import _native
from mplog.files.verify import verify
from mplog.producer.gate import GATE

EVENTS = 12_000
KILLS = 3
LEVELS = ("debug", "info", "warning", "error")


def lines_of(path: Path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def drops_of(path: Path):
    return [line for line in lines_of(path) if line.get("event_name") == "mplog.drop"]


def writer_of(directory: Path, wait_for) -> int:
    reader = _native.Reader(str(directory), GATE.connection.service, False)
    wait_for(lambda: reader.writer_pid != 0)
    return int(reader.writer_pid)


def lost_levels(first: int, last: int) -> dict[str, int]:
    """Of the numbers (seq) of the load, whose n is seq - 2."""
    names = [LEVELS[(seq - 2) % 4].upper() for seq in range(first, last + 1)]
    return {level.upper(): names.count(level.upper()) for level in LEVELS}


def test_the_newest_events_stay_and_the_loss_is_told(shm, logdir, wait_for):
    """While the writer stands still every call is accepted; the oldest go, counted by level, with
    the times between which they were logged.
    """
    path = logdir / "app.jsonl"
    mplog.configure(path, when_full="drop_oldest", level="DEBUG")
    log = mplog.get_logger("a")
    log.info("first")
    assert mplog.flush(60)
    writer = writer_of(shm, wait_for)
    os.kill(writer, signal.SIGSTOP)
    try:
        for n in range(EVENTS):
            assert getattr(log, LEVELS[n % 4])("x", n=n, pad="y" * 100)
    finally:
        os.kill(writer, signal.SIGCONT)
    assert mplog.flush(60)
    log.info("last")
    report = mplog.shutdown(60)
    there = [line["n"] for line in lines_of(path) if "n" in line]
    drops = drops_of(path)
    told = sum(drop["count"] for drop in drops)
    assert there == sorted(there)
    assert (EVENTS - 1, EVENTS) == (there[-1], len(there) + told)
    assert told > EVENTS // 3
    for drop in drops:
        assert {"oldest": lost_levels(drop["first"], drop["last"])} == drop["reasons"]
        since, until = (datetime.fromisoformat(drop[key][:26]) for key in TIMES)
        shown = datetime.fromisoformat(drop["timestamp"][:26])
        assert since <= until <= shown
        assert drop["message"].startswith(f"{drop['count']:,} events dropped: oldest, DEBUG ")
    assert (EVENTS + 2 - told, 0, told) == (report.delivered, report.left, report.dropped)
    wait_for(lambda: not list(shm.iterdir()))
    found = verify([path])
    assert (told, [], False) == (found.dropped, found.findings, found.damaged)


TIMES = ("lost.since", "lost.until")


def test_the_loss_is_told_once_when_the_writer_is_killed_in_it(shm, logdir, wait_for):
    """A process that takes back its own events while writers die: each number once, or told. It
    logs until it is told to stop, so that all of the kills come upon it.
    """
    path, stop = logdir / "app.jsonl", logdir / "stop"
    mplog.configure(path, when_full="drop_oldest", rotation="off")
    mplog.get_logger("a").info("first")
    assert mplog.flush(60)
    code = f"""
        import mplog, os, sys
        mplog.configure({str(path)!r}, when_full="drop_oldest")
        log, n = mplog.get_logger("a"), 0
        sys.stdout.write("up\\n")
        sys.stdout.flush()
        while n % 1000 or not os.path.exists({str(stop)!r}):
            log.info("x", n=n, pad="y" * 150)
            n += 1
    """
    program = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as child:
        assert "up\n" == child.stdout.readline()
        for _ in range(KILLS):
            size = path.stat().st_size
            before = writer_of(shm, wait_for)
            os.kill(before, signal.SIGKILL)
            wait_for(lambda b=before: writer_of(shm, wait_for) != b, 20.0)
            wait_for(lambda s=size: path.stat().st_size > s, 20.0)
        stop.touch()
        assert 0 == child.wait(60)
    mplog.get_logger("a").info("fresh")
    assert mplog.flush(60)
    mplog.shutdown()
    wait_for(lambda: not list(shm.iterdir()), 30.0)
    found = verify([path])
    assert found.dropped > 0
    assert ([], [], False) == (found.findings, found.open_sessions, found.damaged)
    assert found.dropped == sum(drop["count"] for drop in drops_of(path))
    for drop in drops_of(path):  # where the levels are told, they are those of this very gap
        levels = drop["reasons"].get("oldest", {})
        assert {"oldest"} == drop["reasons"].keys() or not drop["reasons"]
        assert levels in ({}, {"INFO": drop["count"]})

"""when_full="overflow": nothing is lost and nobody waits while the writer is slow, or away."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import mplog
from mplog import _native
from mplog.producer.gate import GATE

EVENTS = 12_000


def lines_of(path: Path):
    whole = path.read_text().rpartition("\n")[0]  # the last line may be under way
    return [json.loads(line) for line in whole.splitlines()]


def told(path: Path):
    return [line["n"] for line in lines_of(path) if "n" in line]


def writer_of(directory: Path, wait_for) -> int:
    service = GATE.connection.service
    reader = _native.Reader(str(directory), service, False)
    wait_for(lambda: reader.writer_pid != 0)
    return int(reader.writer_pid)


def chunks(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.overflow"))


def test_while_the_writer_stands_still_events_go_into_the_overflow(shm, logdir, wait_for):
    """All are accepted, none waits, all come out in order; then the lane is used again."""
    path = logdir / "app.jsonl"
    mplog.configure(path, when_full="overflow")
    log, producer = mplog.get_logger("a"), GATE.connection.producer
    log.info("first", n=0)
    assert mplog.flush(60)
    writer = writer_of(shm, wait_for)
    os.kill(writer, signal.SIGSTOP)
    try:
        accepted = sum(log.info("x", n=n, pad="y" * 100) for n in range(1, EVENTS))
        assert producer.overflowing
        assert {stat.S_IFREG | 0o600} == {chunk.stat().st_mode for chunk in chunks(shm)}
    finally:
        os.kill(writer, signal.SIGCONT)
    assert EVENTS - 1 == accepted
    assert mplog.flush(60)
    log.info("last", n=EVENTS)
    assert not producer.overflowing
    assert 1 >= len(chunks(shm))
    assert (EVENTS + 1, 0, 0) == (lambda r: (r.delivered, r.left, r.dropped))(mplog.shutdown(60))
    assert list(range(EVENTS + 1)) == told(path)
    wait_for(lambda: not chunks(shm))


def test_what_a_killed_process_left_in_the_overflow_arrives(shm, logdir, wait_for):
    """Also when the writer is killed while it reads that."""
    path = logdir / "app.jsonl"
    mplog.configure(path, when_full="overflow")
    mplog.get_logger("a").info("first")
    assert mplog.flush(60)
    writer = writer_of(shm, wait_for)
    os.kill(writer, signal.SIGSTOP)
    code = f"""
        import os, signal, mplog
        mplog.configure({str(path)!r}, when_full="overflow")
        log = mplog.get_logger("a")
        for n in range({EVENTS}):
            assert log.info("x", n=n, pad="y" * 100)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False, timeout=60)
    assert -signal.SIGKILL == done.returncode
    seen = path.stat().st_size
    os.kill(writer, signal.SIGCONT)
    wait_for(lambda: path.stat().st_size > seen)
    os.kill(writer, signal.SIGKILL)
    wait_for(lambda: len(told(path)) >= EVENTS)
    mplog.shutdown()
    assert list(range(EVENTS)) == told(path)


def test_beyond_the_bound_events_are_dropped_and_told(shm, logdir, wait_for):
    """Low levels first; the numbers of the dropped ones stand in the log."""
    path = logdir / "app.jsonl"
    mplog.configure(path, when_full="overflow", overflow="4 MiB")
    log = mplog.get_logger("a")
    log.info("first")
    assert mplog.flush(60)
    writer = writer_of(shm, wait_for)
    os.kill(writer, signal.SIGSTOP)
    info = errors = 0
    try:
        while log.info("x", pad="y" * 1000):
            info += 1
        while log.error("x", pad="y" * 1000):
            errors += 1
    finally:
        os.kill(writer, signal.SIGCONT)
    assert errors > 800  # a whole chunk of them
    report = mplog.shutdown(60)
    assert (0, 2) == (report.left, report.dropped)
    drops = [line for line in lines_of(path) if line.get("event_name") == "mplog.drop"]
    assert 2 == sum(line["count"] for line in drops)
    lost = [{"overflow": {"INFO": 1}}, {"overflow": {"ERROR": 1}}]
    assert lost == [drop["reasons"] for drop in drops]
    assert all(drop["lost.since"] <= drop["timestamp"] for drop in drops)
    assert 1 + info + errors == sum("seq" in line for line in lines_of(path))


def test_another_directory_may_be_named(shm, logdir, wait_for, tmp_path):
    """It is made, private, and empty again afterwards; no log call fails where it goes away."""
    path, place = logdir / "app.jsonl", tmp_path / "overflow"
    mplog.configure(path, when_full="overflow", overflow_dir=str(place))
    log = mplog.get_logger("a")
    log.info("first")
    assert mplog.flush(60)
    assert 0o700 == stat.S_IMODE(place.stat().st_mode)
    writer = writer_of(shm, wait_for)
    os.kill(writer, signal.SIGSTOP)
    try:
        for n in range(EVENTS):
            assert log.info("x", n=n, pad="y" * 100)
        assert chunks(place)
        assert [] == chunks(shm)
    finally:
        os.kill(writer, signal.SIGCONT)
    mplog.shutdown(60)
    assert list(range(EVENTS)) == told(path)
    wait_for(lambda: not chunks(place))


def test_a_place_that_cannot_be_written_costs_events_and_no_exception(shm, logdir, capfd, wait_for):
    """They are dropped, counted, and it is told on stderr."""
    path, place = logdir / "app.jsonl", logdir / "overflow"
    mplog.configure(path, when_full="overflow", overflow_dir=str(place))
    log = mplog.get_logger("a")
    log.info("first")
    assert mplog.flush(60)
    place.rmdir()
    writer = writer_of(shm, wait_for)
    os.kill(writer, signal.SIGSTOP)
    try:
        while log.info("x", pad="y" * 1000):
            pass
        deadline = time.monotonic() + 30
        err = ""
        while "overflow" not in err and time.monotonic() < deadline:
            log.info("x", pad="y" * 1000)
            err += capfd.readouterr().err
        assert f"the overflow in {place} cannot be written" in err
    finally:
        os.kill(writer, signal.SIGCONT)
    assert mplog.shutdown().dropped > 0

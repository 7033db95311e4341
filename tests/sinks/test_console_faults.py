"""A console that takes nothing, is closed, full or hung up holds up nobody (faults row N10)."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import peers
import pytest

from mplog.config import service_name
from mplog.ring import presence

pytestmark = pytest.mark.process

ROOT = Path(__file__).resolve().parents[2]
WORKER = """
import sys, mplog
mplog.configure(sys.argv[1])
log = mplog.get_logger("shop")
for n in range(int(sys.argv[2]), int(sys.argv[3])):
    assert log.info("sold {n}", n=n)
"""


class Served:
    """A service in the foreground whose console is *stderr*."""

    def __init__(self, place, stderr):
        self.log = place / "app.jsonl"
        config = place / "mplog.toml"
        config.write_text(f'file = "{self.log}"\n[[sinks]]\ntype = "console"\nqueue = 1000000\n')
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mplog", "serve", "--config", str(config)],
            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=stderr,
        )  # fmt: skip
        self.directory, self.name = Path(os.environ["MPLOG_DIR"]), service_name(self.log)

    def serves(self):
        """Whether it is the writer already; a worker that came sooner would start another one."""
        found = presence(self.directory, self.name)
        return found is not None and bool(found.supervisor)

    def work(self, first, last):
        """A worker logs those numbers, and ends as it should."""
        subprocess.run(
            [sys.executable, "-c", WORKER, str(self.log), str(first), str(last)],
            env=self.environment, check=True, timeout=60,
        )  # fmt: skip

    def in_file(self):
        """The numbers in the log."""
        if not self.log.exists():
            return []
        lines = [json.loads(line) for line in self.log.read_text().split("\n")[:-1]]
        return [line["n"] for line in lines if "n" in line]

    def end(self):
        """SIGTERM; how it ended."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@pytest.fixture
def served(shm, tmp_path, wait_for):
    """Starts one, and sees that it is gone."""
    started = []

    def start(stderr):
        one = Served(tmp_path, stderr)
        started.append(one)
        wait_for(one.serves, 30, "the service")
        return one

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()


def test_a_pipe_that_nobody_reads_fills_up_and_is_waited_for(served, wait_for):
    """N10: worker and file go on; when it is read again, all lines come, the fresh one last."""
    read, write = os.pipe()
    service = served(write)
    os.close(write)
    service.work(0, 5_000)
    wait_for(lambda: len(service.in_file()) == 5_000, 30, "the file")
    wait_for(lambda: peers.unread_bytes(read) > 60_000, 10, "a pipe that is full, at 64 KiB")

    service.work(5_000, 5_001)
    wait_for(lambda: service.in_file() == list(range(5_001)), 30, "the fresh event")
    text = b""
    while b"sold 5000\n" not in text:
        text += os.read(read, 1 << 20)
    shown = [line for line in text.split(b"\n") if b" sold " in line]
    assert 5_001 == len(shown)
    service.end()
    os.close(read)


def test_a_pipe_that_nobody_reads_does_not_keep_the_service_from_ending(served, wait_for):
    """N10: its lines are given up in the end."""
    read, write = os.pipe()
    service = served(write)
    os.close(write)
    service.work(0, 5_000)
    wait_for(lambda: len(service.in_file()) == 5_000, 30, "the file")
    assert 0 == service.end()
    os.close(read)


@pytest.mark.parametrize("fault", ["closed", "full", "hung up"])
def test_a_console_that_is_gone_costs_neither_worker_nor_file(fault, served, wait_for):
    """N10: a closed pipe, /dev/full, a terminal that hangs up: all is in the file, and goes on."""
    other = -1
    if fault == "closed":
        other, end = os.pipe()
    elif fault == "full":
        end = os.open("/dev/full", os.O_WRONLY)
    else:
        other, end = pty.openpty()
    service = served(end)
    os.close(end)
    service.work(0, 10)
    wait_for(lambda: len(service.in_file()) == 10, 30, "the file")
    if other >= 0:
        os.close(other)

    service.work(10, 500)
    service.work(500, 501)

    wait_for(lambda: service.in_file() == list(range(501)), 30, "the fresh event")
    assert service.process.poll() is None
    assert 0 == service.end()

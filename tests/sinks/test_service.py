"""Whole services: workers, a writer, its queues, retry and breaker, and real far sides."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import peers
import pytest
import told
from journal import Journald
from test_tls import gibberish, half_a_record, hang_up, stall

pytestmark = pytest.mark.process

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json, os, sys, mplog
sys.path.insert(0, os.environ["HERE"])
import told
mplog.configure(os.environ["LOG"], level="DEBUG", sinks=json.loads(os.environ["SINKS"]))
log = mplog.get_logger("shop")
for line in sys.stdin:
    first, last = map(int, line.split())
    for n in range(first, last + 1):
        log.info("sold {n}", n=n, said=told.HOSTILE[n % len(told.HOSTILE)])
    print("said", flush=True)
"""


class Program:
    """A worker that logs the numbers it is told, into a file and these sinks."""

    def __init__(self, log, *sinks):
        self.log = log
        environment = {
            **os.environ, "LOG": str(log), "SINKS": json.dumps(sinks),
            "HERE": str(Path(__file__).parent), "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], env=environment, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def say(self, first, last):
        """Log those numbers; back when the calls are made."""
        self._process.stdin.write(f"{first} {last}\n")
        assert "said\n" == self._process.stdout.readline()

    def end(self):
        """It leaves; what it has to say about that."""
        _, err = self._process.communicate(timeout=60)
        assert 0 == self._process.returncode, err
        return err

    def in_file(self):
        """The numbers in the log file."""
        lines = [json.loads(line) for line in self.log.read_text().split("\n")[:-1]]
        return [line["n"] for line in lines if "n" in line]


@pytest.fixture
def program(shm, tmp_path):
    """Starts the worker, and ends it."""
    started = []

    def start(*sinks):
        one = Program(tmp_path / "app.jsonl", *sinks)
        started.append(one)
        return one

    yield start
    for one in started:
        one._process.kill()
        one._process.communicate()


def numbers(server):
    """Those of the program's events that a server has written."""
    return [int(line.data["n"]) for line in server.lines() if "n" in line.data]


def in_peer(peer):
    """The same of a scripted far side."""
    return [int(data["n"]) for data in peer.told() if "n" in data]


@pytest.mark.parametrize("kind", ["unix-dgram", "tcp", "tls"])
@pytest.mark.parametrize("name", ["rsyslog", "syslog-ng"])
def test_a_service_goes_on_with_a_server_that_was_killed(
    name, kind, program, receiver, certs, wait_for
):
    """Every number once and in order but for what the server was killed with; the file has all."""
    server = receiver(name)
    ca_file = {"ca_file": str(certs / "ca.pem")} if kind == "tls" else {}
    worker = program({"type": "syslog", **server.target(kind), **ca_file})
    worker.say(1, 100)
    wait_for(lambda: numbers(server)[-1:] == [100], 30, "the first hundred")

    server.kill()
    worker.say(101, 200)
    server.start()
    worker.say(201, 300)

    wait_for(lambda: numbers(server)[-1:] == [300], 30, "a fresh event")
    got = numbers(server)
    assert list(range(1, 301)) == sorted(set(got))
    assert sorted(got) == got
    said = {line.data["n"]: line.data["said"] for line in server.lines() if "n" in line.data}
    assert len(told.HOSTILE) == len(set(said.values()))
    worker.end()
    wait_for(lambda: worker.in_file() == list(range(1, 301)), 20, "the file")


def test_a_service_outlives_every_kind_of_broken_tls(program, certs, wait_for):
    """Gibberish, half a record, a cut and a stall in the handshake, expired, another host: then
    all that was logged meanwhile arrives, once and in order.
    """
    faults = [
        gibberish, half_a_record, hang_up, peers.over_tls(certs, "expired"),
        peers.over_tls(certs, "other"), peers.over_tls(certs, "stranger"), stall,
    ]  # fmt: skip
    with peers.Peer(*faults, then=peers.over_tls(certs)) as peer:
        sink = {
            "type": "syslog", "target": f"tls://localhost:{peer.port}", "timeout": "300 ms",
            "ca_file": str(certs / "ca.pem"),
        }  # fmt: skip
        worker = program(sink)
        worker.say(1, 50)
        wait_for(lambda: peer.fired == len(faults), 30, "the last fault")
        worker.say(51, 100)
        wait_for(lambda: in_peer(peer)[-1:] == [100], 30, "a fresh event")
        worker.end()
        assert list(range(1, 101)) == in_peer(peer)
    assert [] == peer.torn


def test_a_service_outlives_a_reader_that_stops_and_connections_that_drop(program, wait_for):
    """A window that closes, then cuts; the file is not held up, and what comes is in order."""

    def stop(peer, conn):
        peer.go_on.wait(peers.LIMIT_S)

    def drop(peer, conn):
        conn.recv(10)
        peers.reset(conn)

    with peers.Peer(stop, drop, drop, drop, buffer_bytes=4_096) as peer:
        sink = {"type": "syslog", "target": f"tcp://127.0.0.1:{peer.port}", "timeout": "300 ms"}
        worker = program(sink, {"type": "null"})
        worker.say(1, 1_000)
        wait_for(lambda: peer.fired == 4, 30, "the last fault")
        wait_for(lambda: worker.in_file() == list(range(1, 1_001)), 20, "the file")
        worker.say(1_001, 1_100)
        wait_for(lambda: in_peer(peer)[-1:] == [1_100], 30, "a fresh event")
        got = in_peer(peer)
        assert list(range(got[0], 1_101)) == got
        peer.go_on.set()
        worker.end()


@pytest.mark.needs_root
def test_a_service_writes_to_a_journald_that_was_killed_meanwhile(program, short_path, wait_for):
    """Every number once and in order; its files verify."""
    journald = Journald(short_path).start()
    try:
        worker = program({"type": "journald", "target": str(journald.socket)})

        def got():
            return [int(one["N"]) for one in journald.entries() if "N" in one]

        worker.say(1, 100)
        wait_for(lambda: got()[-1:] == [100], 30, "the first hundred")
        journald.kill()
        worker.say(101, 200)
        journald.start()
        worker.say(201, 300)
        wait_for(lambda: got()[-1:] == [300], 30, "a fresh event")
        worker.end()
        assert list(range(1, 301)) == got()
    finally:
        journald.stop()
    assert "FAIL" not in journald.journalctl("--verify")

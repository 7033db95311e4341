"""Somebody truncates the file that a service's lanes lie in.

What holds: the writer lives on or is started again; every process of other services lives on, and
nothing of theirs is lost; new processes log through another segment, and nothing stays in shared
memory. What does not: a process whose own lane was cut away is ended by SIGBUS at its next event,
as with any mapping of a file that is cut.
"""

from __future__ import annotations

import signal
import time

import pytest
from oracle import Row, judge

from mplog import _native
from mplog.config.load import load
from mplog.event.codec import ENCODER
from mplog.event.event import Event
from mplog.files.verify import verify
from mplog.producer.connection import Connection
from mplog.ring import create_bell


@pytest.mark.process
def test_a_truncated_segment_harms_no_other_service(program, logs, tell):
    """The other service has all; a fresh event of the one that was cut flows; nothing stays."""
    cut, other = logs / "cut.jsonl", logs / "other.jsonl"

    found = program("cutter", 170, cut=str(cut), other=str(other))

    rows = {int(k): Row(*row) for k, row in found["rows"].items()}
    verdict, report = judge(other, {2: rows[2]}, longest=100), verify([other])
    tell(f"ends {found['ends']}; the other service: {verdict.equation()}")
    assert ({}, False, []) == (verdict.wrong, report.damaged, report.open_sessions)
    assert verdict.balances()
    assert [] == found["left"]
    assert {"exit 0": 1} == found["fresh"]
    fresh = judge(cut, {1: rows[1], 3: rows[3]}, longest=100)
    assert (10, 0) == (rows[3].accepted, sum("of producer 3" in row for row in fresh.lost))
    assert ([], [], [], [], []) == (
        fresh.torn, fresh.doubled, fresh.reordered, fresh.phantom, fresh.corrupt
    )  # fmt: skip
    assert {f"signal {signal.SIGBUS.value}": 1, "exit 0": 1} == found["ends"]


@pytest.mark.process
def test_a_segment_that_nobody_can_read_is_passed_over(shm, logs):
    """A new process claims its lane in the next one, and the writer removes both when it leaves."""
    settings = load(arguments={"file": str(logs / "app.jsonl")}).settings
    assert create_bell(shm, "cut", settings)
    (shm / f"cut.{_native.ABI}.0.ring").write_bytes(b"")

    connection = Connection(shm, "cut", settings)

    assert connection.attach()
    assert 1 == connection.producer.segment
    assert connection.producer.publish(20, ENCODER.encode(Event("t", "m", {})))
    assert connection.producer.wait_settled(1, 30.0)
    connection.detach()
    deadline = time.monotonic() + 30.0
    while list(shm.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [] == list(shm.iterdir())

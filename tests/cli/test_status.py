"""`mplog status`: what is there is shown, and what cannot be read ends nothing."""

from __future__ import annotations

import json
import os

import pytest

from mplog import _native
from mplog.cli import main
from mplog.config import Settings
from mplog.event.codec import ENCODER
from mplog.event.event import Event
from mplog.metrics.board import Board, Row
from mplog.ring import create_bell, hold


@pytest.fixture
def status(capsys):
    """What the command prints."""

    def run(*words):
        assert 0 == main.main(["status", *map(str, words)])
        return capsys.readouterr().out

    return run


def test_a_place_without_a_service_is_named(shm, status):
    """It may be the wrong one."""
    assert f"no service in {shm}\n" == status()
    assert {"services": []} == json.loads(status("--json"))


def test_a_directory_that_is_not_there_has_no_service(shm, status):
    """Nobody has logged yet."""
    assert f"no service in {shm / 'none'}\n" == status("--dir", shm / "none")


@pytest.mark.parametrize("command", [["status"], ["reopen", "shop"], ["rotate", "shop"]])
def test_a_directory_that_this_user_may_not_read_is_not_one_without_services(
    shm, capsys, as_nobody, command
):
    """It is told, and not that nobody is at work there."""
    create_bell(shm, "shop", Settings(file="/logs/app.jsonl"))
    shm.chmod(0o700)
    with as_nobody():
        code = main.main([*command, "--dir", str(shm)])
    out, err = capsys.readouterr()

    assert (125, "") == (code, out)
    assert f"Permission denied: '{shm}'. Run this as a user who may" in err


def test_what_another_version_has_left_is_named(shm, status):
    """With what gets its events out; for programs there is `mplog recover` alone."""
    (shm / "shop.1.bell").write_bytes(b"\0" * 4096)

    assert "shop of another version (layout 1): see mplog recover" in status().splitlines()
    assert {"services": []} == json.loads(status("--json"))


def test_a_service_whose_memory_is_broken_hides_no_other(shm, status):
    """Cut, empty, or gone since it was listed."""
    create_bell(shm, "shop", Settings(file="/logs/app.jsonl"))
    create_bell(shm, "cut", Settings(file="/logs/cut.jsonl"))
    os.truncate(_native.bell_path(str(shm), "cut"), 3000)
    (shm / f"empty.{_native.ABI}.bell").touch()
    os.symlink("nowhere", shm / f"gone.{_native.ABI}.bell")

    assert ["shop"] == [one["name"] for one in json.loads(status("--json"))["services"]]


def test_a_writer_that_is_not_seen_from_here_is_none(shm, status):
    """Its lock is held, and no process here is the one that it names."""
    create_bell(shm, "shop", Settings(file="/logs/app.jsonl"))
    locks = [hold(shm, "shop", byte) for byte in (_native.LOCK_WRITER, _native.LOCK_SUPERVISOR)]
    page = status()
    for lock in locks:
        os.close(lock)

    assert "  writer      none, supervisor none" in page.splitlines()


def test_what_has_not_been_delivered_is_told_of_each_process(shm, status):
    """Also of one that has ended, until a writer has read what it left."""
    create_bell(shm, "shop", Settings(file="/logs/app.jsonl"))
    producers = [_native.Producer(str(shm), "shop", name) for name in ("web", "job")]
    for producer in producers:
        producer.attach()
        assert producer.publish(20, ENCODER.encode(Event("shop", "one")))
    producers[1].close()
    rows = [line for line in status().splitlines() if line.startswith("  process ")]
    pending = json.loads(status("--json"))["services"][0]["pending_bytes"]
    producers[0].close()

    assert [["job", "(ended)"], ["web"]] == sorted(
        [word for word in line.split() if word in ("web", "job", "(ended)")] for line in rows
    )
    assert all(f"{os.getpid()}" in line and "0 delivered" in line for line in rows)
    assert pending > 0


def test_a_sink_that_is_held_off_is_told_with_its_error(shm, status):
    """The state of its breaker where that is not closed; of a sink that is well nothing more."""
    create_bell(shm, "shop", Settings(file="/logs/app.jsonl"))
    Board(shm, "shop", 1).show(
        [
            Row(name="far", kind="syslog", breaker="open", error="refused", failures=3, spooled=7),
            Row(name="near", kind="console", delivered=5),
        ]
    )
    far, near = [line for line in status().splitlines() if line.startswith("  sink ")]

    assert far.endswith("3 failures, 7 in its spool  (open): refused")
    assert near.endswith("0 failures")
    assert "5 delivered" in near

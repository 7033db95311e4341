"""The disk under the log is full for a while: programs go on, and so does the log afterwards."""

from __future__ import annotations

import subprocess

import pytest
from oracle import Row, judge

from mplog.files.verify import verify
from mplog.writer.deliver import LONGEST_PAUSE_S

pytestmark = [pytest.mark.needs_root, pytest.mark.process]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 16 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m,mode=0755", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)  # its writer may still be leaving


def filled(program, tell, small_disk, **arguments):
    """Fill the disk under load; what must hold with every policy."""
    log_file = small_disk / "app.jsonl"
    found = program("filler", 170, file=str(log_file), **arguments)
    rows = {int(k): Row(*row) for k, row in found["rows"].items()}
    verdict, report = judge(log_file, rows, longest=100), verify([log_file])
    tell(f"resumed after {found['resumed_s']:.2f} s; {verdict.equation()}")
    assert {"exit 0": 3} == found["exits"]
    assert found["errors"] > 0, "the disk was never full"
    assert {} == verdict.wrong
    assert verdict.balances()
    assert (False, []) == (report.damaged, report.open_sessions), report.findings[:3]
    return found, verdict


def test_a_disk_that_was_full_loses_nothing_that_the_lanes_can_hold(program, tell, small_disk):
    """As long as lanes have room every call returns True, and all is in the file in the end."""
    _, verdict = filled(program, tell, small_disk, when_full="block", events=1_000)

    assert (3_100, 3_100, 0) == (verdict.accepted, verdict.delivered, verdict.refused)
    assert LONGEST_PAUSE_S <= 1.0, "writing resumes within two seconds of room coming back"


def test_a_disk_that_is_full_for_long_drops_by_announcement(program, tell, small_disk):
    """Once lanes are full events are refused, and each refused one is told in the log."""
    _, verdict = filled(program, tell, small_disk, when_full="drop_newest", events=50_000)

    assert verdict.refused == verdict.dropped > 0

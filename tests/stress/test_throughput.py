"""Eight processes flat out into one rotated file."""

from __future__ import annotations

import pytest
from oracle import Row, judge

from mplog.files.verify import verify

PROCESSES, EVENTS = 8, 100_000


@pytest.mark.process
def test_eight_processes_flat_out_lose_double_and_tear_nothing(program, logs, tell):
    """8 × 100,000 events: each once, whole, in its process's order; by time to 1 in 10,000."""
    log_file = logs / "app.jsonl"

    cell = {"rotation": "20 MB", "workers": PROCESSES, "events": EVENTS}
    found = program("fleet", 170, job="flat_out", file=str(log_file), **cell)

    rows = {int(k): Row(*row) for k, row in found["rows"].items()}
    verdict, report = judge(log_file, rows, longest=64), verify([log_file])
    total = PROCESSES * EVENTS
    tell(f"{total / found['delivered_s']:,.0f} events/s to the last byte; {verdict.equation()}")
    assert {"exit 0": PROCESSES} == found["exits"]
    assert {} == verdict.wrong
    assert (total, total, 0) == (verdict.delivered, verdict.accepted, verdict.refused)
    assert verdict.files > 5
    assert verdict.late + verdict.inversions < total / 10_000
    assert (False, total, []) == (report.damaged, report.events, report.open_sessions)

"""Pools whose workers come and go by the hundred: every event of every task, once."""

from __future__ import annotations

import pytest
from oracle import Row, judge

from mplog.files.verify import verify

KINDS = ("multiprocessing", "multiprocess", "concurrent.futures")
METHODS = ("fork", "spawn", "forkserver")


def pooled(program, logs, tell, **arguments):
    """One pool, and all that must hold after it; how many processes it had."""
    log_file = logs / "app.jsonl"
    found = program("pools", 1_000, file=str(log_file), **arguments)
    rows = {int(k): Row(*row) for k, row in found["rows"].items()}
    verdict, report = judge(log_file, rows), verify([log_file])
    tell(f"{arguments}: {found['pids']} processes; {verdict.equation()}")
    assert {} == verdict.wrong
    assert verdict.balances()
    assert (20 * arguments["tasks"], 0) == (verdict.delivered, found["left"])
    assert (False, []) == (report.damaged, report.open_sessions), report.findings[:3]
    assert 0 == report.ended_unclean, "a worker did not say goodbye"
    return found["pids"]


@pytest.mark.process
def test_a_pool_with_a_process_a_task_loses_nothing(program, logs, tell):
    """Sixty processes in turn, on the few lanes of four at a time."""
    shape = {"kind": "multiprocess", "method": "fork", "tasks": 60, "a_child": 1}

    assert pooled(program, logs, tell, **shape) > 4


@pytest.mark.stress
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("kind", ["multiprocessing", "multiprocess"])
def test_two_thousand_processes_in_turn_lose_nothing(program, logs, tell, kind):
    """maxtasksperchild=1 over 2,000 tasks."""
    shape = {"kind": kind, "method": "fork", "tasks": 2_000, "a_child": 1}

    assert pooled(program, logs, tell, **shape) > 1_000


@pytest.mark.stress
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_pool_and_start_method_loses_nothing(program, logs, tell, kind, method):
    """Four workers, 400 tasks; those of a Pool are replaced after ten each."""
    shape = {"kind": kind, "method": method, "tasks": 400, "a_child": 10}

    # An executor starts further processes only while all it has are busy.
    least = 1 if kind == "concurrent.futures" else 2
    assert least <= pooled(program, logs, tell, **shape)

"""SIGKILL at random times, for everybody: every accepted event stands in the files once."""

from __future__ import annotations

import pytest
from oracle import Row, judge

from mplog.files.verify import verify

KINDS = {
    "workers": ["worker"],
    "writer": ["writer"],
    "supervisor": ["supervisor"],
    "all": ["worker", "writer", "supervisor"],
}
WORKERS = 4


def storm(program, logs, tell, *, kinds, seed, seconds, filters=False, when_full="block"):
    """One storm, and all that must hold after it."""
    log_file = logs / "app.jsonl"
    found = program(
        "fleet",
        seconds + 170,
        job="storm",
        file=str(log_file),
        rotation="1 MB",
        seed=seed,
        seconds=seconds,
        kinds=kinds,
        workers=WORKERS,
        pause_every=12 if when_full == "block" else 3_000,  # an overflow wants lanes that are full
        filters=filters,
        when_full=when_full,
        longest_pause_s=0.12 if kinds == ["worker"] else 0.2,
    )
    rows = {int(k): Row(*row) for k, row in found["rows"].items()}
    verdict, report = judge(log_file, rows, filters=filters), verify([log_file])
    tell(f"seed {seed}: killed {found['killed']}, pids {found['victims']}; {verdict.equation()}")
    assert (when_full == "overflow") == (found["chunks"] > 0)
    assert {} == verdict.wrong
    assert verdict.balances()
    assert found["fresh"], "an event after the storm did not get through"
    # Without supervisors for a while, the overflow of full lanes comes to its bound: that is told.
    assert 0 == verdict.refused or (when_full == "overflow" and "supervisor" in kinds)
    assert (False, []) == (report.damaged, report.open_sessions), report.findings[:3]
    assert verdict.filtered <= report.filtered <= verdict.filtered + verdict.unsure
    assert filters == (report.filtered > 0)
    return found, rows


def holds_its_point(found, rows, kinds):
    """The storm was one: each kind was hit, and came back."""
    assert all(found["killed"][kind] > 0 for kind in kinds)
    if "worker" in kinds:
        assert found["exits"]["signal 9"] == found["killed"]["worker"], found["exits"]
        reborn = len(rows) - 1 - WORKERS  # those killed last were not replaced any more
        assert max(found["killed"]["worker"] - WORKERS, 0) <= reborn <= found["killed"]["worker"]
    for kind in set(kinds) - {"worker"}:
        assert found["victims"][kind] == found["killed"][kind] > 1, "the same pid, not a new one"
    assert all(row.accepted > 0 for row in rows.values()) or "worker" in kinds, "nobody logged"


@pytest.mark.process
@pytest.mark.parametrize("who", KINDS)
def test_short_storm_loses_and_doubles_nothing(program, logs, tell, seed, who):
    """Some seconds of kills: accepted = delivered, each once, in order; logging goes on."""
    found, rows = storm(program, logs, tell, kinds=KINDS[who], seed=seed, seconds=3.0)

    holds_its_point(found, rows, KINDS[who])


@pytest.mark.process
def test_short_storm_counts_what_is_filtered(program, logs, tell, seed):
    """Some seconds of kills, with levels for some loggers: accepted = delivered + filtered."""
    found, rows = storm(
        program, logs, tell, kinds=KINDS["all"], seed=seed, seconds=3.0, filters=True
    )

    holds_its_point(found, rows, KINDS["all"])


@pytest.mark.process
def test_short_storm_on_full_lanes_loses_and_doubles_nothing(program, logs, tell, seed):
    """Workers that log faster than the writer writes, and overflow, killed like it."""
    kinds = ["worker", "writer"]
    found, rows = storm(
        program, logs, tell, kinds=kinds, seed=seed, seconds=2.5, when_full="overflow"
    )
    holds_its_point(found, rows, kinds)


@pytest.mark.stress
@pytest.mark.timeout(900)
def test_long_storm_on_full_lanes_loses_and_doubles_nothing(program, logs, tell, seed, seconds):
    """The same for longer, and the supervisor too."""
    kinds, length_s = KINDS["all"], seconds(60.0)
    found, rows = storm(
        program, logs, tell, kinds=kinds, seed=seed, seconds=length_s, when_full="overflow"
    )
    holds_its_point(found, rows, kinds)


@pytest.mark.stress
def test_long_storm_counts_what_is_filtered(program, logs, tell, seed, seconds):
    """A minute of kills: the same."""
    length_s = seconds(60.0)
    found, rows = storm(
        program, logs, tell, kinds=KINDS["all"], seed=seed, seconds=length_s, filters=True
    )

    holds_its_point(found, rows, KINDS["all"])


@pytest.mark.stress
@pytest.mark.parametrize("who", KINDS)
def test_long_storm_loses_and_doubles_nothing(program, logs, tell, seed, seconds, who):
    """A minute of kills: the same."""
    found, rows = storm(program, logs, tell, kinds=KINDS[who], seed=seed, seconds=seconds(60.0))

    holds_its_point(found, rows, KINDS[who])
    assert all(found["killed"][kind] >= 10 for kind in KINDS[who])

"""Hours of load, kills, rotation, retention and compression: the books balance every minute."""

from __future__ import annotations

import os

import pytest

MINUTES = os.environ.get("SOAK_MINUTES", "10")


def soaked(program, logs, tell, seed, *, name="soak", **arguments):
    """One soak; its verdict."""
    seconds = arguments["seconds"]
    found = program(name, seconds * 2 + 300, file=str(logs / "app.jsonl"), seed=seed, **arguments)
    tell(f"seed {seed}: {found}")
    assert [] == found["wrong"]
    return found


@pytest.mark.process
def test_a_soak_balances_its_books(program, logs, tell, seed):
    """Twelve seconds with kills of all kinds: nothing lost, doubled, leaked or left behind."""
    found = soaked(program, logs, tell, seed, seconds=12.0, stretch_s=6.0)

    assert found["kills"] >= 2
    assert found["exits"]["signal 9"] >= 1
    assert found["rotations"] >= 1


@pytest.mark.process
def test_a_soak_with_sinks_balances_theirs_too(program, logs, tell, seed):
    """Some seconds: what each was to get has arrived, was dropped and told, or waits."""
    found = soaked(program, logs, tell, seed, name="soak_sinks", seconds=4.0, stretch_s=4.0)

    assert found["events"] > 0
    assert min(found["absences"].values()) >= 1


@pytest.mark.stress
@pytest.mark.timeout(3 * 3600)
def test_a_long_soak_balances_its_books_and_grows_in_nothing(program, logs, tell, seed):
    """SOAK_MINUTES (10): the same every minute; memory, descriptors and files do not grow."""
    found = soaked(program, logs, tell, seed, seconds=60.0 * float(MINUTES))

    assert found["retired"] > 0


@pytest.mark.stress
@pytest.mark.timeout(3 * 3600)
def test_a_long_soak_with_sinks_grows_in_nothing(program, logs, tell, seed):
    """SOAK_MINUTES (10) with one writer: its threads, memory, descriptors and spool, too."""
    seconds = 60.0 * float(MINUTES)
    found = soaked(program, logs, tell, seed, name="soak_sinks", seconds=seconds)

    assert min(found["absences"].values()) >= 1

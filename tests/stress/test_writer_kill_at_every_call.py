"""SIGKILL for the writer before its n-th system call, each n: nothing lost, rotation finished."""

from __future__ import annotations

import pytest


def stepped(program, tell, seed, **arguments):
    """Run the stepper; what must hold of it."""
    found = program("stepper", 900, seed=seed, **arguments)
    tell(f"seed {seed}: a writer's life has {found['calls']} system calls; wrong: {found['wrong']}")
    assert {} == found["wrong"]
    assert found["calls"] > 100, "the writer did not work"


@pytest.mark.process
def test_a_kill_at_a_sample_of_system_calls_is_recovered_from(program, tell, seed):
    """After a kill at every 61st call the next writer delivers all, once, and ends the rotation."""
    stepped(program, tell, seed, first=1 + seed % 61, step=61, again=0)


@pytest.mark.stress
@pytest.mark.parametrize("again", [0, 2])
def test_a_kill_at_every_system_call_is_recovered_from(program, tell, seed, again):
    """At every call, without and with two more kills at random places of the recovery."""
    stepped(program, tell, seed, first=1, step=1, again=again)

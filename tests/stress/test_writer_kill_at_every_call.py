"""SIGKILL for the writer before its n-th system call, each n: nothing lost, rotation finished, the
workers' deaths told once.
"""

from __future__ import annotations

import pytest

LONG_S = 3600  # a life of a second or so, at each of its calls


def stepped(program, tell, seed, *, timeout_s=900, **arguments):
    """Run the stepper; what must hold of it."""
    found = program("stepper", timeout_s, seed=seed, **arguments)
    tell(f"seed {seed}: a writer's life has {found['calls']} system calls; wrong: {found['wrong']}")
    assert {} == found["wrong"]
    assert found["calls"] > 100, "the writer did not work"


@pytest.mark.process
def test_a_kill_at_a_sample_of_system_calls_is_recovered_from(program, tell, seed):
    """After a kill at every 61st call the next writer delivers all, once, and ends the rotation."""
    stepped(program, tell, seed, first=1 + seed % 61, step=61, again=0)


@pytest.mark.process
def test_archives_are_compressed_whichever_writer_dies(program, tell, seed):
    """A sample again: whoever compresses goes on, or the next writer has it done; each once."""
    arguments = {"first": 1 + seed % 151, "step": 151, "again": 0, "compression": "gzip"}
    stepped(program, tell, seed, **arguments)


@pytest.mark.process
def test_two_files_are_whole_whichever_call_their_writer_dies_at(program, tell, seed):
    """A sample again, of a writer of two files that rotate at different sizes."""
    stepped(program, tell, seed, first=1 + seed % 211, step=211, again=0, two=True)


@pytest.mark.stress
@pytest.mark.timeout(LONG_S + 60)
@pytest.mark.parametrize("again", [0, 2])
def test_a_kill_at_every_system_call_over_two_files_is_recovered_from(program, tell, seed, again):
    """At every call, without and with two more kills at random places of the recovery."""
    arguments = {"first": 1, "step": 1, "again": again, "two": True}
    stepped(program, tell, seed, timeout_s=LONG_S, **arguments)


@pytest.mark.stress
@pytest.mark.timeout(LONG_S + 60)
@pytest.mark.parametrize("compression", [None, "gzip"])
@pytest.mark.parametrize("again", [0, 2])
def test_a_kill_at_every_system_call_is_recovered_from(program, tell, seed, again, compression):
    """At every call, without and with two more kills at random places of the recovery."""
    arguments = {"first": 1, "step": 1, "again": again, "compression": compression}
    stepped(program, tell, seed, timeout_s=LONG_S, **arguments)


@pytest.mark.process
@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_kill_at_every_system_call_of_a_compression_loses_nothing(program, tell, kind):
    """Every call: the log verifies at once, and the next run compresses what is left."""
    found = program("squeezer", 300, kind=kind)
    tell(f"{kind}: compressing two archives takes {found['calls']} calls; wrong: {found['wrong']}")
    assert {} == found["wrong"]
    assert found["calls"] > 50, "it did not work"

"""What people send to a writer: stop, open the file anew, set it aside now."""

from __future__ import annotations

import os
import signal

import proof
import pytest

from mplog.files.archive import list_archives
from mplog.files.verify import verify

pytestmark = pytest.mark.process

LOAD = 'mplog.configure(LOG)\nproof.load("load")\nproof.note("over")'


def running(world):
    """A program that logs until it is stopped."""
    program = world.start(LOAD)
    world.noted(50)
    world.writer()
    world.fresh()
    return program


to_both = pytest.mark.parametrize("to", ["supervisor", "writer"])


def send(world, to, number):
    """A signal to one of the two; a supervisor hands it on."""
    os.kill(world.supervisor() if to == "supervisor" else world.writer(), number)


@to_both
def test_term_ends_a_writer_and_producers_start_another(world, to):
    """TERM while a producer is attached: it goes within its bound, and another one takes over."""
    program = running(world)
    before = world.writer()
    send(world, to, signal.SIGTERM)
    world.wait_for(lambda: world.writers()[1] not in ([], [before]), 40.0, "another writer")
    world.fresh()
    world.stop()
    assert ("", "") == world.finish(program)

    assert 1 == world.check().ended_clean


def test_a_writer_told_to_stop_leaves_when_the_last_one_has(world):
    """TERM to the whole group, as service managers do: the program ends, then the writer."""
    program = running(world)
    os.kill(world.supervisor(), signal.SIGTERM)
    world.stop()
    assert ("", "") == world.finish(program)

    assert 1 == world.check().ended_clean


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGHUP], ids=["USR1", "HUP"])
@to_both
def test_a_moved_file_is_left_and_a_new_one_begun(world, number, to):
    """logrotate's way: move, signal; later lines go to a new file, and both together are whole."""
    program = running(world)
    moved = world.log.with_name("moved.jsonl")
    world.log.rename(moved)
    send(world, to, number)
    world.wait_for(world.log.exists, 20.0, "a new file")
    size = moved.stat().st_size
    world.fresh()
    world.stop()
    assert ("", "") == world.finish(program)
    world.gone()

    assert size == moved.stat().st_size
    both = moved.read_bytes() + world.log.read_bytes()
    whole = world.root / "whole.jsonl"
    whole.write_bytes(both)
    proof.check(whole, world.acks)


@to_both
def test_usr2_sets_the_file_aside_now(world, to):
    """An archive at once, whatever its size; nothing is lost between the two."""
    program = running(world)
    send(world, to, signal.SIGUSR2)
    world.wait_for(lambda: list_archives(world.log.parent, world.log.name), 20.0, "an archive")
    world.fresh()
    world.stop()
    assert ("", "") == world.finish(program)
    report = world.check()

    assert 1 == len(list_archives(world.log.parent, world.log.name))
    assert [] == verify([world.log]).findings
    assert 2 == len(report.files)

"""`mplog reopen` and `mplog rotate`: the writer is asked, and has done it when the command ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import proof
import pytest

from mplog.files.archive import list_archives
from mplog.files.manifest import manifest_path

pytestmark = pytest.mark.process

LOAD = 'mplog.configure(LOG)\nproof.load("load")\nproof.note("over")'


@pytest.fixture
def mplog(world):
    """`mplog(word…)`: exit code, output, errors of a command."""

    def run(*words):
        done = subprocess.run(
            [sys.executable, "-m", "mplog", *map(str, words)],
            env=world.environment(),
            cwd=world.root,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture
def load(world):
    """A program that logs until the test is over; what it logged is then held against the log."""
    program = world.start(LOAD)
    world.noted(50)
    world.fresh_file()

    def over(*told):
        world.fresh()
        world.stop()
        out, err = world.finish(program)
        assert ("", []) == (out, [line for line in err.splitlines() if line not in told])
        world.gone()
        return proof.check(world.log, world.acks)

    return over


def test_reopen_ends_when_the_moved_file_is_left(world, mplog, load):
    """Not a byte comes into the moved file afterwards, and both together are whole."""
    moved = world.log.with_name("moved.jsonl")
    world.log.rename(moved)
    assert (0, "", "") == mplog("reopen", world.log)
    size = moved.stat().st_size
    assert world.log.exists()
    world.fresh()
    assert size == moved.stat().st_size
    world.stop()
    world.gone()

    whole = world.root / "whole.jsonl"
    whole.write_bytes(moved.read_bytes() + world.log.read_bytes())
    proof.check(whole, world.acks)


def test_rotate_ends_when_the_archive_is_there(world, mplog, load):
    """One archive a call, at once, under load."""
    for count in (1, 2, 3):
        assert (0, "", "") == mplog("rotate", world.log)
        assert count == len(list_archives(world.log.parent, world.log.name))
        world.fresh()
    report = load()

    assert 4 == len(report.files)


def test_the_name_of_a_service_will_do(world, mplog, load):
    """As `mplog status` shows it; the path too, however it is spelled."""
    (bell,) = world.directory.glob("*.bell")
    link = world.root / "link"
    link.symlink_to(world.log.parent)
    for name in (bell.name.rsplit(".", 2)[0], link / world.log.name, "log/app.jsonl"):
        assert (0, "", "") == mplog("rotate", name, "--dir", world.directory)
    load()

    assert 3 == len(list_archives(world.log.parent, world.log.name))


def test_without_a_writer_there_is_nothing_to_reopen_and_nothing_to_rotate(world, mplog):
    """Also where there has never been one; rotate says that by its exit code."""
    for there in (False, True):
        if there:
            world.run('mplog.configure(LOG)\nproof.Producer("one").events(3)')
            world.gone()
        code, out, err = mplog("reopen", world.log)
        assert (0, "") == (code, err)
        assert "nothing to reopen" in out
        code, out, err = mplog("rotate", world.log)
        assert (1, "") == (code, out)
        assert "no writer is at work" in err
    proof.check(world.log, world.acks)
    assert [] == list_archives(world.log.parent, world.log.name)


def test_a_rotation_that_is_refused_says_why(world, mplog, load):
    """The manifest cannot be read: exit 1, the log goes on; rotated once the cause is gone."""
    manifest = manifest_path(world.log.parent, world.log.name)
    manifest.mkdir()
    code, out, err = mplog("rotate", world.log)
    assert (1, "") == (code, out)
    assert "cannot rotate" in err
    world.fresh()
    told = err.replace("mplog rotate:", "mplog:").strip() + " [MPL-T003]"
    manifest.rmdir()
    assert (0, "", "") == mplog("rotate", world.log)
    load(told)

    assert 1 == len(list_archives(world.log.parent, world.log.name))


def test_a_writer_that_does_not_answer_is_told(world, mplog, load):
    """It is stopped: exit 1 when the time is up; what was asked is done when it goes on."""
    writer = world.writer()
    os.kill(writer, signal.SIGSTOP)
    try:
        code, out, err = mplog("rotate", world.log, "--timeout", "0.3")
    finally:
        os.kill(writer, signal.SIGCONT)
    assert (1, "") == (code, out)
    assert f"process {writer}, does not answer" in err
    world.wait_for(lambda: list_archives(world.log.parent, world.log.name), 20.0, "an archive")
    load()


def test_a_writer_that_is_being_started_again_is_waited_for(world, mplog, load):
    """Killed just before: its successor does it."""
    before = world.writer()
    world.kill(before)
    assert (0, "", "") == mplog("rotate", world.log)
    assert before != world.writer()
    load()

    assert 1 == len(list_archives(world.log.parent, world.log.name))


def test_an_empty_file_is_not_set_aside(world, mplog):
    """Exit 0, and told."""
    program = world.start("mplog.configure(LOG)\nproof.note('ready')\nsys.stdin.readline()")
    world.noted(1)
    world.wait_for(world.log.exists, 20.0, "the file")
    code, out, err = mplog("rotate", world.log)
    world.go_on(program)
    assert ("", "") == world.finish(program)
    world.gone()

    assert (0, "") == (code, err)
    assert "is empty: nothing to set aside" in out
    assert [] == list_archives(world.log.parent, world.log.name)

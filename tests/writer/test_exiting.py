"""Leaving a process without taking the interpreter apart."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import pytest

pytestmark = pytest.mark.process

HEAD = """
import atexit, os, sys, time
from mplog.writer.exiting import forget_parents, leave
"""
run = partial(subprocess.run, capture_output=True, text=True, timeout=60)


def left(source: str) -> subprocess.CompletedProcess[str]:
    """How a program that leaves has ended."""
    return run([sys.executable, "-c", HEAD + source])


def test_what_was_registered_is_called_and_what_was_printed_arrives() -> None:
    """Last registered, first called; nothing of the interpreter's own end is done."""
    done = left("""
class Last:
    def __del__(self):
        os.write(1, b"taken apart")
kept = Last()
atexit.register(print, "one")
atexit.register(print, "two")
leave(3, 50.0)
""")
    assert (3, "two\none\n", "") == (done.returncode, done.stdout, done.stderr)


def test_what_hangs_is_left_behind_after_the_patience() -> None:
    """The exit code is the one that was meant."""
    done = left("""
atexit.register(time.sleep, 1_000)
atexit.register(print, "called", flush=True)
leave(4, 1.0)
""")
    assert (4, "called\n") == (done.returncode, done.stdout)


def test_what_raises_keeps_nothing_else_from_being_called() -> None:
    """It is told on stderr."""
    done = left("""
def wrong():
    raise RuntimeError("not today")
atexit.register(print, "called")
atexit.register(wrong)
leave(0, 50.0)
""")
    assert (0, "called\n") == (done.returncode, done.stdout)
    assert "not today" in done.stderr


def test_a_forked_process_calls_nothing_of_its_parents() -> None:
    """That is for the parent to do, once."""
    done = left("""
atexit.register(print, "parent's", flush=True)
pid = os.fork()
if pid == 0:
    forget_parents()
    atexit.register(print, "own", flush=True)
    leave(5, 50.0)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5
""")
    assert (0, "own\nparent's\n") == (done.returncode, done.stdout)

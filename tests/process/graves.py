"""Workers that log and die, and what is told of them: for the tests of deaths."""

from __future__ import annotations

import proof

# Forks workers that log and die; each has been seen by the writer before.
PARENT = """
import ctypes, signal
mplog.configure(LOG)
proof.Producer("parent").event()
mplog.flush(20)

def worker(name, die):
    pid = os.fork()
    if pid == 0:
        proof.Producer(name).events(3)
        mplog.flush(20)
        die()
    proof.note(f"is {name}:{pid}")
    return pid

def by(number):
    return lambda: os.kill(os.getpid(), number)
"""


def deaths(world, lines=None):
    """By the name of the worker, what is told of its death (in these *lines*); each one once."""
    pids = {}
    for line in proof.noted(world.acks):
        if line.startswith("is "):
            name, _, pid = line[3:].rpartition(":")
            pids[int(pid)] = name
    found = {}
    for line in proof.lines_of(world.log) if lines is None else lines:
        if line.get("event_name") == "mplog.death":
            name = pids[line["process.pid"]]
            assert name not in found, f"{name} is told twice"
            found[name] = line
    return found


def told(world, count):
    """Wait until so many deaths stand in the log."""
    world.wait_for(
        lambda: len(deaths(world, proof.lines_so_far(world.log))) >= count,
        20.0,
        f"{count} deaths told",
    )


def how(line):
    """How a worker went, in short."""
    return line["how"], line.get("signal", line.get("exit_code")), line["level"]

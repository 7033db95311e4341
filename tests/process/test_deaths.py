"""A worker that ends without a goodbye leaves an event that says how: once, whoever else dies."""

from __future__ import annotations

import os
import signal
import time

import proof
import pytest
from graves import PARENT, deaths, how, told

pytestmark = pytest.mark.process

MANNERS = (
    PARENT
    + """
manners = {
    "killed": by(signal.SIGKILL),
    "asked": by(signal.SIGTERM),
    "aborted": os.abort,
    "crashed": lambda: ctypes.string_at(0),
    "real time": by(signal.SIGRTMIN + 3),
    "gave up": lambda: os._exit(3),
    "left": lambda: os._exit(0),
    "became another": lambda: os.execvp("sleep", ["sleep", "60"]),
}
pids = [worker(name, die) for name, die in manners.items()]
for pid in pids[:-1]:
    os.waitpid(pid, 0)
sys.stdin.readline()
os.kill(pids[-1], signal.SIGKILL)
os.waitpid(pids[-1], 0)
proof.Producer("parent again").event()
"""
)


def test_each_death_is_told_once_with_its_manner(world):
    """Signals, exit codes, an exec: each with what the kernel knows of it, and its last number."""
    program = world.start(MANNERS)
    told(world, 8)
    world.go_on(program)
    world.finish(program)
    report = world.check()

    found = deaths(world)
    assert {name: how(line) for name, line in found.items()} == {
        "killed": ("signal", "SIGKILL", "ERROR"),
        "asked": ("signal", "SIGTERM", "INFO"),
        "aborted": ("signal", "SIGABRT", "ERROR"),
        "crashed": ("signal", "SIGSEGV", "ERROR"),
        "real time": ("signal", "SIGRTMIN+3", "ERROR"),
        "gave up": ("exit", 3, "WARNING"),
        "left": ("exit", 0, "INFO"),
        "became another": ("alive", None, "INFO"),
    }
    assert {3} == {line["last"] for line in found.values()}
    assert 8 == report.ended_unclean
    text = found["killed"]["message"]
    assert "ended without saying goodbye: killed by SIGKILL after " in text
    assert text.endswith("; its last event is number 3")


def test_a_goodbye_is_no_death(world):
    """Who detaches, or exits in the ordinary way, is not told as dead."""
    leave = "mplog.configure(LOG)\nproof.Producer(sys.argv[1]).event()\n"
    world.run(leave + "mplog.shutdown()\nos._exit(9)", "one", code=9)
    world.run(leave + "sys.exit(9)", "two", code=9)
    world.check()

    assert {} == deaths(world)


SILENT = (
    PARENT
    + """
def silent(name, die):
    (ready, attached), (gone_on, go_on) = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        mplog.attach()
        os.write(attached, b".")
        os.read(gone_on, 1)
        die()
    os.read(ready, 1)
    proof.Producer(f"beside {name}").event()
    assert mplog.flush(60)  # by then the writer has seen who is there
    os.write(go_on, b".")
    proof.note(f"is {name}:{pid}")
    return pid
pids = [silent("killed", by(signal.SIGKILL)), silent("left", lambda: os._exit(0))]
for pid in pids:
    os.waitpid(pid, 0)
"""
)


def test_a_worker_that_has_logged_nothing_is_told_when_it_was_killed(world):
    """Attached, no event: a signal is worth telling, an end that nobody can see anything in not."""
    world.run(SILENT)
    world.check()

    found = deaths(world)
    assert ["killed"] == list(found)
    assert found["killed"]["message"].endswith("it has logged nothing")


CROWD = (
    PARENT
    + """
pids = [worker(f"w{i}", lambda: time.sleep(60)) for i in range(int(sys.argv[1]))]
sys.stdin.readline()
for pid in pids:
    os.kill(pid, signal.SIGKILL)
for pid in pids:
    os.waitpid(pid, 0)
proof.Producer("parent again").event()
mplog.flush(20)
proof.note("flushed")
sys.stdin.readline()
"""
)


def so_far(world):
    """By producer, what the log has of it, while it is written."""
    return proof.delivered(world.log, proof.lines_so_far(world.log))


def settled_crowd(world, count=50):
    """A program with so many workers, all of whose events stand in the log."""
    program = world.start(CROWD, str(count))
    world.wait_for(
        lambda: len(so_far(world)) == count + 1,
        100.0,
        "the events of all workers",
    )
    return program


@pytest.mark.parametrize("count", [50, pytest.param(300, marks=pytest.mark.stress)])
def test_those_killed_at_once_are_each_told(world, count):
    """All of them, with their signal, and a fresh event flows."""
    program = settled_crowd(world, count)
    world.go_on(program)
    told(world, count)
    world.go_on(program)
    world.finish(program)
    report = world.check()

    assert {("signal", "SIGKILL", "ERROR")} == {how(line) for line in deaths(world).values()}
    assert (count, count) == (len(deaths(world)), report.ended_unclean)


def test_a_writer_killed_while_it_tells_tells_nobody_twice(world):
    """Fifty deaths and, in the middle of them, three writers': each of the fifty is told once, with
    the signal that the dead writer would have told.
    """
    program = settled_crowd(world)
    world.go_on(program)
    killed = set()
    for _ in range(3):
        writer = world.writer()
        world.kill(writer)
        killed.add(writer)
        time.sleep(0.02)  # wherever that is; the stepper goes through every place
    told(world, 50)
    world.noted(51)
    world.go_on(program)
    world.finish(program)
    report = world.check()

    assert 3 == len(killed)
    assert {("signal", "SIGKILL", "ERROR")} == {how(line) for line in deaths(world).values()}
    assert (50, 50) == (len(deaths(world)), report.ended_unclean)


ALONE = (
    PARENT
    + """
pids = [worker(name, lambda: time.sleep(60)) for name in ("buried", "unburied")]
sys.stdin.readline()
for pid in pids:
    os.kill(pid, signal.SIGKILL)
os.waitpid(pids[0], 0)
os.waitid(os.P_PID, pids[1], os.WEXITED | os.WNOWAIT)
proof.note("dead")
sys.stdin.readline()
proof.Producer("parent again").event()
mplog.flush(20)
os.waitpid(pids[1], 0)
"""
)


def test_deaths_without_a_writer_are_told_by_the_next(world):
    """Nobody was there: the signal of an unburied one is still known, that of a buried one not."""
    program = world.start(ALONE)
    world.wait_for(lambda: len(proof.noted(world.acks)) >= 9, 20.0, "both workers' events")
    world.wait_for(lambda: len(so_far(world)) == 3, 20.0, "their lines")
    for pid in (world.supervisor(), world.writer()):
        os.kill(pid, signal.SIGSTOP)
    for pid in (*world.writers()[0], *world.writers()[1]):
        world.kill(pid)
    world.go_on(program)
    world.wait_for(lambda: "dead" in proof.noted(world.acks), 20.0, "both deaths")
    world.go_on(program)
    world.finish(program)
    world.check()

    found = deaths(world)
    assert ("unknown", None, "WARNING") == how(found["buried"])
    assert ("signal", "SIGKILL", "ERROR") == how(found["unburied"])
    assert "lifetime_s" not in found["buried"]


NAMESPACE = """
mplog.configure(LOG)
proof.Producer("inside").events(3)
mplog.flush(20)
os._exit(5)
"""


@pytest.mark.needs_root
def test_a_pid_of_another_namespace_means_nothing(world):
    """A worker whose pid is another process here: it is told, and not taken for that one."""
    inside = world.start(NAMESPACE, prefix=["unshare", "--pid", "--fork", "--mount-proc"])
    keeper = world.start('mplog.configure(LOG)\nproof.load("outside")')
    assert 5 == inside.wait(timeout=60)
    world.wait_for(
        lambda: any(
            line.get("event_name") == "mplog.death" for line in proof.lines_so_far(world.log)
        ),
        20.0,
        "the death",
    )
    world.stop()
    world.finish(keeper)
    world.check()

    lines = [one for one in proof.lines_of(world.log) if one.get("event_name") == "mplog.death"]
    assert [("unknown", None, "WARNING")] == [how(line) for line in lines]

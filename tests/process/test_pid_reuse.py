"""A pid that is given again: who logs is told apart all the same."""

from __future__ import annotations

from pathlib import Path

import proof
import pytest

LAST_PID = Path("/proc/sys/kernel/ns_last_pid")

pytestmark = [
    pytest.mark.process,
    pytest.mark.needs_root,
    pytest.mark.skipif(not LAST_PID.exists(), reason="needs ns_last_pid, which was NOT tested"),
]

# Process 1 of a pid namespace, in which the service lives too.
GENERATIONS = """
import signal
assert os.getpid() == 1
mplog.configure(LOG)
proof.Producer("first").events(5)
assert mplog.flush(60)

def again(name, pid, leave):
    with open("/proc/sys/kernel/ns_last_pid", "w") as last:
        last.write(str(pid - 1))
    child = os.fork()
    if child == 0:
        proof.Producer(name).events(5)
        leave()
    assert child == pid, (child, pid)
    os.waitpid(child, 0)

def killed():
    os.kill(os.getpid(), signal.SIGKILL)

def left():
    mplog.shutdown(20)
    os._exit(0)

def writer():
    for name in filter(str.isdigit, os.listdir("/proc")):
        maps = open(f"/proc/{name}/maps").read()
        if ".journal" in maps:
            return int(name)

for n in range(10):
    again(f"killed {n}", 500, killed)
    again(f"left {n}", 500, left)
os.kill(writer(), signal.SIGSTOP)
for n in range(10, 20):
    again(f"killed {n}", 500, killed)
os.kill(writer(), signal.SIGCONT)
again("heir", 500, left)
assert mplog.flush(60)
"""


def test_processes_of_one_pid_are_told_apart(world):
    """P8: thirty processes get the pid 500 in turn, also while the writer stands still: each has a
    session of its own, and each that is killed is an end without a goodbye.
    """
    world.run(GENERATIONS, prefix=["unshare", "--pid", "--fork", "--mount-proc"])
    report = world.check()
    lines = [line for line in proof.lines_of(world.log) if line.get("p", "first") != "first"]
    sessions = {(line["session"], line["p"]) for line in lines}

    deaths = [row for row in proof.lines_of(world.log) if row.get("event_name") == "mplog.death"]

    assert {500} == {line["process.pid"] for line in lines}
    assert 31 == len(sessions) == len({session for session, _ in sessions})
    assert (20, 12) == (report.ended_unclean, report.ended_clean)
    assert {name for session, name in sessions if "killed" in name} == {
        name for session, name in sessions if session in {row["session"] for row in deaths}
    }
    manners = {(row["how"], row.get("signal")) for row in deaths}
    assert manners <= {("signal", "SIGKILL"), ("unknown", None)}, "another's end was taken for it"

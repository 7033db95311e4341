"""Programs that end without a goodbye, or that the kernel bounds: nothing accepted is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import proof
import pytest
from bounds import Group
from graves import deaths, how, told

pytestmark = pytest.mark.process

MEMORY = 64 << 20


@pytest.fixture
def processes() -> Iterator[Group]:
    """A group that bounds how many processes there are; name it before `world`."""
    made = Group("pids")
    yield made
    made.close()


@pytest.fixture
def memory() -> Iterator[Group]:
    """A group that bounds memory; name it before `world`."""
    made = Group("memory")
    made.bound("memory.limit_in_bytes", MEMORY)
    yield made
    made.close()


# Each process forks as long as the kernel lets it, and logs before each try; so do its children.
BOMB = """
import signal
mplog.configure(LOG)
first, made = os.getpid(), []
def stopped():
    return os.path.exists(os.environ["PROOF_STOP"])
producer = proof.Producer("first")
producer.event()
assert mplog.flush(60)
while not stopped():
    producer.event()
    try:
        pid = os.fork()
    except BlockingIOError:
        proof.note("refused")
        time.sleep(0.05)
        continue
    if pid:
        made.append(pid)
    else:
        made, producer = [], proof.Producer(f"p{os.getpid()}")
        proof.note(f"born: {os.getpid()}")
while made:
    assert 0 == os.waitpid(made.pop(), 0)[1]
producer.event()
if os.getpid() != first:
    mplog.shutdown()
    os._exit(0)
"""


@pytest.mark.needs_root
@pytest.mark.parametrize("most", [20, pytest.param(200, marks=pytest.mark.stress)])
def test_a_fork_bomb_in_its_bounds_loses_nothing(processes, world, most):
    """P5: forks until the kernel refuses, by all children too, the writer among them; each child
    has a session of its own, and a writer that is killed meanwhile is back.
    """
    processes.bound("pids.max", most)
    program = world.start(BOMB, prefix=processes.prefix)
    world.wait_for(lambda: "refused" in proof.noted(world.acks), 60.0, "a refused fork")
    world.kill(world.writer())
    world.wait_for(lambda: proof.noted(world.acks).count("refused") > most, 60.0, "refusals")
    world.stop()
    world.finish(program)
    report = world.check()
    born = [line for line in proof.noted(world.acks) if line.startswith("born: ")]
    sessions = {(row["session"], row["p"]) for row in proof.lines_of(world.log) if "p" in row}

    assert processes.count("pids.events", "max") > most
    assert most // 2 < len(born)
    assert len(sessions) == len({session for session, _ in sessions}) == 1 + len(born)
    assert (0, 0) == (report.dropped, report.ended_unclean)


# What ends it is the last thing that it does; nobody has told mplog of it.
ENDS = {
    "exit": ("os._exit(3)", 3, ("exit", 3, "WARNING")),
    "segfault": ("ctypes.string_at(0)", -signal.SIGSEGV, ("signal", "SIGSEGV", "ERROR")),
    "out of memory": ("hoard()", -signal.SIGKILL, ("signal", "SIGKILL", "ERROR")),
}
DOOMED = """
import ctypes
def hoard():
    kept = []
    while True:
        kept.append(b"x" * (1 << 20))
        producer.event()
mplog.configure(LOG)
proof.note(f"is doomed:{{os.getpid()}}")
producer = proof.Producer("doomed")
producer.events(300)
assert mplog.flush(60)  # the writer has seen it, so it will see its end, too
{end}
"""
HONEST = "mplog.configure(LOG)\nproof.load('honest', 0.001)"


@pytest.mark.needs_root
@pytest.mark.parametrize("end", ENDS)
def test_what_a_process_had_logged_before_its_sudden_end_is_there(memory, world, end):
    """P6: os._exit, a segfault, the OOM killer; the other one logs on, and the end is told."""
    words, code, manner = ENDS[end]
    honest = world.start(HONEST)
    world.noted(20)
    world.fresh_file()
    doomed = world.start(DOOMED.format(end=words), prefix=memory.prefix)
    doomed.communicate(timeout=60)
    assert code == doomed.returncode
    world.fresh()
    told(world, 1)
    world.stop()
    world.finish(honest)
    world.check(killed={"doomed"})

    assert (end == "out of memory") == (memory.count("memory.oom_control", "oom_kill") > 0)
    assert manner == how(deaths(world)["doomed"])
    assert 300 <= len(proof.delivered(world.log)["doomed"])


def test_bounds_are_left_as_they_were(tmp_path):
    """No group of a test stays."""
    group = Group("pids") if os.geteuid() == 0 else pytest.skip("needs root")
    group.close()

    assert not group.path.exists()

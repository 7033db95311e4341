"""A writer that the kernel bounds: descriptors, memory, rights. It goes on with what it has."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator

import proof
import pytest
from bounds import Group
from scene import Scene

from mplog.files.archive import list_archives

pytestmark = [pytest.mark.process, pytest.mark.needs_root]

NOBODY = 65534
LOAD = """
mplog.configure(LOG, when_full="overflow", retention=None)
producer = proof.Producer("load")
while not os.path.exists(os.environ[proof.STOP]):
    if not producer.event():
        proof.note("refused")
    time.sleep(0.001)
producer.event()
"""
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


def rotate(world):
    """What `mplog rotate` complains of."""
    command = [sys.executable, "-m", "mplog", "rotate", str(world.log), "--timeout", "20"]
    return subprocess.run(
        command, env=world.environment(), check=False, capture_output=True, text=True
    ).stderr


def test_a_writer_without_descriptors_goes_on_in_its_file(world):
    """W6: its limit is below what it has open, then leaves it none, then one: every event is in the
    file that is open; the rotation that cannot be made is told, and made afterwards.
    """
    program = world.start(LOAD)
    world.noted(20)
    world.fresh()
    writer = world.writer()
    before = resource.prlimit(writer, resource.RLIMIT_NOFILE)
    free = min({*range(1000)} - {int(name) for name in os.listdir(f"/proc/{writer}/fd")})
    for limit in (0, free - 1, free, free + 1):
        resource.prlimit(writer, resource.RLIMIT_NOFILE, (limit, before[1]))
        world.fresh()
        if limit <= free:
            assert "EMFILE" in rotate(world)
    resource.prlimit(writer, resource.RLIMIT_NOFILE, before)
    assert "" == rotate(world)
    world.fresh()
    world.stop()
    out, err = world.finish(program)
    report = world.check()

    assert "" == out
    assert all("EMFILE" in line for line in err.splitlines()), err
    assert list_archives(world.log.parent, world.log.name)
    assert (1, 0) == (report.ended_clean, report.dropped)
    assert [] == [line for line in proof.noted(world.acks) if "refused" in line]


FEW = """
import resource
limit = int(sys.argv[1])
mplog.Logger, mplog.configure, mplog.MplogError  # all is imported while that can be done
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
try:
    mplog.configure(LOG)
except mplog.MplogError as error:
    print(error)
log = mplog.get_logger("few")
print(sum(log.info("number {n}", n=n, few=limit) for n in range(10)))
mplog.shutdown(timeout=0.5)
os._exit(0)
"""
SOME = (6, 15, 18)


@pytest.mark.parametrize(
    "limits", [SOME, pytest.param(range(4, 40), marks=pytest.mark.stress)], ids=["some", "each"]
)
@pytest.mark.timeout(600)
def test_a_program_with_few_descriptors_runs_and_loses_nothing(world, limits):
    """W6: a limit of so many for a program and its writer: it runs to its end; what was accepted is
    in the file, at the latest when the next program has run.
    """
    accepted = {}
    for limit in limits:
        out, err = world.run(FEW, str(limit), quiet=False)
        accepted[limit] = int(out.splitlines()[-1])
        assert "Traceback" not in err
        assert accepted[limit] == 10 or "Too many open files" in err
    world.run('mplog.configure(LOG)\nproof.Producer("next").events(5)')
    world.check()
    lines = proof.lines_of(world.log)

    assert accepted == {limit: sum(row.get("few") == limit for row in lines) for limit in limits}


# In the writer: takes memory at the event that says so, the first time.
HOG = """
import os

def keep(event):
    if "hog" in event.fields and os.path.exists(os.environ["HOG"]):
        kept = []
        while True:
            kept.append(b"x" * (1 << 20))
    return True
"""


@pytest.fixture
def memory() -> Iterator[Group]:
    """A group that bounds memory; name it before `world`."""
    made = Group("memory")
    yield made
    made.close()


def test_a_writer_that_the_oom_killer_ends_is_back(memory, world, monkeypatch):
    """W7: again and again, at the same event, as long as there is no memory for it; then it comes
    through, and everything else is there.
    """
    (world.root / "hungry.py").write_text(HOG)
    hog = world.root / "hog"
    hog.touch()
    monkeypatch.setenv("HOG", str(hog))
    program = world.start(
        """
        mplog.configure(LOG, filter="hungry:keep", when_full="overflow")
        proof.Producer("before").events(20)
        assert mplog.flush(20)
        proof.note("ready")
        sys.stdin.readline()
        assert mplog.get_logger("hog").info("here", hog=1)
        proof.load("load", 0.001)
        """,
        PYTHONPATH=os.pathsep.join([str(world.root), world.environment()["PYTHONPATH"]]),
    )
    world.wait_for(lambda: "ready" in proof.noted(world.acks), 60.0, "the program")
    memory.bound("memory.limit_in_bytes", 64 << 20)
    memory.take(world.supervisor())
    memory.take(world.writer())
    world.go_on(program)
    world.wait_for(
        lambda: memory.count("memory.oom_control", "oom_kill") >= 3, 100.0, "three OOM kills"
    )
    hog.unlink()
    world.fresh()
    world.stop()
    assert ("", "") == world.finish(program)
    report = world.check()

    assert 1 == sum("hog" in row for row in proof.lines_of(world.log))
    assert 0 == report.dropped


def test_a_writer_of_nobody_rotates_its_files(outside):
    """W8: no rights but a user's own: files of its own, which stay its own through rotations."""
    world = outside
    scene = Scene(world, prefix=AS_NOBODY, rotation="100 KB")
    for pid in (world.writer(), world.supervisor()):
        assert NOBODY == os.stat(f"/proc/{pid}").st_uid
    world.wait_for(
        lambda: len(list_archives(world.log.parent, world.log.name)) >= 3, 60.0, "archives"
    )
    scene.whole()

    files = [path for path in world.log.parent.iterdir() if path.is_file()]
    assert {NOBODY} == {path.stat().st_uid for path in files}

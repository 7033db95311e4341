"""Rotation under load, and a writer killed at every step of it."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess

import proof
import pytest

from mplog.files.archive import list_archives

pytestmark = pytest.mark.process

LIMIT_BYTES = 200_000
LOAD = """
import multiprocessing
os.umask(int(sys.argv[2], 8))
mplog.configure(LOG, rotation="200 KB", retention=3, mode=sys.argv[1], block_timeout="60 s")
fork = multiprocessing.get_context("fork")
def work(name): proof.Producer(name, padding=300).events(1500)
workers = [fork.Process(target=work, args=(f"w{i}",)) for i in range(3)]
for one in workers: one.start()
for one in workers: one.join()
assert [0] * 3 == [one.exitcode for one in workers]
"""


@pytest.mark.parametrize(("mode", "umask"), [("0600", "077"), ("0640", "0777"), ("0640", "000")])
def test_rotation_under_load_keeps_every_promise(world, mode, umask):
    """Three archives, no file over the limit, the mode exact under any umask, nothing lost."""
    world.acks.touch()
    world.run(LOAD, mode, umask)
    report = world.check(retired=True)
    files = proof.log_files(world.log)

    assert 3 == len(list_archives(world.log.parent, world.log.name))
    assert report.retired_archives > 3
    assert LIMIT_BYTES >= max(path.stat().st_size for path in files)
    assert {int(mode, 8)} == {stat.S_IMODE(path.stat().st_mode) for path in files}


def test_a_line_longer_than_a_whole_file_has_a_file_of_its_own(world):
    """An event of 20 KB and files of 10 KB: it is whole, alone in its file."""
    world.run(
        """
        mplog.configure(LOG, rotation="10 KB", retention=None)
        for number, padding in enumerate((100, 20_000, 100, 20_000)):
            proof.Producer(f"of {padding}, number {number}", padding=padding).event()
            mplog.flush(10)
        """
    )
    report = world.check()
    large = [path for path in proof.log_files(world.log) if path.stat().st_size > 10_000]

    assert 4 == report.events
    assert {1} == {len(path.read_bytes().splitlines()) for path in large}
    assert 2 == len(large)


# A writer under strace dies at the n-th of these calls; its successor must finish what it began.
STEPS = "pwrite64,write,renameat2,rename,openat,unlink,ftruncate"
TRACED = """
mplog.configure(LOG, rotation="20 KB", retention=2, block_timeout="60 s")
proof.Producer("first", padding=300).events(20)
mplog.flush(10)
proof.note("ready")
sys.stdin.readline()
for name in ("second", "third"):
    proof.Producer(name, padding=300).events(100)
    mplog.flush(30)
"""


def killed_at(world, number):
    """Let the writer die at its n-th call; True when that happened, and the log is whole anyway."""
    program = world.start(TRACED)
    world.noted(21)
    trace = world.root / "trace"
    tracer = subprocess.Popen(
        [
            *("strace", "-o", str(trace), "-p", str(world.writer()), "-e", f"trace={STEPS}"),
            *("-e", f"inject={STEPS}:signal=KILL:when={number}"),
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert tracer.stderr is not None
        assert "attached" in tracer.stderr.readline()
        world.go_on(program)
        assert ("", "") == world.finish(program)
        world.gone()
    finally:
        tracer.communicate(timeout=30)
    proof.check(world.log, world.acks, retired=True)
    archives = list_archives(world.log.parent, world.log.name)
    assert 1 <= len(archives) <= 2
    left = set(os.listdir(world.log.parent)) - {one.name for one in archives} - {world.log.name}
    assert all(name.endswith((".mplog", ".lock", "manifest")) for name in left), left
    return "killed by SIGKILL" in trace.read_text()


traced = pytest.mark.skipif(
    not shutil.which("strace"), reason="strace is missing: kills inside a rotation were NOT tested"
)


@traced
@pytest.mark.parametrize("number", [1, 2, 4, 7, 9])
def test_a_writer_killed_at_a_step_of_a_rotation_loses_nothing(world, number):
    """The first calls after a rotation is due: files, manifest and archives are whole."""
    assert killed_at(world, number)


@traced
@pytest.mark.stress
@pytest.mark.timeout(1800)
def test_a_writer_killed_at_any_step_loses_nothing(world):
    """Every call of several rotations and retirements, until none is left to be killed at."""
    number = 1
    while killed_at(world, number):
        number += 1
        for path in (world.log.parent, world.acks):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        world.log.parent.mkdir()

    assert number > 30

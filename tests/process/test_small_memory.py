"""Shared memory of a megabyte, named by MPLOG_DIR: never SIGBUS, always told, always counted."""

from __future__ import annotations

import os
import subprocess

import proof
import pytest

pytestmark = [pytest.mark.process, pytest.mark.needs_root]


@pytest.fixture
def megabyte(world):
    """The directory of the service is a tmpfs of 1 MB."""
    options = "size=1m,mode=700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", world.directory], check=True)
    yield world.directory
    subprocess.run(["umount", "--lazy", world.directory], check=True)


CROWD = """
mplog.configure(LOG, when_full=sys.argv[2])
children = []
for i in range(int(sys.argv[1])):
    pid = os.fork()
    if pid == 0:
        producer = proof.Producer(f"w{i}", padding=2000)
        producer.events(40)
        proof.note(f"called: {producer.number}")
        mplog.shutdown()
        os._exit(0)
    children.append(pid)
ends = {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children}
print(sorted(ends))
"""


@pytest.mark.parametrize("when_full", ["overflow", "block", "drop_newest"])
def test_a_crowd_in_a_megabyte_ends_well(world, megabyte, when_full):
    """Thirty processes want more than is there: all end by themselves, what is accepted arrives,
    the rest is told on stderr.
    """
    out, err = world.run(CROWD, "30", when_full, quiet=False)
    report = world.check()
    calls = sum(
        int(line.rpartition(" ")[2]) for line in proof.noted(world.acks) if "called:" in line
    )

    assert "[0]" == out.strip()
    assert 30 * 40 == calls
    assert 0 < report.events
    assert all(line.startswith("mplog: ") for line in err.splitlines()), err
    if report.events < calls:
        assert "dropped and counted" in err


def test_a_directory_that_is_full_is_told_and_logs_again_when_there_is_room(world, megabyte):
    """Not one byte free: the program runs on and is told why; after that room is used."""
    blocker = megabyte / "blocker"
    with blocker.open("wb") as file:
        while True:
            try:
                os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, 4096)
            except OSError:
                break
    _, err = world.run(
        """
        mplog.configure(LOG)
        log = mplog.get_logger("w")
        print([log.info("nowhere"), log.warning("nowhere")])
        """,
        quiet=False,
    )
    blocker.unlink()
    world.run('mplog.configure(LOG)\nproof.Producer("after").events(10)')
    report = world.check()

    assert "shared memory" in err
    assert "Traceback" not in err
    assert 10 == report.events

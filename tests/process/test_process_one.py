"""As process 1 of a container: it buries orphans, and passes signals on."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path

import proof
import pytest

pytestmark = [pytest.mark.process, pytest.mark.needs_root]

PID_ONE = """
import subprocess
assert os.getpid() == 1
from mplog.cli.main import main
sys.exit(main([*sys.argv[1:]]))
"""
ORPHANS = """
import signal
mplog.configure(LOG)
log = mplog.get_logger("p")
for n in range(20):
    if os.fork() == 0:
        if os.fork() == 0:
            log.info("orphan")
            mplog.shutdown()
        os._exit(0)
    os.wait()
def zombies():
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat = open(f"/proc/{name}/stat").read().rpartition(")")[2].split()
        except OSError:
            continue
        found += [name] if stat[0] == "Z" and stat[1] == "1" else []
    return found
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
os.kill(1, signal.SIGTERM)
deadline = time.monotonic() + 20
while ((left := zombies()) or not asked) and time.monotonic() < deadline:
    time.sleep(0.02)
print(left, asked)
"""


def test_as_process_one_it_buries_orphans_and_passes_signals_on(world):
    """`mplog run` as the entry point of a container; nothing logged is lost at its end."""
    program = world.program(ORPHANS)
    prefix = ["unshare", "--pid", "--fork", "--mount-proc"]
    out, _ = world.finish(
        world.start(PID_ONE, "run", "--log", str(world.log), "--", sys.executable, str(program),
                    prefix=prefix)
    )  # fmt: skip
    lines = [line for line in proof.lines_of(world.log) if line["message"] == "orphan"]

    assert "[] [1]" == out.strip()
    assert 20 == len(lines)


LEFT = """
for n in range(9):
    if os.fork() == 0:
        if os.fork() == 0:
            os.read(0, 1)  # until the parent of all has buried the one between
        os._exit(0)
    os.wait()
"""


@pytest.mark.parametrize("listens", [True, False])
def test_a_server_that_is_process_one_buries_orphans(world, tmp_path, listens):
    """Of those that a container's owner runs beside it; also where an init system is told how it
    is.
    """
    init = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    init.bind(path := str(tmp_path / "notify"))
    init.settimeout(20.0)
    prefix = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    told = {"NOTIFY_SOCKET": path} if listens else {}
    server = world.start(PID_ONE, "serve", "--log", str(world.log), prefix=prefix, **told)
    assert "serving" in server.stderr.readline()
    one = Path("/proc", str(server.pid), "task", str(server.pid), "children")
    (number,) = one.read_text().split()
    children = Path("/proc", number, "task", number, "children")
    world.wait_for(lambda: len(children.read_text().split()) == 1, 20.0, "the writer")
    if listens:
        assert init.recv(1000).startswith(b"READY=1")
    orphans = world.start(LEFT, prefix=["nsenter", "--target", number, "--pid"])
    world.wait_for(lambda: len(children.read_text().split()) == 10, 20.0, "orphans")
    world.finish(orphans)  # the end of its input is theirs
    world.wait_for(lambda: len(children.read_text().split()) == 1, 20.0, "their burial")
    os.kill(int(number), signal.SIGTERM)
    world.finish(server)
    world.gone()
    init.close()

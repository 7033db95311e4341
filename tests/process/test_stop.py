"""A writer that is told to stop: by its supervisor, by a whole group's signal, twice; and what an
init system hears of it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from pathlib import Path

import proof
import pytest

from mplog.writer.notify import init_of

pytestmark = pytest.mark.process

# As the command does it: so it stands signals to its very end, and not until the interpreter's.
SERVE = """
sys.argv[1:] = ["serve", "--log", LOG]
from mplog.cli.main import main
main()
"""
LOAD = "mplog.configure(LOG)\nproof.load('p')\n"
SOME = "mplog.configure(LOG)\nproof.Producer('some').events(10)\n"


@pytest.fixture
def server(world):
    """`mplog serve`, ready."""
    started = world.start(SERVE)
    assert "serving" in started.stderr.readline()
    world.wait_for(lambda: list(world.directory.glob("*.journal")), 20.0, "the writer")
    return started


def writer_of(server, world):
    """The child of the supervisor."""
    path = Path("/proc", str(server.pid), "task", str(server.pid), "children")
    return int(world.wait_for(lambda: path.read_text().split(), 20.0, "a writer")[0])


def test_the_second_sigterm_ends_it_at_once(world, server):
    """Though somebody is attached; what he logs reaches the file by the next writer."""
    program = world.start(LOAD)
    world.noted(20)
    world.fresh_file()
    server.terminate()
    world.fresh()  # it goes on for those who are attached
    assert server.poll() is None
    server.terminate()
    world.finish(server)
    world.fresh()
    world.stop()
    world.finish(program)
    world.check()


def test_a_writer_that_cannot_hear_is_ended(world, server):
    """After a second; what it had not delivered is."""
    program = world.start(LOAD)
    world.noted(20)
    writer = writer_of(server, world)
    os.kill(writer, signal.SIGSTOP)
    server.terminate()
    server.terminate()
    os.kill(server.pid, signal.SIGINT)
    world.finish(server)
    world.fresh()
    world.stop()
    world.finish(program)
    world.check()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_groups_signal_is_one_wish(world, server, number):
    """The writer has it from the group and from its supervisor, and delivers everything."""
    program = world.start(LOAD)
    world.noted(50)
    world.stop()
    world.finish(program)
    writer = writer_of(server, world)
    os.kill(writer, number)
    os.kill(server.pid, number)
    with contextlib.suppress(ProcessLookupError):  # the two before may have ended it already
        os.kill(writer, number)
    world.finish(server)
    world.check()


def test_a_killed_service_is_taken_over_by_the_next_one(world, server):
    """By its supervisor's writer, though the old one lives on; it has the service and its end."""
    program = world.start(LOAD)
    world.noted(50)
    writer = writer_of(server, world)
    world.stop()
    world.finish(program)
    server.kill()
    server.communicate()
    after = world.start(SERVE)
    assert "serving" in after.stderr.readline()
    world.wait_for(lambda: not Path("/proc", str(writer)).exists(), 20.0, "the old one's end")
    world.run(SOME)
    after.terminate()
    world.finish(after)
    world.check()
    world.gone()


@pytest.mark.stress
def test_the_writer_of_a_killed_service_leaves_when_nobody_comes(world, server):
    """Nobody would ever end it."""
    world.run(SOME)
    server.kill()
    server.communicate()
    world.gone()
    world.check()


@pytest.fixture
def init(tmp_path):
    """The socket of an init system, and what came there."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as here:
        here.bind(str(path))
        here.settimeout(20.0)
        yield str(path), lambda: here.recv(1000).decode().splitlines()


def test_systemd_is_told_when_the_writer_is_ready_and_that_it_is_well(world, init):
    """By the main process alone; a writer that hangs is silent, one that goes on is not."""
    path, said = init
    started = world.start(SERVE, NOTIFY_SOCKET=path, WATCHDOG_USEC="300000")
    assert "READY=1" in said()
    assert ["WATCHDOG=1"] == said()
    writer = writer_of(started, world)
    os.kill(writer, signal.SIGSTOP)
    world.wait_for(lambda: _silent(path, said, started), 20.0, "silence")
    os.kill(writer, signal.SIGCONT)
    while "WATCHDOG=1" not in said():
        pass
    started.terminate()
    while "STOPPING=1" not in said():
        pass
    world.finish(started)
    world.gone()


def _silent(path, said, started):
    """Whether nothing comes for three times as long as a beat."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mark:
        mark.sendto(b"MARK", path)
    while said() != ["MARK"]:
        pass
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mark:
        signal.sigtimedwait([], 0.4)
        mark.sendto(b"MARK", path)
    return said() == ["MARK"]


def test_systemd_does_not_end_a_writer_whose_file_cannot_be_written(world, init):
    """Neither while it starts nor while it hangs on: it is ready, and well; its file may heal."""
    path, said = init
    world.log.symlink_to("elsewhere")  # nothing is written through it
    started = world.start(SERVE, NOTIFY_SOCKET=path, WATCHDOG_USEC="300000")
    ready, status = said()
    assert "READY=1" == ready
    assert "cannot be written" in status
    assert [["WATCHDOG=1"]] * 5 == [said() for _ in range(5)]
    world.log.unlink()
    assert ["WATCHDOG=1", "STATUS=delivering"] == said()
    world.run(SOME)
    world.log.rename(world.log.with_suffix(".old"))
    world.log.symlink_to("elsewhere")
    program = world.start("mplog.configure(LOG)\nproof.Producer('more').events(10)\n")
    while len(news := said()) < 2:
        pass
    assert "cannot be written" in news[1]
    world.log.unlink()
    world.log.with_suffix(".old").rename(world.log)
    world.finish(program)
    while "STATUS=delivering" not in said():
        pass
    started.terminate()
    world.finish(started)
    world.gone()
    world.check()


def test_what_the_writer_starts_knows_nothing_of_the_init_system(world, init, monkeypatch):
    """The variables are not handed down."""
    path, said = init
    started = world.start(SERVE, NOTIFY_SOCKET=path)
    assert "READY=1" in said()
    started.terminate()
    world.finish(started)
    world.gone()
    environ = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "A": "b"}
    made = init_of(environ)
    assert {"A": "b"} == environ
    assert 0.0 == made.every_s  # it is for another process
    assert init_of(environ) is None


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


@pytest.mark.needs_root
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


@pytest.mark.needs_root
@pytest.mark.parametrize("listens", [True, False])
def test_a_server_that_is_process_one_buries_orphans(world, init, listens):
    """Of those that a container's owner runs beside it; also where an init system is told how it
    is.
    """
    path, said = init
    prefix = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    told = {"NOTIFY_SOCKET": path} if listens else {}
    server = world.start(PID_ONE, "serve", "--log", str(world.log), prefix=prefix, **told)
    assert "serving" in server.stderr.readline()
    one = Path("/proc", str(server.pid), "task", str(server.pid), "children")
    (number,) = one.read_text().split()
    children = Path("/proc", number, "task", number, "children")
    world.wait_for(lambda: len(children.read_text().split()) == 1, 20.0, "the writer")
    if listens:
        assert "READY=1" in said()
    orphans = world.start(LEFT, prefix=["nsenter", "--target", number, "--pid"])
    world.wait_for(lambda: len(children.read_text().split()) == 10, 20.0, "orphans")
    world.finish(orphans)  # the end of its input is theirs
    world.wait_for(lambda: len(children.read_text().split()) == 1, 20.0, "their burial")
    os.kill(int(number), signal.SIGTERM)
    world.finish(server)
    world.gone()

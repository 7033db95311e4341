"""A writer that is told to stop: by its supervisor, by a whole group's signal, twice; and what an
init system hears of it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from pathlib import Path

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
SOME = "mplog.configure(LOG)\nproof.Producer(f'some{os.getpid()}').events(10)\n"


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


def test_a_server_that_leaves_events_behind_says_so(world, server):
    """On stderr and by its exit code; the next writer delivers them."""
    world.run(SOME)
    aside = world.log.with_suffix(".aside")
    world.log.rename(aside)
    world.log.symlink_to("elsewhere")
    world.run("mplog.configure(LOG)\nproof.Producer('more').events(10)\n", quiet=False)
    server.terminate()
    server.terminate()
    _, err = world.finish(server, 125)
    assert f"have not reached {world.log}; they stay in shared memory" in err
    assert "it is a symbolic link" in err
    world.log.unlink()
    aside.rename(world.log)
    world.run(SOME, quiet=False)  # what the last writer had to tell stands until the next begins
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

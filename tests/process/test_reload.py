"""HUP to `mplog serve --config`: what can be taken up is, and the log says what is not."""

from __future__ import annotations

import os
import signal

import proof
import pytest

from mplog.files.archive import list_archives

pytestmark = pytest.mark.process

SERVE = """
from mplog.cli.main import main
sys.exit(main(["serve", "--config", sys.argv[1]]))
"""
LOAD = """
mplog.configure(LOG)
log, n = mplog.get_logger("quiet.db"), 0
producer = proof.Producer("load")
while not os.path.exists(os.environ[proof.STOP]):
    n += 1
    log.info("debugging", quiet=n)
    producer.event()
    time.sleep(0.001)
"""


@pytest.fixture
def served(world):
    """`served(toml)`: write the configuration, serve by it, log by a program; then (config, …)."""

    def begin(toml):
        config = world.root / "mplog.toml"
        config.write_text(f'file = "{world.log}"\n{toml}')
        server = world.start(SERVE, str(config))
        world.wait_for(lambda: list(world.directory.glob("*.bell")), 20.0, "the service")
        program = world.start(LOAD)
        world.noted(20)
        world.fresh_file()
        server.load = program

        def over(**how):
            world.fresh()
            world.stop()
            assert ("", "") == world.finish(program)
            server.send_signal(signal.SIGTERM)
            _, err = world.finish(server)
            assert err.count("\n") == 1, err
            world.wait_for(lambda: not world.left(), 20.0, "the end of the service")
            return proof.check(world.log, world.acks, **how)

        return config, server, over

    return begin


def told(world):
    """What the log says of its configuration."""
    lines = proof.lines_so_far(world.log)
    return [line for line in lines if line.get("event_name") == "mplog.config"]


def wait_told(world, count=1):
    """Wait for the *count*th such line."""
    world.wait_for(lambda: len(told(world)) >= count, 20.0, "a line about the configuration")
    return told(world)[-1]


def test_hup_takes_up_filters_rotation_and_retention(world, served):
    """Events of a logger leave the file from then on; archives come, and those too many go."""
    config, server, over = served("rotation = 'off'\n")
    assert [] == told(world)
    config.write_text(
        f'file = "{world.log}"\nrotation = "20 KB"\nretention = 2\nmode = "0640"\n'
        '[levels]\n"quiet" = "ERROR"\n'
    )
    server.load.send_signal(signal.SIGSTOP)  # else the line may be deleted before it is seen
    server.send_signal(signal.SIGHUP)
    line = wait_told(world)
    server.load.send_signal(signal.SIGCONT)
    assert ["levels", "rotation", "retention", "mode"] == line["taken_up"]
    assert [] == line["left"]
    world.wait_for(
        lambda: list_archives(world.log.parent, world.log.name)[1:], 40.0, "two archives"
    )
    over(retired=True)

    assert 0o640 == world.log.stat().st_mode & 0o777
    lines = proof.lines_of(world.log)
    names = [line.get("event_name") for line in lines]
    since = names.index("mplog.config") if "mplog.config" in names else 0  # retired meanwhile
    assert [] == [line for line in lines[since:] if "quiet" in line]
    assert 2 == len(list_archives(world.log.parent, world.log.name))


@pytest.mark.parametrize("to", ["supervisor", "writer"])
def test_what_cannot_be_taken_up_is_named(world, served, to):
    """The format of a file is that of its first line: told as a warning, the rest is taken up."""
    config, server, over = served("")
    config.write_text(f'file = "{world.log}"\nformat = "logfmt"\ncompression = "gzip"\n')
    os.kill(server.pid if to == "supervisor" else world.wait_for(lambda: children(server), 20.0)[0],
            signal.SIGHUP)  # fmt: skip
    line = wait_told(world)

    assert (["compression"], ["format"]) == (line["taken_up"], line["left"])
    assert "WARNING" == line["level"]
    over()


def children(server):
    """The pids of its children."""
    with open(f"/proc/{server.pid}/task/{server.pid}/children") as file:
        return [int(word) for word in file.read().split()]


def test_a_wrong_configuration_changes_nothing_and_is_told(world, served):
    """With the place and what would be right; the next HUP after its correction counts."""
    config, server, over = served("")
    config.write_text(f'file = "{world.log}"\nrotation = "20 bananas"\n')
    server.send_signal(signal.SIGHUP)
    line = wait_told(world)
    assert "not taken up" in line["message"]
    assert "bananas" in line["problem"]
    config.write_text(f'file = "{world.log}"\nrotation = "1 GB"\n')
    server.send_signal(signal.SIGHUP)
    assert ["rotation"] == wait_told(world, 2)["taken_up"]
    over()


def test_a_writer_that_is_started_again_keeps_what_was_taken_up(world, served):
    """It reads the file when it begins."""
    config, server, over = served("")
    config.write_text(f'file = "{world.log}"\n[levels]\n"quiet" = "ERROR"\n')
    server.send_signal(signal.SIGHUP)
    wait_told(world)
    (writer,) = children(server)
    world.kill(writer)
    world.wait_for(lambda: children(server) not in ([], [writer]), 20.0, "another writer")
    wait_told(world, 2)
    quiet = world.log.read_bytes().count(b'"quiet":')
    over()

    assert quiet == world.log.read_bytes().count(b'"quiet":')


def test_hup_to_a_service_without_a_configuration_file_says_so(world):
    """Its settings came from configure(); the file is opened anew all the same."""
    program = world.start('mplog.configure(LOG)\nproof.load("load")')
    world.noted(20)
    world.fresh_file()
    os.kill(world.supervisor(), signal.SIGHUP)
    line = wait_told(world)
    world.fresh()
    world.stop()
    assert ("", "") == world.finish(program)
    world.check()

    assert "settings from configure()" in line["message"]

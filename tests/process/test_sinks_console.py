"""A console sink of a whole service: the terminal of who starts it, or the streams of a command."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys

import proof
import pytest

pytestmark = pytest.mark.process

SINKS = json.dumps([{"type": "console"}])
SOURCE = """
import json
mplog.configure(LOG, sinks=json.loads(os.environ["SINKS"]))
mplog.get_logger("shop").warning("out of {what}", what="milk\\n\\x1b[31m")
print(mplog.flush(20))
"""
RUN = """
from mplog.cli.main import main
sys.exit(main(["run", "--log", LOG, "--", sys.executable, *sys.argv[1:]]))
"""
SHOWN = r"WARNING  shop\[\d+\] out of milk\\n\\x1b\[31m\n"


def test_under_mplog_run_it_is_its_stderr(world):
    """Also where that is a pipe: it is closed when the command and its writer are over."""
    program = world.program(SOURCE)
    out, err = world.run(RUN, str(program), quiet=False, MPLOG_SINKS=SINKS, SINKS=SINKS)

    assert "True\n" == out
    assert re.search(SHOWN, err)
    assert "\x1b" not in err
    world.gone()


def test_a_program_lends_its_terminal(world):
    """With colours."""
    ours, theirs = pty.openpty()
    program = world.program(SOURCE)
    with subprocess.Popen(
        [sys.executable, str(program)],
        env=world.environment(SINKS=SINKS, TERM="xterm"),
        stdout=subprocess.PIPE,
        stderr=theirs,
    ) as started:
        out, _ = started.communicate(timeout=60)
    text = os.read(ours, 10_000).decode()
    os.close(theirs)
    os.close(ours)
    world.gone()

    assert b"True\n" == out
    assert "\x1b[33mWARNING\x1b[0m" in text
    assert "\x1b[31m" not in text


def test_a_program_lends_its_pipes(world):
    """Its reader gets all lines, and its end when the writer is over."""
    program = world.program(SOURCE)
    both = json.dumps([{"type": "console"}, {"type": "console", "name": "out", "target": "stdout"}])
    done = subprocess.run(
        [sys.executable, str(program)],
        env=world.environment(SINKS=both),
        capture_output=True,
        text=True,
        timeout=60,
    )
    world.gone()

    assert re.search(SHOWN, done.stderr)
    assert re.search("^True$", done.stdout, re.MULTILINE)
    assert re.search(SHOWN, done.stdout)


def test_in_a_file_it_writes_behind_the_program(world, tmp_path):
    """They share one position: neither writes over the other."""
    program = world.program(SOURCE + "print('the last one', file=sys.stderr)\n")
    with open(tmp_path / "errors.txt", "wb") as errors:
        subprocess.run(
            [sys.executable, str(program)],
            env=world.environment(SINKS=SINKS),
            stdout=subprocess.PIPE,
            stderr=errors,
            timeout=60,
        )
    world.gone()
    text = (tmp_path / "errors.txt").read_text()

    assert re.search(SHOWN, text)
    assert re.search("^the last one$", text, re.MULTILINE)


HELD = """
mplog.configure(LOG)
proof.Producer("p").events(1)
mplog.flush(20)
proof.note("delivered")
sys.stdin.readline()
mplog.shutdown(0.1)
"""


def test_a_pipe_is_lent_for_a_console_alone(world):
    """Whoever reads it would wait for the end of a writer that says nothing there."""
    program = world.start(HELD)
    world.noted(2)
    writer = world.writer()
    os.kill(writer, signal.SIGSTOP)  # its end is not near
    try:
        world.go_on(program)
        world.finish(program)
    finally:
        os.kill(writer, signal.SIGCONT)

    assert 1 == world.check().events


def test_without_a_stderr_there_is_no_console(world):
    """The log says so, and what to do is in the sink's error."""
    world.run("os.close(2)\n" + SOURCE, SINKS=SINKS)
    world.gone()
    (news,) = [line for line in proof.lines_of(world.log) if line.get("event_name") == "mplog.sink"]

    assert "has lent it no stderr" in news["message"]

"""A console sink of a whole service: the terminal of who starts it, or the streams of a command."""

from __future__ import annotations

import json
import os
import pty
import re
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


def test_a_pipe_is_not_lent(world):
    """Whoever reads it would wait for the writer's end; the log says that there is no console."""
    out, err = world.run(SOURCE, SINKS=SINKS)
    world.gone()
    (news,) = [line for line in proof.lines_of(world.log) if line.get("event_name") == "mplog.sink"]

    assert ("True\n", "") == (out, err)
    assert "is no terminal" in news["message"]

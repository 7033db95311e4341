"""`mplog run -- CMD…`: a command with a log service around it."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import msgspec

from mplog.cli.serve import create, settings_of
from mplog.config import Settings
from mplog.producer.connection import Connection
from mplog.producer.farewell import drain_at_exit

if TYPE_CHECKING:
    from mplog.cli.main import Subparsers

_FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
CANNOT_RUN, NOT_FOUND = 126, 127


def add(subparsers: Subparsers) -> None:
    """Add the parser of this command."""
    parser = subparsers.add_parser(
        "run",
        help="run a command with a log service around it",
        usage="mplog run [-h] [--log F] [--config F] -- CMD…",
        description="Run a command with a log service around it: every Python process in it that "
        "uses mplog finds the service. What is given here goes over the program's own configure().",
        epilog="exit codes: the command's own; 128 + n when signal n ended it; "
        "125 mplog failed, 126 the command cannot be run, 127 it was not found",
    )
    parser.add_argument("--log", metavar="F", help="the log file")
    parser.add_argument("--config", metavar="F", type=Path, help="a TOML file")
    parser.add_argument("cmd", nargs=argparse.REMAINDER, metavar="-- CMD…", help="the command")
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    words = args.cmd[1:] if args.cmd[:1] == ["--"] else args.cmd
    if not words:
        args.parser.error("no command is given: mplog run --log app.jsonl -- python app.py")
    settings = settings_of(args.config, args.log)
    directory, name, _ = create(settings)
    connection = Connection(directory, name, settings)
    connection.attach()
    try:
        status = _command(words, _environment(settings, directory, name))
    finally:
        connection.detach(final=True)
        drain_at_exit(connection, 30.0)
    return status


def _environment(settings: Settings, directory: Path, name: str) -> dict[str, str]:
    """The handle for every process of the command, and what the operator has given, for their
    configure().
    """
    given = {"file": settings.file, "service": name}
    return {
        **os.environ,
        "MPLOG_SERVICE": name,
        "MPLOG_DIR": str(directory),
        "MPLOG_OPERATOR": msgspec.json.encode(given).decode(),
    }


def _command(words: list[str], environment: dict[str, str]) -> int:
    try:
        child = subprocess.Popen(words, env=environment)
    except FileNotFoundError:
        print(f"mplog run: {words[0]}: no such command", file=sys.stderr)
        return NOT_FOUND
    except OSError as error:
        print(f"mplog run: {words[0]} cannot be run: {error.strerror}", file=sys.stderr)
        return CANNOT_RUN

    def forward(number: int, frame: FrameType | None) -> None:
        child.send_signal(number)

    for number in _FORWARDED:
        signal.signal(number, forward)
    # The terminal sends SIGINT to the command as well: it decides what that means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    code = child.wait()
    return code if code >= 0 else 128 - code

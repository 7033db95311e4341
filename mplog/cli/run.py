"""`mplog run -- CMD…`: a command with a log service around it."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import signal
import subprocess
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import msgspec

from mplog.cli.diagnostics import DIAGNOSTICS, add_on_error
from mplog.cli.serve import create, settings_of
from mplog.config import Settings
from mplog.errors import ConfigError, MplogError, SegmentError, SystemFault, UsageError
from mplog.producer.connection import Connection
from mplog.producer.farewell import drain_at_exit
from mplog.writer.reap import wait_without_burying

if TYPE_CHECKING:
    from mplog.cli.main import Subparsers

_FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
CANNOT_RUN, NOT_FOUND = 126, 127
DRAIN_S = 30.0  # how long the end of the command waits for its log, at most


def add(subparsers: Subparsers) -> None:
    """Add the parser of this command."""
    parser = subparsers.add_parser(
        "run",
        help="run a command with a log service around it",
        usage="mplog run [-h] [--log F] [--config F] … -- CMD…",
        description="Run a command with a log service around it: every Python process in it that "
        "uses mplog finds the service. What is given here goes over the program's own configure().",
    )
    parser.add_argument("--log", metavar="F", help="the log file")
    parser.add_argument("--config", metavar="F", type=Path, help="a TOML file")
    parser.add_argument("cmd", nargs=argparse.REMAINDER, metavar="-- CMD…", help="the command")
    add_on_error(
        parser,
        "continue",
        "do not run it then",
        "run the command also where there is no shared memory for its log",
    )
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    words = args.cmd[1:] if args.cmd[:1] == ["--"] else args.cmd
    if not words:
        args.parser.error("no command is given: mplog run --log app.jsonl -- python app.py")
    settings = settings_of(args.config, args.log)
    # The writer that this starts has a console: that of the command.
    os.environ["MPLOG_CONSOLE"] = "\n".join(f"/proc/{os.getpid()}/fd/{fd}" for fd in (2, 1))
    connection = _connect(settings, stop=args.on_error == "stop")
    command = Command()
    status = command.run(words, _environment(settings, connection))
    if connection is not None:
        with contextlib.suppress(KeyboardInterrupt):
            command.interruptible()
            connection.detach(final=True)
            drain_at_exit(connection, DRAIN_S)
    return status


def _connect(settings: Settings, *, stop: bool) -> Connection | None:
    """This process's way into the service; None, and told, where no shared memory can be had: a
    command is not kept from running by its log.

    Raises:
        MplogError: the configuration is wrong, or the file is another service's; with *stop*, or
            there is no shared memory.
        OSError: the same, with *stop*.
    """
    try:
        directory, name, _ = create(settings)
        connection = Connection(directory, name, settings)
        connection.attach()
    except MplogError as error:
        if stop or isinstance(error, ConfigError) or error.kind == "target":
            raise
        why = error
    except OSError as error:
        if stop:
            raise
        why = SegmentError(str(error), errno=error.errno)
    else:
        return connection
    DIAGNOSTICS.fail(why, f"no shared memory for logging: {why}")
    return None


def _environment(settings: Settings, connection: Connection | None) -> dict[str, str]:
    """The handle for every process of the command, and what the operator has given, for their
    configure().
    """
    given = {"file": settings.file, "service": settings.service}
    handle = {}
    if connection is not None:
        given["service"] = connection.service
        handle = {"MPLOG_SERVICE": connection.service, "MPLOG_DIR": str(connection.directory)}
    given = {key: value for key, value in given.items() if value is not None}
    # The handle of a service around this one is not the command's.
    others = {k: v for k, v in os.environ.items() if k not in ("MPLOG_SERVICE", "MPLOG_SETTINGS")}
    return {**others, **handle, "MPLOG_OPERATOR": msgspec.json.encode(given).decode()}


class Command:
    """The command as a child, and the signals that are meant for it."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []

    def run(self, words: list[str], environment: dict[str, str]) -> int:
        """Run it to its end; the exit code for it."""
        # Before it is started, so that none comes between; an ignored one stays ignored in both.
        for number in _FORWARDED:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._forward)
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            # The terminal sends it to the command as well, which decides what it means. A handler
            # and not SIG_IGN: that would be handed down.
            signal.signal(signal.SIGINT, lambda number, frame: None)
        try:
            child = subprocess.Popen(words, env=environment)
        except FileNotFoundError:
            text = f"{shlex.quote(words[0])}: no such command"
            DIAGNOSTICS.fail(UsageError(text), text)
            return NOT_FOUND
        except OSError as error:
            text = f"{shlex.quote(words[0])} cannot be run: {error.strerror}"
            DIAGNOSTICS.fail(SystemFault(text, errno=error.errno), text)
            return CANNOT_RUN
        self._child = child
        for early in self._early:
            child.send_signal(early)
        if os.getpid() == 1:  # of a container: what loses its parent is ours to bury
            wait_without_burying(child.pid)
        code = child.wait()
        return code if code >= 0 else 128 - code

    def _forward(self, number: int, frame: FrameType | None) -> None:
        if self._child is None:
            self._early.append(number)
        else:
            self._child.send_signal(number)

    def interruptible(self) -> None:
        """The command is over: from now on what would end it ends the wait for the log.

        Raises:
            KeyboardInterrupt: at such a signal, from here on.
        """
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, signal.default_int_handler)

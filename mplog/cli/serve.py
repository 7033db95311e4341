"""`mplog serve`: be the writer of a service, in the foreground, until SIGTERM."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mplog.config import Settings, service_name, usable_directory
from mplog.config.load import load
from mplog.errors import ConfigError, Problem, WriterStartError
from mplog.ring import create_bell, presence
from mplog.ring.ownership import refuse_foreign_owner
from mplog.writer.notify import init_of
from mplog.writer.supervisor import Supervisor

if TYPE_CHECKING:
    from mplog.cli.main import Subparsers


def add(subparsers: Subparsers) -> None:
    """Add the parser of this command."""
    parser = subparsers.add_parser(
        "serve",
        help="be the writer of a service, in the foreground",
        description="Be the writer of a service, in the foreground. It stays while it runs, "
        "also when nobody is attached; "
        "SIGTERM drains and leaves, USR1 reopens the file, USR2 rotates now, HUP reads the "
        "configuration again and reopens.",
    )
    parser.add_argument("--config", metavar="F", type=Path, help="a TOML file")
    parser.add_argument("--log", metavar="F", help="the log file; goes over the TOML file")
    parser.set_defaults(run=run)


def settings_of(config: Path | None, log: str | None) -> Settings:
    """The settings of a command that starts a service.

    Raises:
        ConfigError: something is wrong, or no log file is named.
    """
    operator = {"file": log} if log is not None else {}
    settings = load(environ=os.environ, toml=config, operator=operator).settings
    if settings.file is None:
        right = "name the log file: --log F, or file = in the TOML file, or MPLOG_FILE"
        raise ConfigError.of([Problem("--log", "no log file is named", right)])
    return settings


def create(settings: Settings) -> tuple[Path, str, bool]:
    """Create the service, or find it: its directory, its name, whether this call made it.

    Raises:
        MplogError: the file is another service's, or there is no shared memory.
    """
    log_file = Path(settings.file or "")
    name = settings.service or service_name(log_file)
    directory = Path(usable_directory(settings, os.environ, os.geteuid()))
    refuse_foreign_owner(log_file, name, directory)
    return directory, name, create_bell(directory, name, settings)


def run(args: argparse.Namespace) -> int:
    """Serve until told to stop."""

    def read() -> Settings:
        return settings_of(args.config, args.log)

    directory, name, _ = create(read())
    found = presence(directory, name)
    if found is not None and found.supervisor:
        raise WriterStartError(
            f"the service {name} in {directory} has a writer already",
            hint="See it with mplog status; it leaves when nobody logs any more.",
        )
    with contextlib.suppress(OSError):  # a console that is full or gone keeps no service from it
        print(
            f"mplog: serving {name}; MPLOG_SERVICE={name} MPLOG_DIR={directory}",
            file=sys.stderr,
            flush=True,
        )
    reread = None if args.config is None else read
    os.environ.pop("MPLOG_CONSOLE", None)  # this program has a console of its own
    init = init_of(os.environ)
    return Supervisor(directory, name, foreground=True, reread=reread, init=init).run()

"""`mplog serve`: be the writer of a service, in the foreground, until SIGTERM."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from mplog import _native
from mplog.cli.diagnostics import DIAGNOSTICS, add_on_error
from mplog.config import Settings, service_name, usable_directory
from mplog.config.load import load
from mplog.errors import ConfigError, MplogError, Problem, TargetError, WriterStartError
from mplog.producer.farewell import left_behind
from mplog.ring import configuration, create_bell, presence
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
    add_on_error(
        parser,
        "continue",
        "leave at once where one cannot be written at the start",
        "serve also while a log file cannot be written",
    )
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


def refuse_sick_files(settings: Settings) -> None:
    """Raise TargetError for the first log file that this user could not write."""
    for one in settings.all_files:
        path = Path(one.file or "")
        folder = next(above for above in path.parents if above.exists())
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
            text = f"nothing can be written in {folder}"
            raise TargetError(text, code="MPL-T005", path=str(path))
        if path.exists() and not os.access(path, os.R_OK | os.W_OK, effective_ids=True):
            raise TargetError(f"{path} cannot be written", code="MPL-T005", path=str(path))


def run(args: argparse.Namespace) -> int:
    """Serve until told to stop."""

    def read() -> Settings:
        return settings_of(args.config, args.log)

    if args.on_error == "stop":
        refuse_sick_files(read())
    directory, name, _ = create(read())
    found = presence(directory, name)
    if found is not None and found.supervisor:
        raise WriterStartError(
            f"the service {name} in {directory} has a writer already",
            hint="See it with mplog status; it leaves when nobody logs any more.",
        )
    DIAGNOSTICS.say(f"serving {name}; MPLOG_SERVICE={name} MPLOG_DIR={directory}")
    reread = None if args.config is None else read
    os.environ.pop("MPLOG_CONSOLE", None)  # this program has a console of its own
    init = init_of(os.environ)
    code = Supervisor(directory, name, foreground=True, reread=reread, init=init).run()
    refuse_leftovers(directory, name)
    return code


def refuse_leftovers(directory: Path, name: str) -> None:
    """Raise TargetError where a service that is left has events for its file, and nobody is there
    to start another writer.
    """
    found = presence(directory, name)
    if found is None or found.supervisor:
        return
    try:
        reader = _native.Reader(str(directory), name, False, 1 << 16)
        reader.scan(None)
        file, left_bytes = configuration(directory, name).file, left_behind(reader)
    except (MplogError, OSError, RuntimeError):
        return  # it has just been taken down: all is delivered
    if not left_bytes or reader.owned():
        return
    what = f"{left_bytes:,} bytes of log" if left_bytes > 0 else "the last lines of the log"
    why = f" (the writer says: {reader.problem})" if reader.problem else ""
    text = f"{what} have not reached {file}; they stay in shared memory for the next writer{why}"
    raise TargetError(text, code="MPL-T003", path=file)

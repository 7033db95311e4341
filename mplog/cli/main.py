"""The front of the command `mplog`: finds the subcommand, and turns errors into exit codes.

A subcommand is a module of this package with `add(subparsers)`, which adds its parser, and
`run(args) -> int`, which returns the exit code. Only the one that is called is imported.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mplog.errors import MplogError, UsageError

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

COMMANDS = {
    "run": "run a command with a log service around it",
    "serve": "be the writer of a service, in the foreground",
    "status": "show what the services are doing",
    "verify": "prove from the files that nothing is missing, doubled or torn",
    "reopen": "have the writer open its file anew: for logrotate",
    "rotate": "have the writer set its file aside now",
    "recover": "get events out that another version of mplog has left in shared memory",
    "check": "validate a configuration file; starts nothing",
}
EXIT_USAGE, EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_PIPE = 2, 125, 130, 141

_EPILOG = f"""\
exit codes of every command, besides its own:
  {EXIT_USAGE:>3}  wrong usage or configuration
  {EXIT_FAILURE}  mplog itself failed: the machine, a sink, or a fault of ours
  {EXIT_INTERRUPTED}  interrupted from the keyboard
  {EXIT_PIPE}  the reader of the output went away
"""


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        print(f"mplog {version()}")
        parser.exit()


def version() -> str:
    """The version of the installed package."""
    from importlib import metadata  # slow to import, and rarely needed

    try:
        return metadata.version("mplog")
    except metadata.PackageNotFoundError:
        return "(not installed: run from its sources)"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the arguments after the program's name; None for those of this process.

    Returns:
        The exit code. Wrong arguments leave through SystemExit(2), as argparse does.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    command = next((word for word in arguments if not word.startswith("-")), "")
    module = importlib.import_module(f"mplog.cli.{command}") if command in COMMANDS else None
    args = _parser(command, module).parse_args(arguments)
    if module is None:
        raise AssertionError("argparse has let through a command that is not in the table")
    return _guarded(module.run, args)


def _parser(command: str, module: Any) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mplog",
        description="Logging for Python programs that run as many processes.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        if name == command:
            module.add(subparsers)
        else:
            subparsers.add_parser(name, help=summary, add_help=False)
    return parser


def _guarded(run: Any, args: argparse.Namespace) -> int:
    try:
        code = int(run(args))
        # Here, where it can still be told, and not at the interpreter's exit.
        sys.stdout.flush()
    except MplogError as error:
        print(f"mplog {args.command}: {error}", file=sys.stderr)
        return EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILURE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # What is still buffered would fail again at exit, with a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_PIPE
    return code

"""The front of the command `mplog`: finds the subcommand, and turns errors into exit codes.

A subcommand is a module of this package with `add(subparsers)`, which adds its parser, and
`run(args) -> int`, which returns the exit code. Only the one that is called is imported.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from mplog.cli import exits, streams
from mplog.cli.diagnostics import DEBUG, DIAGNOSTICS, add_flags
from mplog.errors import InternalError, MplogError, SystemFault, UsageError

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
    "check": "validate a configuration; starts nothing",
    "doctor": "look whether this machine is fit, and say what to do",
}
_WAITED_FOR = ("run", "serve")  # by somebody who has asked them to end
_EPILOG = "exit codes of every command, besides its own:\n" + "\n".join(
    f"  {code:>3}  {text}" for code, text in exits.COMMON.items()
)


class _Parser(argparse.ArgumentParser):
    """Tells wrong usage as a line of JSON where that is wanted."""

    def __init__(self, **more: Any) -> None:
        # Half a --json-errors would not be found in what is wrong itself.
        super().__init__(**{**more, "allow_abbrev": False})

    def error(self, message: str) -> NoReturn:
        if not DIAGNOSTICS.as_json:
            super().error(message)
        DIAGNOSTICS.fail(UsageError(message, hint=f"See {self.prog} --help."))
        self.exit(exits.USAGE)


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
    if argv is None:
        streams.make_whole()
    arguments = _command_first(sys.argv[1:] if argv is None else list(argv))
    command = next((word for word in arguments if not word.startswith("-")), "")
    ours = arguments[: arguments.index("--")] if "--" in arguments else arguments
    DIAGNOSTICS.as_json = "--json-errors" in ours
    try:
        code = _ended(lambda: _flushed(_ended(lambda: _run(command, arguments))))
    finally:
        DIAGNOSTICS.close()
        if argv is None:
            streams.let_go()
    if argv is None and command in _WAITED_FOR:
        from mplog.writer.exiting import leave

        leave(code)
    return code


def _command_first(arguments: list[str]) -> list[str]:
    """The options of every command may stand before its name too."""
    place = next((i for i, word in enumerate(arguments) if word in COMMANDS), 0)
    before = arguments[:place]
    if not before or not before[0].startswith("--") or "--" in before or "--version" in before:
        return arguments
    return [arguments[place], *before, *arguments[place + 1 :]]


def parser_of(command: str, module: Any) -> argparse.ArgumentParser:
    """The parser of the whole command line, with that of *command*, which *module* adds."""
    parser = _Parser(
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
            own = subparsers.choices[name]
            own.epilog = "\n\n".join(filter(None, (own.epilog, exits.epilog(name))))
            own.formatter_class = argparse.RawDescriptionHelpFormatter
            add_flags(own)
        else:
            subparsers.add_parser(name, help=summary, add_help=False)
    return parser


def _run(command: str, arguments: list[str]) -> int:
    # argparse lets no command through for which there is none.
    module: Any = importlib.import_module(f"mplog.cli.{command}") if command in COMMANDS else None
    try:
        args = parser_of(command, module).parse_args(arguments)
    except SystemExit:  # what it has shown has to get out as well
        _flushed(0)
        raise
    began_s = time.perf_counter()
    DIAGNOSTICS.set_up(args)
    DIAGNOSTICS.say(f"begins: {' '.join(sys.argv[1:])}", DEBUG)
    code = _ended(lambda: int(module.run(args)))
    DIAGNOSTICS.say(f"ends: exit code {code} after {time.perf_counter() - began_s:.3f} s", DEBUG)
    return code


def _flushed(code: int) -> int:
    # Here, where it can still be told, and not at the interpreter's exit.
    sys.stdout.flush()
    return code


def _ended(work: Callable[[], int]) -> int:
    try:
        return work()
    except MplogError as error:
        DIAGNOSTICS.fail(error)
        DIAGNOSTICS.trace(error)
        return exits.USAGE if isinstance(error, UsageError) else exits.FAILURE
    except KeyboardInterrupt:
        DIAGNOSTICS.say("interrupted", DEBUG)
        return exits.INTERRUPTED
    except BrokenPipeError:
        streams.let_go()
        return exits.PIPE
    except Exception as error:
        DIAGNOSTICS.fail(_unforeseen(error))
        DIAGNOSTICS.trace(error)
        return exits.FAILURE


def _unforeseen(error: Exception) -> MplogError:
    """What no command has foreseen: the machine's doing, or a fault of ours."""
    if isinstance(error, OSError):
        return _of_the_machine(error)
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" ({trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})" if trace else ""
    return InternalError(f"{type(error).__name__}: {error}{where}")


def _of_the_machine(error: OSError) -> SystemFault:
    text, hint = str(error), None
    if isinstance(error, FileNotFoundError) and not streams.stands_somewhere():
        text = "the current directory is no longer there"
        hint = "Go to one that is, or give absolute paths."
    elif isinstance(error, PermissionError):
        hint = "Run this as a user who may, as the service's own or root."
    streams.let_go()
    return SystemFault(text, hint=hint, errno=error.errno, path=error.filename)

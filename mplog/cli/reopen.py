"""`mplog reopen FILE`: the writer opens the path anew, and has let go of what stood there."""

from __future__ import annotations

import argparse
import signal
from typing import TYPE_CHECKING

from mplog.cli.ask import DONE, Absent, Unanswered, add_arguments, ask, complain, find

if TYPE_CHECKING:
    from mplog.cli.main import Subparsers


def add(subparsers: Subparsers) -> None:
    """Add the parser of this command."""
    parser = subparsers.add_parser(
        "reopen",
        help="have the writer open its file anew: for logrotate",
        description="Have the writer of a log open its file anew, and wait until it has: from then "
        "on it writes nothing more into a file that was moved away.",
    )
    add_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask, wait, and tell when it was not done."""
    try:
        ask(find(args.file, args.dir), signal.SIGUSR1, args.timeout)
    except Absent:
        print(f"no writer is at work on {args.file}: nothing to reopen")
    except Unanswered as why:
        return complain(f"{args.file} is not reopened: {why}")
    return DONE

"""`mplog rotate FILE`: the writer sets the file aside as an archive now, and begins a new one."""

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
        "rotate",
        help="have the writer set its file aside now",
        description="Have the writer of a log set its file aside as an archive and begin a new "
        "one, and wait until it has. An empty file stays.",
    )
    add_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask, wait, and tell when it was not done."""
    try:
        answer = ask(find(args.file, args.dir), signal.SIGUSR2, args.timeout)
    except Absent:
        hint = "A writer runs while somebody logs: see `mplog status`."
        return complain(f"no writer is at work on {args.file}: nothing is rotated", hint)
    except Unanswered as why:
        return complain(f"{args.file} is not rotated: {why}")
    if answer.rotations:
        return DONE
    if answer.problem.startswith("cannot rotate"):
        return complain(answer.problem)
    print(f"{args.file} is empty: nothing to set aside")
    return DONE

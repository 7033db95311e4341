"""The writer as a program: `mplog.launch` starts it, detached; `mplog serve` is the same in the
foreground.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from mplog.sinks.console import CONSOLE
from mplog.writer.supervisor import Supervisor

SPAWN_LOCK_FD = 3


def main(argv: Sequence[str] | None = None) -> int:
    """Be the supervisor of one service.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(prog="mplog.writer")
    parser.add_argument("program", nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("--dir", required=True, type=Path, help="of the shared memory")
    parser.add_argument("--service", required=True, help="the service's name")
    parser.add_argument("--carried", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    lock = _inherited_lock()
    _keep_to_ourselves()
    carried = sys.stdin.buffer.read() if args.carried else b""
    return Supervisor(args.dir, args.service, carried=carried).run(lock)


def _inherited_lock() -> int | None:
    try:
        os.fstat(SPAWN_LOCK_FD)
    except OSError:
        return None
    return SPAWN_LOCK_FD


def _keep_to_ourselves() -> None:
    """What this program was lent is not for those that it starts: they may outlive it."""
    for word in os.environ.get(CONSOLE, "").split("\n"):
        if word.isdigit():
            with contextlib.suppress(OSError):  # the environment is anybody's
                os.set_inheritable(int(word), False)


if __name__ == "__main__":
    sys.exit(main())

"""What a command of mplog's has to say of its own work: on stderr, in a file, or as JSON.

Standard output belongs to what was asked for. One command runs in a process, so there is one of it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import traceback
from contextlib import suppress

from mplog.errors import MplogError, SystemFault, UsageError
from mplog.event.level import NAMES, NUMBERS
from mplog.event.sanitise import guarded

DEBUG, INFO, WARNING, ERROR = 10, 20, 30, 40
LEVELS = ("debug", "info", "warning", "error")
_FILE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class Diagnostics:
    """Where the running command's diagnostics go.

    Attributes:
        command: its name.
        level: what is below it is told nowhere.
        as_json: errors as lines of JSON on stderr, and nothing else there.
        fd: of the file that gets all of it too, or -1.
    """

    def __init__(self) -> None:
        self.command, self.level, self.as_json, self.fd = "", INFO, False, -1

    def set_up(self, args: argparse.Namespace) -> None:
        """Take the flags of the command line.

        Raises:
            UsageError: the file cannot be opened.
        """
        self.command = args.command
        self.level = NUMBERS[args.log_level.upper()]
        self.as_json = args.json_errors
        if args.log_file is None:
            return
        try:
            self.fd = os.open(args.log_file, _FILE_FLAGS, 0o600)
        except (OSError, ValueError) as error:
            text = f"--log-file {args.log_file}: {error}"
            raise UsageError(text, hint="Name a file that this user can write.") from None

    def close(self) -> None:
        """The command is over."""
        if self.fd >= 0:
            os.close(self.fd)
        self.__init__()  # type: ignore[misc]

    def say(self, text: str, level: int = INFO) -> None:
        """Tell *text*, which is no error."""
        if level < self.level:
            return
        self._write_down(text, level)
        if not self.as_json:
            _to_stderr(f"mplog {self.command}: {printable(text)}")

    def fail(self, error: MplogError, text: str | None = None) -> None:
        """Tell an error: as a line of JSON where that is wanted, else *text*, or all it says."""
        self._write_down(str(error), ERROR)
        if self.as_json:
            _to_stderr(json.dumps(as_json(error), default=repr))
        else:
            shown = _lines(str(error)) if text is None else printable(text)
            _to_stderr(f"{' '.join(('mplog', self.command)).rstrip()}: {shown}")

    def trace(self, error: BaseException) -> None:
        """Where *error* comes from, for who has asked for all there is."""
        if self.level > DEBUG:
            return
        text = "".join(traceback.format_exception(error))
        self._write_down(text, DEBUG)
        if self.fd < 0 and not self.as_json:
            _to_stderr(_lines(text.rstrip("\n")))

    def _write_down(self, text: str, level: int) -> None:
        if self.fd < 0:
            return
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        lines = [printable(line) for line in text.rstrip("\n").split("\n")]
        head = f"{now} {NAMES[level]} mplog {self.command}"
        data = "".join(f"{head}: {line}\n" for line in lines)
        try:
            os.write(self.fd, data.encode("utf-8", "backslashreplace"))
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """The file cannot be written any more, which keeps no command from its work."""
        os.close(self.fd)
        self.fd = -1
        text = f"--log-file: {error.strerror}; no more goes there"
        self.fail(SystemFault(text, hint="Look at the file, and at its disk.", errno=error.errno))


def _to_stderr(text: str) -> None:
    with suppress(OSError, ValueError):  # closed, or its reader went away: nobody is there to tell
        print(text, file=sys.stderr, flush=True)


def as_json(error: MplogError) -> dict[str, object]:
    """*error* for programs: one object."""
    return {
        "code": error.code,
        "kind": error.kind,
        "text": error.text,
        "hint": error.hint,
        "context": error.context,
    }


def printable(text: str) -> str:
    """*text* on one line that drives no terminal."""
    shown = guarded(str, text)
    if shown.isprintable():
        return shown
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in shown)


def _lines(text: str) -> str:
    """The same of a text that has lines of its own."""
    return "\n".join(map(printable, text.split("\n")))


DIAGNOSTICS = Diagnostics()


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that every command has."""
    group = parser.add_argument_group("what mplog tells of its own work")
    group.add_argument(
        "--log-level",
        choices=LEVELS,
        default="info",
        metavar="LEVEL",
        help=f"tell no less than this: {', '.join(LEVELS)} (info)",
    )
    group.add_argument("--log-file", metavar="FILE", help="append it to this file too")
    group.add_argument(
        "--json-errors",
        action="store_true",
        help="each error as one line of JSON on stderr (code, kind, text, hint, context), and "
        "nothing else there",
    )


def add_on_error(parser: argparse.ArgumentParser, default: str, stop: str, go_on: str) -> None:
    """The flag of those commands that can go on after an error.

    Args:
        parser: of the command.
        default: "continue" or "stop".
        stop: what "stop" does.
        go_on: what "continue" does.
    """
    parser.add_argument(
        "--on-error",
        choices=("continue", "stop"),
        default=default,
        help=f"continue: {go_on}; stop: {stop} ({default})",
    )

"""Asking the living writer of a log for something: by a signal, and waiting until it is done."""

from __future__ import annotations

import argparse
import os
import signal
import time
from pathlib import Path
from typing import NamedTuple

from mplog._native import LOCK_ASK, Reader
from mplog.cli.diagnostics import DIAGNOSTICS
from mplog.config import Settings, shared_directory
from mplog.config.limits import MAX_S
from mplog.errors import MplogError, SystemFault, TargetError
from mplog.ring import bell_id, configuration, hold, presence, services
from mplog.ring.ownership import plate_of

LIVE = 1
POLL_S = 0.01
DONE, NOT_DONE = 0, 1


class Place(NamedTuple):
    """A service: the directory of its shared memory, and its name."""

    directory: Path
    service: str


class Answer(NamedTuple):
    """What the writer has done: how often it has rotated since, and what it complains of."""

    rotations: int
    problem: str


class Absent(Exception):
    """No writer lives for that log."""


class Unanswered(Exception):
    """The writer has not done it in time; the text says what is known of why."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of every command that asks a writer."""
    parser.add_argument("file", metavar="FILE", help="the log file, or the name of its service")
    parser.add_argument(
        "--dir", type=Path, action="append", metavar="D", help="of the shared memory; also again"
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=30.0,
        metavar="S",
        help="seconds to wait for the writer (30)",
    )


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= MAX_S:  # as no NaN is
        raise ValueError
    return seconds


_seconds.__name__ = "number of seconds"  # argparse tells it


def find(file: str, directories: list[Path] | None) -> Place:
    """The service of a log file, or the one of that name.

    Raises:
        Absent: there is none.
    """
    path = Path(os.path.realpath(os.path.dirname(file) or ".")) / os.path.basename(file)
    owner = plate_of(path)
    if owner is not None and directories is None:
        directories = [Path(owner.dir)]
    for directory in directories or [default_directory()]:
        for name in services(directory):
            if name == file or _same(_file_of(directory, name), path):
                return Place(directory, name)
    raise Absent


def default_directory() -> Path:
    """Where this user's services are."""
    return Path(shared_directory(Settings(file="/dev/null"), os.environ, os.geteuid()))


def _file_of(directory: Path, name: str) -> str:
    try:
        return configuration(directory, name).file or ""
    except (MplogError, OSError):
        return ""


def _same(log: str, path: Path) -> bool:
    folder, base = os.path.split(log)
    return bool(base) and base == path.name and os.path.realpath(folder) == str(path.parent)


def ask(place: Place, number: signal.Signals, timeout_s: float) -> Answer:
    """Send *number* to the writer, and wait until it has done what that means.

    Raises:
        Absent: nobody is there, or the writer has left meanwhile.
        Unanswered: the time is up.
        MplogError: this user may not do that.
    """
    deadline_s = time.monotonic() + timeout_s
    lock = _alone(place, deadline_s)
    try:
        reader = Reader(str(place.directory), place.service, False, 1 << 16)
        return _asked(place, reader, number, deadline_s)
    except (RuntimeError, FileNotFoundError):
        raise Absent from None  # the bell has just gone, or is another version's
    finally:
        os.close(lock)


def _alone(place: Place, deadline_s: float) -> int:
    while True:
        try:
            lock = hold(place.directory, place.service, LOCK_ASK)
        except FileNotFoundError:
            raise Absent from None
        except PermissionError as error:
            text = f"{error.filename} cannot be opened: {error.strerror}"
            raise SystemFault(text, hint="Run this as the service's user, or as root.") from None
        if lock is not None:
            return lock
        if time.monotonic() > deadline_s:
            raise Unanswered("another command is waiting for the same writer")
        time.sleep(POLL_S)


def _asked(place: Place, reader: Reader, number: signal.Signals, deadline_s: float) -> Answer:
    before, sent = reader.counters(), 0
    while True:
        now = reader.counters()
        if now["asked"] > before["asked"]:
            return Answer(now["rotations"] - before["rotations"], reader.problem)
        found = presence(place.directory, place.service)
        if reader.state != LIVE or found is None or not (found.writer or found.supervisor):
            raise Absent
        pid = reader.writer_pid
        if found.writer and pid != sent and _send(pid, number, bell_id(*place)):
            sent = pid
        if time.monotonic() > deadline_s:
            raise Unanswered(reader.problem or _silence(sent, pid))
        time.sleep(POLL_S)


def _silence(sent: int, pid: int) -> str:
    if sent:
        return f"the writer, process {sent}, does not answer"
    return f"its writer, process {pid}, is not seen from here: is it in a container? Ask it there"


def _send(pid: int, number: signal.Signals, bell: tuple[int, int] | None) -> bool:
    """Whether it was sent to that process, and that one is the writer: it has the bell open."""
    try:
        process = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if not _has_open(pid, bell):
            return False
        signal.pidfd_send_signal(process, number)
        return True
    except ProcessLookupError:
        return False
    finally:
        os.close(process)


def _has_open(pid: int, bell: tuple[int, int] | None) -> bool:
    try:
        with os.scandir(f"/proc/{pid}/fd") as entries:
            for entry in entries:
                try:
                    found = os.stat(entry.path)
                except OSError:
                    continue
                if (found.st_dev, found.st_ino) == bell:
                    return True
    except OSError:
        return False
    return False


def complain(text: str, hint: str | None = None) -> int:
    """Tell why it was not done; the exit code for that."""
    DIAGNOSTICS.fail(TargetError(text, code="MPL-T004", hint=hint), text)
    return NOT_DONE

"""Sinks that do their process harm, and what they leave to be read; APARTSIDE names where."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import ctypes
import itertools
import os
import signal
import sys
import time
from pathlib import Path

from mplog.errors import TargetError

C = ctypes.PyDLL(None)  # its calls keep the interpreter's lock


def leave(name, text):
    """Add a line to a file."""
    with open(os.path.join(os.environ["APARTSIDE"], name), "a", encoding="utf-8") as file:
        file.write(f"{text}\n")


def left(place: Path, name: str = "notes") -> list[str]:
    """Its lines; none where there is no file yet."""
    try:
        return (place / name).read_text(encoding="utf-8").split("\n")[:-1]
    except FileNotFoundError:
        return []


def hold(line):
    """A call of C that never gives the interpreter back."""
    leave("held", os.getpid())
    C.sleep(1_000_000)


HARM = {
    "segfault": lambda: ctypes.string_at(0),
    "abort": os.abort,
    "exit": lambda: os._exit(7),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "hang": lambda: time.sleep(1e6),
    "spin": lambda: sum(0 for _ in itertools.repeat(0)),
    "hold": lambda: C.sleep(1_000_000),
    "raise": lambda: 1 / 0,
    "leave": lambda: exit(3),
    "away": lambda: refuse_connection(),
    "denied": lambda: os.open("/proc/version/nothing", os.O_RDONLY),
    "later": lambda: later(),
    "babble": lambda: babble(),
    "odd": lambda: os.kill(os.getpid(), signal.SIGRTMIN + 6),
    "cut": lambda: cut(),
    "close": lambda: os.closerange(3, 1_000),
    "fork and return": os.fork,
    "fork and exit": lambda: os.fork() or exit(3),
    "fork and raise": lambda: os.fork() or (os.close(2), 1 / 0),
    "await": lambda: asyncio.sleep(0),
}


def refuse_connection():
    """A far side that is away."""
    raise ConnectionRefusedError(111, "refused")


def babble():
    """Bytes of its own into every socket that it finds."""
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/self/fd/{name}").startswith("socket"):
                os.write(int(name), b"\xff" * 100)


def cut():
    """The memory that it shares with the writer becomes empty."""
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            if "mplog-steps" in os.readlink(f"/proc/self/fd/{name}"):
                os.ftruncate(int(name), 0)


def later():
    """A far side that asks for time."""
    raise TargetError("later, please", retry_after_s=7.5)


def does(line):
    """What the event's message says, if anything; then it is noted."""
    HARM.get(line.message, lambda: None)()
    leave("notes", f"{line.seq} {line.message}")


def once(line):
    """As `does`, but harm is done only the first time."""
    done = Path(os.environ["APARTSIDE"], f"done-{line.seq}")
    if not done.exists():
        done.touch()
        HARM.get(line.message, lambda: None)()
    leave("notes", f"{line.seq} {line.message}")


def slow(line):
    """A fifth of a second an event."""
    time.sleep(0.2)
    leave("notes", f"{line.seq} {line.message}")


class Whole:
    """A sink with the four methods, which tells of each call and does harm in `write`."""

    def open(self):
        """Tell it."""
        leave("calls", "open")

    def write(self, batch):
        """Tell how many; the harm comes before anything is noted."""
        leave("calls", f"write {len(batch)}")
        for one in batch:
            HARM.get(one.event.template, lambda: None)()
        for one in batch:
            leave("notes", f"{one.stamped.seq} {one.event.template}")

    def flush(self):
        """Tell it."""
        leave("calls", "flush")

    def close(self):
        """Tell it."""
        leave("calls", "close")


class Forking(Whole):
    """Two come back from its write."""

    def write(self, batch):
        """Note it, then fork."""
        super().write(batch)
        os.fork()


class Later(Whole):
    """Its write makes what somebody else is to run."""

    def write(self, batch):
        """Nothing is done."""
        return HARM["await"]()


class Loud(Whole):
    """Writes to stdout and stderr."""

    def write(self, batch):
        """Print, then note."""
        print("printed", flush=True)
        print("told", file=sys.stderr, flush=True)
        super().write(batch)


class Ajar(Whole):
    """Its open fails behind its beginning."""

    def open(self):
        """Tell it; it has come half the way."""
        super().open()
        refuse_connection()


class Stubborn(Whole):
    """Its close never returns."""

    def close(self):
        """Never."""
        C.sleep(1_000_000)


def with_farewell():
    """A sink whose module has something to do at the exit."""
    atexit.register(leave, "calls", "farewell")
    return Whole()

"""Sinks of the services of tests/process, and what they leave to be read."""

from __future__ import annotations

import ctypes
import os
import time
from collections import Counter
from pathlib import Path


def _into(name, text):
    with open(os.path.join(os.environ["SINKSIDE"], name), "a", encoding="utf-8") as file:
        file.write(text)


def note(line):
    """One line an event: session, number, level, logger, event name, message."""
    words = (line.session or "-", line.seq, line.level_name, line.logger, line.event_name or "-")
    _into("notes", " ".join(map(str, words)) + f" {line.message}\n")


def other(line):
    """The same beside it."""
    _into("other", f"{line.session or '-'} {line.seq} {line.level_name} {line.logger}\n")


def hang(line):
    """It never comes back."""
    _into("hangs", "x")
    time.sleep(1e6)


def marked(line):
    """As `note`, and by whom: session, number, pid."""
    _into("notes", f"{line.session or '-'} {line.seq} {os.getpid()}\n")


def hold(line):
    """A call of C that never gives the interpreter back."""
    _into("holds", f"{os.getpid()}\n")
    ctypes.PyDLL(None).sleep(1_000_000)


def deadly(line):
    """One message is its process's death."""
    if line.message == "poison":
        ctypes.string_at(0)
    note(line)


def refuse(line):
    """It has nothing but errors."""
    raise ValueError("not this one")


def away(line):
    """The far side is not there as long as a file says so."""
    if os.path.exists(os.path.join(os.environ["SINKSIDE"], "away")):
        raise ConnectionRefusedError(111, "refused")
    note(line)


class Whole:
    """A sink of its own, which tells of each call."""

    def open(self):
        """Tell it."""
        _into("calls", "open\n")

    def write(self, batch):
        """Tell how many."""
        _into("calls", f"write {len(batch)}\n")
        for one in batch:
            _into("notes", f"{one.stamped.session or '-'} {one.stamped.seq}\n")

    def flush(self):
        """Tell it."""
        _into("calls", "flush\n")

    def close(self):
        """Tell it."""
        _into("calls", "close\n")


def lines(place: Path, name: str = "notes") -> list[list[str]]:
    """What a sink has left, in words; a line that is just being written is not there yet."""
    try:
        text = (place / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return [line.split(" ") for line in text.split("\n")[:-1]]


def ids(place: Path, name: str = "notes") -> Counter:
    """How often each event came; notices have none."""
    return Counter((words[0], int(words[1])) for words in lines(place, name) if words[0] != "-")

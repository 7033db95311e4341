"""The three descriptors that a command is started with: whole before it begins, and let go where
nobody takes what is in them.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import TextIO

_NAMES = ("stdin", "stdout", "stderr")


def make_whole() -> None:
    """What was closed before the program began leads nowhere, and keeps its number: else the next
    file that is opened gets it, and then what is meant for people is written into that one.
    """
    for fd, name in enumerate(_NAMES):
        if getattr(sys, name) is not None:
            continue
        lowest = os.open(os.devnull, os.O_RDWR)  # of the numbers that are free; no child has it
        stream = open(lowest, "r" if fd == 0 else "w", closefd=False)  # noqa: SIM115  # for good
        setattr(sys, name, stream)
    if isinstance(sys.stdout, io.TextIOWrapper):
        encoding = sys.stdout.encoding
        sys.stdout = _Answers(sys.stdout.detach(), encoding, "backslashreplace")


class _Answers(io.TextIOWrapper):
    """Standard output: takes what its encoding has not, as names of files, and says where it was
    that something could not be written.
    """

    def write(self, text: str) -> int:
        with _named():
            return super().write(text)

    def flush(self) -> None:
        with _named():
            super().flush()


@contextlib.contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        error.filename = "standard output"
        raise


def let_go() -> None:
    """Lead elsewhere what cannot be written: what it still holds would fail again at the exit, with
    a traceback and another exit code.
    """
    _let_go(sys.stdout)
    _let_go(sys.stderr)


def _let_go(stream: TextIO) -> None:
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def stands_somewhere() -> bool:
    """Whether there is a current directory."""
    try:
        os.getcwd()
    except OSError:
        return False
    return True

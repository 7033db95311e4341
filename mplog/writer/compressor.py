"""The program that compresses archives, as the writer sees it: started when there is something to
do, never waited for.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from pathlib import Path

import mplog.files.compress as program
from mplog.files.compress import BUSY, CRASHED, NO_LIBRARY, first_plain
from mplog.writer.beside import command
from mplog.writer.state import FileSink, Job

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0


class Compressor:
    """Keeps the archives of one log compressed."""

    def __init__(self, job: Job, sink: FileSink) -> None:
        self._job, self._sink = job, sink
        self._kind = sink.settings.compression
        self._child = 0
        self._again_s = 0.0
        self._pause_s = FIRST_PAUSE_S
        self._told = ""

    def renew(self) -> None:
        """The settings are others: archives that stayed as they are may be compressed by now."""
        self._kind, self._sink.untidy = self._sink.settings.compression, True

    def look(self, now_s: float) -> None:
        """Start the program when archives wait for it, and none is at work; never raises."""
        if self._kind is None or (self._child and not self._over(now_s)) or now_s < self._again_s:
            return
        if self._sink.untidy:
            self._start(self._kind)

    def close(self) -> None:
        """The writer leaves: what still waits is begun with, and goes on without it. One that is
        at work may have seen it or not; this one waits for it.
        """
        if self._kind is not None and self._sink.untidy:
            self._start(self._kind)

    def _start(self, kind: str) -> None:
        sink = self._sink
        try:
            if first_plain(sink.path.parent, sink.path.name) is not None:
                self._child = _spawn(kind, sink.path)
            sink.untidy = False
        except OSError as error:
            self._later(time.monotonic())
            self._fail(f"{error.strerror or error}")

    def _over(self, now_s: float) -> bool:
        try:
            pid, status = os.waitpid(self._child, os.WNOHANG)
        except ChildProcessError:
            pid, status = self._child, 0
        if not pid:
            return False
        self._child = 0
        code = os.waitstatus_to_exitcode(status)
        if code == 0:
            self._pause_s = FIRST_PAUSE_S
            if self._told and self._told == self._job.problem:
                self._job.tell("")
            self._told = ""
            return True
        self._later(now_s)
        if code != BUSY:
            self._fail(_reason(code))
        return True

    def _later(self, now_s: float) -> None:
        self._sink.untidy = True
        self._again_s = now_s + self._pause_s
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)

    def _fail(self, reason: str) -> None:
        job = self._job
        job.reader.count("errors", 1)
        self._told = (
            f"cannot compress archives of {self._sink.path}: {reason}; they stay as they are"
        )
        job.tell(self._told)


def _reason(code: int) -> str:
    if code < 0:
        return f"the program for it was killed by signal {-code}"
    if code == NO_LIBRARY:
        return "there is no library for zstd: pip install 'mplog[zstd]'"
    if code == CRASHED:
        return "the program for it has failed; the writer's stderr says how"
    return f"{os.strerror(code)} ({errno.errorcode.get(code, code)})"


def _spawn(kind: str, log: Path) -> int:
    words = command(program.__name__, ("-I", "-S"), ("msgspec",), kind, str(log))
    # A group of its own: what a terminal sends is not meant for it.
    return os.posix_spawn(
        words[0], words, os.environ, setpgroup=0, setsigmask=[], setsigdef=[signal.SIGINT]
    )

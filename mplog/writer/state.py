"""What one writer works with, and what it remembers between batches."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from mplog._native import Journal, Reader
from mplog.config import Settings
from mplog.config.directory import SHM
from mplog.files.active import ActiveFile
from mplog.files.rotation import Ranges
from mplog.format import Format
from mplog.ring import stderr_path

ARENA_BYTES = 2 << 20
LARGEST_STAGING, SMALLEST_STAGING = 4 << 20, 64 << 10


class Signals(msgspec.Struct):
    """What signals have asked for; handlers set it, the loop does it.

    Attributes:
        resident: stay also when nobody is attached.
        reread: reads the configuration file of a service that has one.
    """

    resident: bool = False
    reread: Callable[[], Settings] | None = None
    stop: bool = False
    reopen: bool = False
    reload: bool = False
    rotate: bool = False


class Job(msgspec.Struct):
    """A writer at work.

    Attributes:
        directory, service: whose lanes it drains.
        path: of the log file.
        ranges: what the active file holds of each session; None when this writer has not written
            all of it.
        notices: what is to be told about the file with the next batch: (what, offset, bytes).
        bell: device and inode that the bell had when this writer began.
        native: plain events of a JSON file are formatted in C; the tests can do without.
        rotated_ns: when this writer has set a file aside last; 0 when it has not.
        lock: the descriptor that holds the lock beside the file; -1 where nobody took it.
        lines: of the service's own, ready for the next batch.
        untidy: archives may wait to be compressed.
    """

    directory: Path
    service: str
    settings: Settings
    path: Path
    reader: Reader
    journal: Journal
    fmt: Format
    file: ActiveFile
    signals: Signals
    bell: tuple[int, int] | None
    ranges: Ranges | None = None
    notices: list[tuple[str, int, int]] = []
    problem: str = ""
    native: bool = True
    rotated_ns: int = 0
    lock: int = -1
    lines: list[bytes] = []
    untidy: bool = True

    def stage(self, at: int, data: bytes) -> None:
        """Put *data* into the journal's staging area."""
        memoryview(self.journal)[at : at + len(data)] = data

    def tell(self, text: str) -> None:
        """Say once what is wrong (or, empty, that it is right again), for the programs to tell."""
        if text != self.problem:
            self.problem = text
            self.reader.tell_problem(text)

    def remember(self, ranges: Ranges) -> None:
        """Add what a committed batch holds."""
        if self.ranges is None:
            return
        for session, new in ranges.items():
            known = self.ranges.get(session)
            self.ranges[session] = known.merged(new) if known else new


def staging_bytes(directory: Path) -> int:
    """How large the staging area may be: a sixteenth of what is free there, within bounds."""
    fs = os.statvfs(directory)
    share = fs.f_bavail * fs.f_frsize // 16 // 4096 * 4096
    return min(max(share, SMALLEST_STAGING), LARGEST_STAGING)


def now_ns() -> int:
    """Wall time, nanoseconds since 1970."""
    return time.time_ns()


def tidy(job: Job) -> None:
    """The last one out: what is ours alone goes; a directory that mplog has made goes if it is
    empty.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(stderr_path(job.directory, job.service))
    if job.directory in (Path(SHM, f"mplog-{os.geteuid()}"), job.path.parent / ".mplog"):
        with contextlib.suppress(OSError):
            os.rmdir(job.directory)

"""What one writer works with, and what it remembers between batches."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mplog._native import Journal, Reader
from mplog.config import Settings
from mplog.config.directory import SHM
from mplog.config.file import FileSettings
from mplog.files.active import AbsentFile, ActiveFile
from mplog.files.rotation import Ranges
from mplog.format import Format
from mplog.writer.filtering import OwnFilter
from mplog.writer.pace import Pace
from mplog.writer.sick import Sickness

if TYPE_CHECKING:
    from mplog.writer.route import Outlets

ARENA_BYTES = 2 << 20
LARGEST_STAGING, SMALLEST_STAGING = 4 << 20, 64 << 10
LEAST_AREA = 1 << 20  # what is smaller is one staging area, whole: the longest line must fit


class Signals(msgspec.Struct):
    """What signals have asked for; handlers set it, the loop does it.

    Attributes:
        resident: stay also when nobody is attached.
        carried: objects of the sinks that have no name (carried.py).
        now: leave at once, whatever waits.
        supervisor: its process; 0: there is none.
        beat: tells that the writer is well, and whether it delivers; called every `beat_s` seconds,
            if that is not 0.
        reread: reads the configuration file of a service that has one.
    """

    resident: bool = False
    reread: Callable[[], Settings] | None = None
    carried: bytes = b""
    supervisor: int = 0
    beat: Callable[[bool], None] | None = None
    beat_s: float = 0.0
    stop: bool = False
    now: bool = False
    reopen: bool = False
    reload: bool = False
    rotate: bool = False

    @property
    def orphaned(self) -> bool:
        """Whether the supervisor is gone."""
        return self.supervisor not in (0, os.getppid())

    @property
    def stays(self) -> bool:
        """Whether it is there for those who come as well: nobody's absence is a reason to leave."""
        return self.resident and not self.stop and not self.orphaned

    def pause(self, pause_s: float) -> None:
        """Sleep; meanwhile tell that the writer is well, though it does not deliver."""
        while pause_s > 0.0:
            if self.beat is not None:
                self.beat(False)
            step_s = min(pause_s, self.beat_s or pause_s)
            time.sleep(step_s)
            pause_s -= step_s


class FileSink(msgspec.Struct):
    """One log file of the service, as its writer has it.

    Attributes:
        number: in the journal, and wherever the core has words for each file.
        settings: of this file.
        path: of the file.
        file: what is open there.
        ranges: what it holds of each session; None when this writer has not written all of it.
        notices: what is to be told about it with the next batch: (what, offset, bytes).
        lock: the descriptor that holds the lock beside it; -1 where nobody took it.
        lines: of the service's own, ready for the next batch.
        rotated_ns: when this writer has set it aside last; 0 when it has not.
        untidy: archives may wait to be compressed.
        owed: it cannot be written, and the others go on (owing.py); `pay_s` (monotonic) is when
            it is tried again, `pause_s` grows, `told` is what was told about it.
        rotate_again_s: before that (monotonic) no rotation is tried: one has failed.
        wants_room_bytes: for an end line that the file had no room for.
        keep: a callable that filters, if it has one.
        looks, deletes: how often archives are looked at, to find the next name and to retire them.
        sickness: of the file that is open.
    """

    number: int
    settings: FileSettings
    path: Path
    fmt: Format
    file: ActiveFile | AbsentFile
    ranges: Ranges | None = None
    notices: list[tuple[str, int, int]] = []
    lock: int = -1
    lines: list[bytes] = []
    rotated_ns: int = 0
    untidy: bool = True
    owed: bool = False
    pay_s: float = 0.0
    pause_s: float = 0.0
    told: str = ""
    rotate_again_s: float = 0.0
    wants_room_bytes: int = 0
    keep: OwnFilter | None = None
    looks: Pace = msgspec.field(default_factory=Pace)
    deletes: Pace = msgspec.field(default_factory=Pace)
    sickness: Sickness = msgspec.field(default_factory=Sickness)

    def begin_ranges(self, size_bytes: int) -> None:
        """Another file is in force. One that is owed something begins with lines that a batch of
        before had, and what a batch of now has may come into a later one.
        """
        self.ranges = None if size_bytes or self.owed else {}

    def remember(self, ranges: Ranges) -> None:
        """Add what a committed batch holds."""
        if self.ranges is None:
            return
        for session, new in ranges.items():
            known = self.ranges.get(session)
            self.ranges[session] = known.merged(new) if known else new


class Job(msgspec.Struct):
    """A writer at work.

    Attributes:
        directory, service: whose lanes it drains.
        sinks: the log files; the first is `file`, the others are `files`.
        bell: device and inode that the bell had when this writer began.
        native: plain events are formatted in C; the tests can do without.
        losing: files (bits) that get nothing now: more cannot be owed to them.
        sent_to: the sinks that are no files, if there are any; see `outlets`.
        area: which of the staging areas the next batch is made in.
    """

    directory: Path
    service: str
    settings: Settings
    reader: Reader
    journal: Journal
    sinks: list[FileSink]
    signals: Signals
    bell: tuple[int, int] | None
    problem: str = ""
    native: bool = True
    losing: int = 0
    sent_to: Any = None
    area: int = 0

    @property
    def outlets(self) -> Outlets | None:
        """The sinks that are no files, if there are any."""
        return self.sent_to  # type: ignore[no-any-return]

    @property
    def areas(self) -> int:
        """A single file has two halves of the staging area: one is written from while the next
        batch is made in the other.
        """
        alone = len(self.sinks) == 1
        return 2 if alone and self.journal.staging_bytes >= 2 * LEAST_AREA else 1

    @property
    def share_bytes(self) -> int:
        """Of the staging area, what each file has for a batch."""
        return self.journal.staging_bytes // (len(self.sinks) * self.areas) // 64 * 64

    def place(self, sink: FileSink) -> int:
        """Where the next batch of a file begins in the staging area."""
        return (self.area + sink.number) * self.share_bytes

    @property
    def file(self) -> ActiveFile | AbsentFile:
        """What is open of the first log file."""
        return self.sinks[0].file

    @property
    def path(self) -> Path:
        """The first log file."""
        return self.sinks[0].path

    def stage(self, at: int, data: bytes) -> None:
        """Put *data* into the journal's staging area."""
        memoryview(self.journal)[at : at + len(data)] = data

    def tell(self, text: str) -> None:
        """Say once what is wrong (or, empty, that it is right again), for the programs to tell."""
        if text != self.problem:
            self.problem = text
            self.reader.tell_problem(text)


def staging_bytes(directory: Path, files: int = 1) -> int:
    """How large the staging area may be: for each file a sixteenth of what is free there, within
    bounds.
    """
    fs = os.statvfs(directory)
    share = fs.f_bavail * fs.f_frsize // 16 // 4096 * 4096
    return min(max(share, SMALLEST_STAGING), LARGEST_STAGING) * files


def now_ns() -> int:
    """Wall time, nanoseconds since 1970."""
    return time.time_ns()


def tidy(job: Job) -> None:
    """The last one out: a directory that mplog has made goes if it is empty."""
    if job.directory in (Path(SHM, f"mplog-{os.geteuid()}"), job.path.parent / ".mplog"):
        with contextlib.suppress(OSError):
            os.rmdir(job.directory)


def why(error: OSError) -> str:
    """What the system said, as people know it."""
    name = errno.errorcode.get(error.errno or 0, "")
    return f"{error.strerror or error} ({name})" if name else str(error)

"""What the writer looks after beside its batches: whether the active file's time is over, and that
archives are compressed and deleted.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from mplog.config.named import find
from mplog.files.archive import list_archives
from mplog.files.retention import rotated_s
from mplog.files.schedule import HEAD_BYTES, PATIENCE_NS, SECOND_NS, begun_ns, due_ns
from mplog.format.own import OwnFormat
from mplog.format.redacted import RedactedFormat
from mplog.ring.ownership import still_owned
from mplog.writer.another import keep_lock
from mplog.writer.compressor import Compressor
from mplog.writer.deliver import offset
from mplog.writer.own_code import complain
from mplog.writer.retiring import delete_old
from mplog.writer.state import FileSink, Job, now_ns, why

LOOK_S = 0.25  # how often the rest is looked at
RETIRE_S = 10.0  # how often archives may have become too old, or the disk too full
FORMAT_S = 60.0  # between two that a format of the user's own is told of
ZONE_CODE = "MPL-S001"
_NEVER_NS = 1 << 63


class FileState(msgspec.Struct, frozen=True):
    """What a callable for rotation is asked about.

    Attributes:
        path: of the file that is written.
        size_bytes: it has now; never 0.
        begun_ns: when, nanoseconds since 1970.
        now_ns: the same of the clock.
    """

    path: Path
    size_bytes: int
    begun_ns: int
    now_ns: int


Question = Callable[[FileState], Any]


class Upkeep:
    """One file's."""

    def __init__(self, job: Job, sink: FileSink) -> None:
        self._job, self._sink = job, sink
        self._questions: dict[str, Question] = {}
        self._compressor = Compressor(job, sink)
        self._begun_ns, self._due_ns = 0, 0
        self._asked: tuple[int, float] = (0, 0.0)
        self._look_s = self._retire_s = self._format_s = 0.0
        self._rotated_ns = _newest_ns(sink.path)
        self.renew()

    def renew(self) -> None:
        """The settings are others: from now on by them."""
        rotation = self._sink.settings.rotation
        self._file: object = None
        self._questions.clear()
        for name in rotation.ask:
            self._load(name)
        self._timed = bool(rotation.moments) or rotation.every_s is not None
        self._any = self._timed or bool(self._questions)
        self._look_s = self._retire_s = 0.0
        self._compressor.renew()

    def due(self, now_s: float) -> bool:
        """Whether the active file's time is over; an empty one's never is.

        Args:
            now_s: monotonic.
        """
        if not self._any:
            return False
        sink, now = self._sink, now_ns()
        if offset(self._job, sink) == 0:
            self._file = None
            return False
        # A clock that was far ahead when it was begun is no clock.
        if sink.file is not self._file or now < self._begun_ns - PATIENCE_NS:
            self._begin(now)
        over = now >= self._due_ns or (bool(self._questions) and self._ask(now, now_s))
        return over and sink.file.size() > 0

    def look(self, now_s: float) -> None:
        """The archives, now and then; never raises.

        Args:
            now_s: monotonic.
        """
        if now_s < self._look_s:
            return
        self._look_s = now_s + LOOK_S
        self._keep_lock()
        keep = self._sink.settings.retention
        timed = keep.age_s is not None or keep.keep_free_bytes is not None
        if self._sink.deletes.waits or (timed and now_s > self._retire_s):
            self._retire_s = now_s + RETIRE_S
            delete_old(self._job, self._sink)
        self._compressor.look(now_s)
        self._tell_format(now_s)

    def _keep_lock(self) -> None:
        """Somebody may have deleted the lock beside the file: another service would get it. Where
        the file itself is gone too, whoever makes it anew makes the lock.
        """
        sink = self._sink
        if sink.lock < 0 or still_owned(sink.path, sink.lock) or not sink.file.in_place():
            return
        try:
            keep_lock(self._job, sink)
        except OSError as error:
            self._job.tell(f"cannot keep the lock of {sink.path}: {why(error)}")

    def close(self) -> None:
        """The writer leaves."""
        if self._sink.deletes.waits:
            self._sink.deletes.hurry()
            delete_old(self._job, self._sink)
        self._compressor.close()

    def _tell_format(self, now_s: float) -> None:
        """What a format of the user's own has done wrong, once a minute."""
        fmt = self._sink.fmt
        if isinstance(fmt, RedactedFormat):
            fmt = fmt.inner
        if not isinstance(fmt, OwnFormat) or not fmt.problem or now_s < self._format_s:
            return
        self._format_s = now_s + FORMAT_S
        self._job.reader.count("errors", 1)
        what = f"format {self._sink.settings.format}"
        complain(self._job, self._sink, what, fmt.problem, "such lines are text instead")
        fmt.problem = ""

    def _begin(self, now: int) -> None:
        sink = self._sink
        head = os.pread(sink.file.fd, HEAD_BYTES, 0)
        written_ns = os.fstat(sink.file.fd).st_mtime_ns
        rotated_ns = max(self._rotated_ns, sink.rotated_ns)
        self._file = sink.file
        self._begun_ns = begun_ns(head, written_ns, rotated_ns, now)
        try:
            due = due_ns(sink.settings.rotation, self._begun_ns)
        except (LookupError, OSError) as error:
            self._job.reader.count("errors", 1)
            told = f"rotation of {self._sink.path}: a time zone is not known here ({error})"
            self._job.tell(f"{told[:200]} [{ZONE_CODE}]")
            due = None
        self._due_ns = _NEVER_NS if due is None else due

    def _ask(self, now: int, now_s: float) -> bool:
        """The callables: when the file has grown, and once a second."""
        size_bytes = offset(self._job, self._sink)
        if size_bytes == self._asked[0] and now_s < self._asked[1]:
            return False
        self._asked = size_bytes, now_s + 1.0
        state = FileState(self._sink.path, size_bytes, self._begun_ns, now)
        for name, question in list(self._questions.items()):
            try:
                if question(state):
                    return True
            except Exception as error:  # noqa: PERF203 - anybody's code
                self._complain(name, f"it has raised {type(error).__name__}: {error}")
        return False

    def _load(self, name: str) -> None:
        try:
            self._questions[name] = find(name)
        except Exception as error:  # the module's own code has run
            self._complain(name, f"it cannot be had: {type(error).__name__}: {error}")

    def _complain(self, name: str, problem: str) -> None:
        self._job.reader.count("errors", 1)
        complain(self._job, self._sink, f"rotation {name}", problem, "that counts as no")


def _newest_ns(log: Path) -> int:
    """When the newest archive was set aside; 0 when there is none."""
    try:
        archives = list_archives(log.parent, log.name)
    except OSError:
        return 0
    return (rotated_s(archives[-1]) or 0) * SECOND_NS if archives else 0

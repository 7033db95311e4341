"""The writer's loop: wiring only. Drain, compose, commit; look after the dead once a second; sleep
when it is quiet; leave when nobody is here.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from mplog import _native
from mplog.config.directory import SHM
from mplog.files.manifest import SessionRange
from mplog.files.rotation import Ranges
from mplog.ring import bell_id, configuration, stderr_path
from mplog.writer import deliver, stage
from mplog.writer.compose import Batch, file_notice, session_end
from mplog.writer.recover import begin
from mplog.writer.state import Job, Signals, now_ns

LOOK_S = 1.0  # how often the owners of lanes, and the files' identity, are looked at
QUIET_S = 1.0  # after so long without an event the writer sleeps until it is rung
POLL_S = 0.001
BLIND_S = 0.05  # after a look for segments that has failed
LOCK_S = 0.005  # between two tries to take the lock of a predecessor
LEAVE_S = 0.05  # between two looks whether anybody is here, unless somebody has just left
STOP_S = 10.0  # how long a writer that was asked to stop goes on for those who are still attached
DRAIN_BYTES = 1 << 20
BUSY_BYTES = 64 << 10  # a batch of this size is followed by the next one at once


class Loop:
    """One writer's life after the start."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.departures = -1
        self.closing = False  # a look has been, and events have come with every batch since
        self.last_event_s = self.last_look_s = 0.0
        self.rotate_again_s = 0.0
        self.left_at, self.leave_again_s = -1, 0.0
        self.stop_since_s: float | None = None
        self.blind = False  # there is a segment that cannot be read
        self.wants_room_bytes = 0  # for an end line that the file, or the batch, had no room for

    def run(self) -> None:
        """Until nobody is attached and all is drained; or, asked to stop, until then at most
        STOP_S.
        """
        while True:
            self._signals()
            size = self._pass()
            now = time.monotonic()
            if size:
                self.last_event_s = now
            if self._overdue(now):
                return  # what is left waits in its lanes for the next writer
            if size >= BUSY_BYTES:
                continue
            if self._leave(now):
                return
            self._rest(now)

    def _signals(self) -> None:
        signals = self.job.signals
        if signals.reopen or signals.reload:
            signals.reopen = signals.reload = False
            deliver.reopen(self.job, None)
        if signals.rotate:
            signals.rotate = False
            if self.job.file.size():
                deliver.rotate(self.job)

    def _pass(self) -> int:
        """One batch; its size in bytes."""
        job = self.job
        if job.reader.segments != job.reader.seen_segments:
            self._scan()
        wanted, self.wants_room_bytes = self.wants_room_bytes, 0
        if job.journal.file()[2] and wanted > self._room():
            self._rotate()
        room = self._room()
        notices = b"".join([file_notice(job.fmt, now_ns(), *notice) for notice in job.notices])
        job.stage(0, notices)
        batch = stage.drain(job, len(notices), min(DRAIN_BYTES, max(room, BUSY_BYTES)), room)
        if batch.size_bytes > room and job.journal.file()[2]:
            if self._rotate():
                return self._pass()
            batch = Batch()  # it was rewound
        if job.reader.accept(batch.count) != batch.count:
            raise RuntimeError("a batch holds more sessions than it can")
        return self._commit(batch, len(notices))

    def _room(self) -> int:
        job = self.job
        room = deliver.room_bytes(job)
        limited = time.monotonic() < self.rotate_again_s
        return job.journal.staging_bytes if limited else room

    def _rotate(self) -> bool:
        self.job.reader.rewind()
        if deliver.rotate(self.job):
            return True
        self.rotate_again_s = time.monotonic() + 5.0
        return False

    def _commit(self, batch: Batch, notices_bytes: int) -> int:
        job, told = self.job, len(self.job.notices)
        used = notices_bytes + batch.size_bytes
        ended_ranges: Ranges = {}
        lines, ended, dropped = self._ends(used, ended_ranges)
        job.stage(used, lines)
        used += len(lines)
        if not used and not ended:
            return self.wants_room_bytes
        if not job.file.in_place():
            deliver.reopen(job, "replaced")
        del job.notices[:told]  # what was found meanwhile is told with the next batch
        deliver.commit(job, used)
        job.remember(batch.ranges)
        job.remember(ended_ranges)
        self._count(batch, ended, dropped)
        return used

    def _count(self, batch: Batch, sessions: int, dropped: int) -> None:
        job = self.job
        for name, n in (
            ("events", batch.count),
            ("late", batch.late),
            ("dropped", batch.dropped + dropped),
            ("unreadable", batch.unreadable),
            ("sessions", sessions),
        ):
            if n:
                job.reader.count(name, n)

    def _ends(self, used: int, ranges: Ranges) -> tuple[bytes, int, int]:
        """The end lines of sessions that are over and drained, as far as there is room behind
        what is *used*; looks at the owners once a second, and when somebody has left.
        """
        job, now = self.job, time.monotonic()
        departures = job.reader.departures
        look = departures != self.departures or now - self.last_look_s >= LOOK_S
        if not look and not self.closing:
            return b"", 0, 0
        # A session whose last events are in this very batch is closed by a later one.
        self.closing = used > 0
        self.departures = departures
        if now - self.last_look_s >= LOOK_S:
            self.last_look_s = now
            self._scan()
        # Before ends() sets a broken lane whose owner is gone up anew, and nothing is left to keep.
        for session, segment, lane in job.reader.broken() if look else ():
            deliver.dump_broken_lane(job, session, segment, lane)
        lines = b""
        ended = dropped = 0
        room = self._room() - used
        for end in job.reader.ends(look):
            text, lost = session_end(job.fmt, now_ns(), end)
            if len(text) > room and (used or lines or job.journal.file()[2]):
                self.wants_room_bytes = len(text)
                break
            if not job.reader.close_session(end[0], lost):
                break
            ended += 1
            if end[5]:  # a session without an event leaves no line
                lines += text
                room -= len(text)
                dropped += max(lost - end[9], 0)
                first = min(end[6] + 1, end[5])
                ranges[end[1]] = SessionRange(first, end[5], 0, True)
        if ended > 1 or self.wants_room_bytes:
            self.departures = -1  # there may be more than one call brings
        return lines, ended, dropped

    def _overdue(self, now: float) -> bool:
        """Whether the writer was asked to stop STOP_S ago, whatever there is to do."""
        if self.job.signals.stop and self.stop_since_s is None:
            self.stop_since_s = now
        return self.stop_since_s is not None and now - self.stop_since_s > STOP_S

    def _scan(self) -> None:
        """Look for new segments; what cannot be mapped now is tried again."""
        try:
            self.job.reader.scan(self.job.journal)
        except OSError as error:
            self.blind = True
            self.job.reader.count("errors", 1)
            self.job.tell(
                f"cannot read shared memory in {self.job.directory}: {deliver.why(error)}"
            )
            time.sleep(BLIND_S)
            return
        if self.blind:
            self.blind = False
            self.job.tell("")

    def _leave(self, now: float) -> bool:
        """Whether this writer's work is over."""
        job = self.job
        if self.wants_room_bytes or job.notices:
            return False
        departures = job.reader.departures
        if departures == self.left_at and now < self.leave_again_s:
            return False
        self.left_at, self.leave_again_s = departures, now + LEAVE_S
        if job.reader.pending():
            return False
        if bell_id(job.directory, job.service) != job.bell:
            return self._move_away()
        if job.signals.resident and not job.signals.stop:
            return False
        if job.reader.owned() == 0 and job.reader.retire(job.journal):
            _tidy(job)
            return True
        return False

    def _move_away(self) -> bool:
        """Somebody has removed the service's files: owners are told to claim anew; what they had
        published is drained first.
        """
        job = self.job
        quiet = job.reader.set_aside()
        while self._pass() and not self._overdue(time.monotonic()):
            pass
        return quiet and job.reader.pending() == 0

    def _rest(self, now: float) -> None:
        if now - self.last_event_s < QUIET_S:
            time.sleep(POLL_S)
            return
        self.job.reader.sleep(LOOK_S, max(self.departures, 0) & 0xFFFFFFFF)


def _tidy(job: Job) -> None:
    """The last one out: what is ours alone goes; a directory that mplog has made goes if it is
    empty.
    """
    stderr_path(job.directory, job.service).unlink(missing_ok=True)
    if job.directory in (SHM / f"mplog-{os.geteuid()}", job.path.parent / ".mplog"):
        with contextlib.suppress(OSError):
            os.rmdir(job.directory)


def work(directory: Path, service: str, signals: Signals, supervisor: int) -> int:
    """Be the writer: take the lock (waiting for a predecessor), recover, run the loop.

    Returns:
        The exit code: 0 when the work is over.
    """
    path = _native.bell_path(str(directory), service)
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return 0
    while not _native.lock(fd, _native.LOCK_WRITER):
        if signals.stop:
            return 0
        time.sleep(LOCK_S)
    found = os.fstat(fd)
    bell = bell_id(directory, service)
    if bell != (found.st_dev, found.st_ino):
        return 0  # the writer that had the lock has taken the service down
    settings = configuration(directory, service)
    try:
        job, lock = begin(directory, service, settings, signals, bell)
        job.reader.set_pids(os.getpid(), supervisor)
        job.reader.count("starts", 1)
        Loop(job).run()
        os.close(lock)
    except deliver.Abandoned:
        return 0
    return 0

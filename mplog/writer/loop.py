"""The writer's loop: wiring only. Drain, compose, commit; look after the dead once a second; sleep
when it is quiet; leave when nobody is here.
"""

from __future__ import annotations

import time

from mplog.ring import bell_id
from mplog.writer import deliver, stage
from mplog.writer.account import Account, accept, count
from mplog.writer.compose import Batch, file_notice
from mplog.writer.endings import LOOK_S, Endings
from mplog.writer.reload import take_up
from mplog.writer.state import Job, now_ns, tidy
from mplog.writer.upkeep import Upkeep

QUIET_S = 1.0  # after so long without an event the writer sleeps until it is rung
DOZE_S = 0.01  # between two batches while events come; a lane that fills up ends it
LEAVE_S = 0.05  # between two looks whether anybody is here, unless somebody has just left
STOP_S = 10.0  # how long a writer that was asked to stop goes on for those who are still attached
DRAIN_BYTES = 1 << 18  # of payloads: with their lines they stay in a core's own cache
BUSY_BYTES = 64 << 10  # a batch of this size is followed by the next one at once


class Loop:
    """One writer's life after the start."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.endings = Endings(job)
        self.upkeep = Upkeep(job)
        self.last_event_s = 0.0
        self.rotate_again_s = 0.0
        self.left_at, self.leave_again_s = -1, 0.0
        self.stop_since_s: float | None = None

    def run(self) -> None:
        """Until nobody is attached and all is drained; or, asked to stop, until then at most
        STOP_S.
        """
        while True:
            self._signals()
            now = time.monotonic()
            if self.upkeep.due(now) and now >= self.rotate_again_s:
                self._rotate()
            size = self._pass()
            now = time.monotonic()
            self.upkeep.look(now)
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
        if not (signals.reopen or signals.reload or signals.rotate):
            return
        if signals.reload:
            signals.reload, signals.reopen = False, True
            take_up(self.job, self.upkeep)
        if signals.reopen:
            signals.reopen = False
            deliver.reopen(self.job, None)
        if signals.rotate:
            signals.rotate = False
            if self.job.file.size():
                deliver.rotate(self.job)
        self.job.reader.count("asked", 1)

    def _pass(self) -> int:
        """One batch; its size in bytes."""
        job = self.job
        if job.reader.segments != job.reader.seen_segments:
            self.endings.scan()
        wanted, self.endings.wants_room_bytes = self.endings.wants_room_bytes, 0
        if job.journal.file()[2] and wanted > self._room():
            self._rotate()
        room = self._room()
        notices = b"".join(job.lines)
        notices += b"".join([file_notice(job.fmt, now_ns(), *notice) for notice in job.notices])
        job.stage(0, notices)
        batch = stage.drain(job, len(notices), min(DRAIN_BYTES, max(room, BUSY_BYTES)), room)
        if batch.size_bytes > room and job.journal.file()[2]:
            if self._rotate():
                return self._pass()
            batch = Batch()  # it was rewound
        return self._commit(batch, accept(job, batch), len(notices))

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

    def _commit(self, batch: Batch, account: Account, notices_bytes: int) -> int:
        job, told, lines = self.job, len(self.job.notices), len(self.job.lines)
        used = notices_bytes + batch.size_bytes
        ended = self.endings.look(used, self._room() - used)
        job.stage(used, ended.lines)
        used += len(ended.lines)
        if not used and not ended.sessions and not batch.count:
            return self.endings.wants_room_bytes
        if used and not job.file.in_place():
            deliver.reopen(job, "replaced")
        del job.notices[:told], job.lines[:lines]  # what was found meanwhile: with the next batch
        deliver.commit(job, used)
        job.remember(account.ranges)
        job.remember(ended.ranges)
        count(job, batch, account, ended)
        return max(used, batch.count)

    def _overdue(self, now: float) -> bool:
        """Whether the writer was asked to stop STOP_S ago, whatever there is to do."""
        if self.job.signals.stop and self.stop_since_s is None:
            self.stop_since_s = now
        return self.stop_since_s is not None and now - self.stop_since_s > STOP_S

    def _leave(self, now: float) -> bool:
        """Whether this writer's work is over."""
        job = self.job
        if self.endings.wants_room_bytes or job.notices or job.lines:
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
            self.endings.close()
            tidy(job)
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
            self.job.reader.sleep(DOZE_S)
            return
        self.job.reader.sleep(LOOK_S, max(self.endings.departures, 0) & 0xFFFFFFFF)

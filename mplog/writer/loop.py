"""The writer's loop: wiring only. Drain, compose, commit; look after the dead once a second; sleep
when it is quiet; leave when nobody is here.
"""

from __future__ import annotations

import os
import time

from mplog.ring import bell_id
from mplog.writer import deliver, stage
from mplog.writer.account import accept, count, ranges_in
from mplog.writer.ahead import Ahead, Made
from mplog.writer.announce import tell_of_file
from mplog.writer.compose import Batch, file_notice
from mplog.writer.durable import Durability
from mplog.writer.endings import LOOK_S, Endings
from mplog.writer.leaving import Leaving
from mplog.writer.owing import Owing
from mplog.writer.quarantine import keep_poison
from mplog.writer.reload import route_anew, take_up
from mplog.writer.residence import Residence
from mplog.writer.state import FileSink, Job, now_ns, tidy
from mplog.writer.upkeep import Upkeep

QUIET_S = 1.0  # after so long without an event the writer sleeps until it is rung
DOZE_S = 0.01  # between two batches while events come; a lane that fills up ends it
STUCK_S = 0.005  # where no file takes anything, and no more can be owed to them
LEAVE_S = 0.05  # between two looks whether anybody is here, unless somebody has just left
STOP_S = 10.0  # how long a writer that was asked to stop goes on for those who are still attached
DRAIN_BYTES = 1 << 18  # of payloads: with their lines they stay in a core's own cache
BUSY_BYTES = 64 << 10  # a batch of this size is followed by the next one at once


class Loop:
    """One writer's life after the start."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.endings = Endings(job)
        self.upkeeps = [Upkeep(job, sink) for sink in job.sinks]
        self.durability = Durability(job)
        self.ahead = Ahead(job, self._make)
        self.owing = Owing(job)
        self.owing_since_s: float | None = None
        self.last_event_s = self.around_s = 0.0
        self.left_at, self.leave_again_s = -1, 0.0
        self.stop_since_s: float | None = None
        self.sinks, self.residence = Leaving(job), Residence(job)
        route_anew(job)

    def run(self) -> None:
        """Until nobody is attached and all is drained; or, asked to stop, until then at most
        STOP_S.
        """
        while True:
            if self.job.signals.beat is not None:
                self.job.signals.beat(True)
            self._signals()
            now = time.monotonic()
            self.owing.look(now)
            self._keep_up(now)
            size = self._pass()
            now = time.monotonic()
            for upkeep in self.upkeeps:
                upkeep.look(now)
            if self.job.outlets is not None:
                self.job.outlets.look(now)
            if size:
                self.last_event_s = now
            if self._overdue(now):
                return  # what is left waits in its lanes for the next writer
            if self._look_around(now):
                return
            if size >= BUSY_BYTES:
                continue
            if self._leave(now):
                return
            self._rest(now)

    def _look_around(self, now: float) -> bool:
        """Also while batches follow each other: whether the supervisor lives, which producers are
        told, and whether the service has moved, and all is drained that was left here.
        """
        if now < self.around_s:
            return False
        self.around_s, job = now + LOOK_S, self.job
        if job.reader.supervisor_pid not in (0, os.getppid()):
            job.reader.set_pids(os.getpid(), 0)
        moved = bell_id(job.directory, job.service) != job.bell
        return moved and not self.owing.owes and self._move_away()

    def _signals(self) -> None:
        signals = self.job.signals
        if not (signals.reopen or signals.reload or signals.rotate):
            return
        self.ahead.forget()
        if signals.reload:
            signals.reload, signals.reopen = False, True
            take_up(self.job, self.upkeeps)
        if signals.reopen:
            signals.reopen = False
            for sink in self._well():
                deliver.reopen(self.job, sink, None)
            if self.job.outlets is not None:
                self.job.outlets.try_again()
        if signals.rotate:
            signals.rotate = False
            for sink in self._well():
                if sink.file.size():
                    deliver.rotate(self.job, sink)
        self.job.reader.count("asked", 1)

    def _well(self) -> list[FileSink]:
        """The files that can be written; of the others the rest is seen to later."""
        for sink in self.job.sinks:
            sink.pay_s = 0.0
        return [sink for sink in self.job.sinks if not sink.owed]

    def _keep_up(self, now: float) -> None:
        """Rotations that are due."""
        for sink, upkeep in zip(self.job.sinks, self.upkeeps, strict=True):
            if not sink.owed and upkeep.due(now) and now >= sink.rotate_again_s:
                self._rotate(sink)

    def _pass(self) -> int:
        """One batch; its size in bytes."""
        job = self.job
        if self.owing.stuck:
            time.sleep(STUCK_S)
            return 0
        if job.reader.segments != job.reader.seen_segments:
            self.endings.scan()
        for sink in job.sinks:
            wanted, sink.wants_room_bytes = sink.wants_room_bytes, 0
            if not sink.owed and deliver.offset(job, sink) and wanted > self._room(sink):
                self._rotate(sink)
        rooms, batches = self.ahead.take() or self._make(0)
        for sink, room, batch in zip(job.sinks, rooms, batches, strict=True):
            over = batch.size_bytes > room.file_bytes and not sink.owed
            if over and deliver.offset(job, sink):
                if self._rotate(sink):
                    return self._pass()
                batches = [Batch() for _ in batches]  # it was rewound
                break
        return self._commit(batches, [room.used_bytes for room in rooms])

    def _make(self, under_way_bytes: int) -> Made:
        """Drain and format; nothing is accepted yet."""
        self.durability.look()
        rooms = [self._begin(sink, under_way_bytes) for sink in self.job.sinks]
        least = min(room.file_bytes for room in rooms)
        drain_bytes = min(DRAIN_BYTES, max(least, BUSY_BYTES))
        return rooms, stage.drain_all(self.job, drain_bytes, rooms)

    def _begin(self, sink: FileSink, under_way_bytes: int) -> stage.Room:
        """The batch begins with what is to be told about the file."""
        job = self.job
        notices = b"".join(sink.lines)
        notices += b"".join([file_notice(sink.fmt, now_ns(), *notice) for notice in sink.notices])
        job.stage(job.place(sink), notices)
        return stage.Room(len(notices), self._room(sink, under_way_bytes))

    def _room(self, sink: FileSink, under_way_bytes: int = 0) -> int:
        if sink.owed:
            return self.owing.room_bytes(sink)
        room = deliver.room_bytes(self.job, sink, under_way_bytes)
        limited = time.monotonic() < sink.rotate_again_s
        return self.job.share_bytes if limited else room

    def _rotate(self, sink: FileSink) -> bool:
        self.job.reader.rewind()
        if deliver.rotate(self.job, sink):
            return True
        sink.rotate_again_s = time.monotonic() + 5.0
        return False

    def _commit(self, batches: list[Batch], used: list[int]) -> int:
        job = self.job
        told = [(len(sink.notices), len(sink.lines)) for sink in job.sinks]
        account = accept(job, batches[0])
        used = [n + batch.size_bytes for n, batch in zip(used, batches, strict=True)]
        rooms = [self._room(sink) - n for sink, n in zip(job.sinks, used, strict=True)]
        ended = self.endings.look(used, rooms)
        for sink in job.sinks:
            end_lines = ended.lines[sink.number]
            job.stage(job.place(sink) + used[sink.number], end_lines)
            used[sink.number] += len(end_lines)
        sync = self.durability.wanted(any(used), now := time.monotonic())
        if not (any(used) or ended.sessions or batches[0].count or job.journal.leading):
            if sync:
                self.durability.sync(now)
            return max(0 if sink.owed else sink.wants_room_bytes for sink in job.sinks)
        ranges = [ranges_in(job, sink, account) for sink in job.sinks]
        for sink in job.sinks:
            # Of several files each has a hand that looks there itself.
            if used[sink.number] and len(job.sinks) == 1 and not sink.file.in_place():
                deliver.reopen(job, sink, "replaced")
            tell_of_file(job, sink, told[sink.number][0])
            notices, lines = told[sink.number]  # what was found meanwhile: with the next batch
            del sink.notices[:notices], sink.lines[:lines]
        job.journal.set_sync(sync and self.durability.prepare(now))
        keep_poison(job)
        if job.outlets is not None:
            job.outlets.collect(batches[0].count)
        deliver.commit(job, used, self.ahead.write(used, now, sync=sync))
        if job.outlets is not None:
            job.outlets.deliver()
        for sink in job.sinks:
            sink.remember(ranges[sink.number])
            sink.remember(ended.ranges[sink.number])
        count(job, batches[0], account, ended)
        return max(*used, batches[0].count)

    def close(self) -> None:
        """The writer leaves, or is about to."""
        for upkeep in self.upkeeps:
            upkeep.close()

    def _overdue(self, now: float) -> bool:
        """Whether the writer was asked to stop STOP_S ago, or asked twice, whatever there is to
        do.
        """
        if self.job.signals.now:
            return True
        if self.job.signals.stop and self.stop_since_s is None:
            self.stop_since_s = now
        return self.stop_since_s is not None and now - self.stop_since_s > STOP_S

    def _leave(self, now: float) -> bool:
        """Whether this writer's work is over."""
        job = self.job
        for sink in job.sinks:
            if not sink.owed and (sink.wants_room_bytes or sink.notices or sink.lines):
                return False
        departures = job.reader.departures
        soon = now < self.leave_again_s and not job.signals.stop
        if departures == self.left_at and soon:
            return False
        self.left_at, self.leave_again_s = departures, now + LEAVE_S
        if self.owing.owes:
            return self._give_up(now)
        self.owing_since_s = None
        if job.reader.pending():
            return False
        if bell_id(job.directory, job.service) != job.bell:
            return self._move_away()
        if self.residence.lasts(now):
            return False
        if job.reader.owned() == 0:
            if self.sinks.under_way(now):
                self.left_at = -1  # look again at once
                return False
            self.durability.close()
            if self.residence.has_heir:
                return True
            # Before: once the service is down, nobody starts a writer after one that dies.
            self.close()
            if not job.reader.retire(job.journal):
                return False
            self.endings.close()
            tidy(job)
            return True
        self.sinks.somebody_is_here()
        return False

    def _give_up(self, now: float) -> bool:
        """Nobody is here but a file that is owed its lines: after a while they are left to the next
        writer.

        Raises:
            Abandoned: it has waited long enough.
        """
        job = self.job
        here = job.reader.owned() > 0 or job.signals.stays
        alone = not here or job.signals.stop
        self.owing_since_s = (self.owing_since_s or now) if alone else None
        if self.owing_since_s is not None and now - self.owing_since_s > deliver.GIVE_UP_S:
            raise deliver.Abandoned
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
        if now - self.last_event_s < QUIET_S or self.sinks.waits:
            self.job.reader.sleep(DOZE_S)
            return
        look_s = min(LOOK_S, self.job.signals.beat_s or LOOK_S)
        self.job.reader.sleep(look_s, max(self.endings.departures, 0) & 0xFFFFFFFF)

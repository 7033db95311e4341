"""Log files that cannot be written now, while the others go on. What such a file is owed stands in
its spool, in shared memory and in order; it is paid once the file takes it, and new lines go behind
it. A full spool makes the file lose lines, as long as another file gets them: they are told there
as dropped.

A service with one file owes nothing: its events wait in their lanes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time

from mplog.ring.ownership import take_ownership
from mplog.writer import deliver, sick
from mplog.writer.another import take, take_back, tell_found
from mplog.writer.state import FileSink, Job, why

PAY_S = 0.02  # how long one pass may pay one file: the others wait for it
FRAME_BYTES = 16
SPARE = 8  # this part of a spool is for lines that end sessions


class Owing:
    """Looks after the files of one writer.

    Attributes:
        stuck: no file takes anything, and a spool is full: nothing more is drained.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self.stuck = False

    def look(self, now_s: float) -> None:
        """Pay what can be paid, and see how much each file can be owed.

        Args:
            now_s: monotonic.
        """
        if len(self._job.sinks) == 1:
            return
        for sink in self._job.sinks:
            owed_bytes, number, hangs = self._job.journal.apart(sink.number)
            if owed_bytes or sink.file.absent:
                if not sink.owed:
                    self._begin(sink)
                if not hangs and now_s >= sink.pay_s:
                    self._pay(sink, now_s)
                elif hangs:
                    self._tell(sink, OSError(number, os.strerror(number)))
            elif sink.owed:
                self._over(sink)
        self._measure()

    @property
    def owes(self) -> bool:
        """Whether any file is owed anything."""
        return any(self._job.journal.apart(sink.number)[0] for sink in self._job.sinks)

    def room_bytes(self, sink: FileSink) -> int:
        """How many bytes of lines a file that is owed something can be owed besides."""
        limit = sink.settings.rotation.size_bytes or self._job.share_bytes
        owed_bytes = self._job.journal.apart(sink.number)[0]
        left_bytes = self._job.settings.spool_bytes - owed_bytes - FRAME_BYTES
        return max(min(limit, self._job.share_bytes, left_bytes), 0)

    def _begin(self, sink: FileSink) -> None:
        sink.owed, sink.pay_s, sink.pause_s = True, 0.0, deliver.FIRST_PAUSE_S
        sink.ranges = None  # from now on they would say more than stands in the file

    def _pay(self, sink: FileSink, now_s: float) -> None:
        try:
            self._open(sink)
            self._lead(sink)
            while self._pay_one(sink) and time.monotonic() < now_s + PAY_S:
                pass
        except OSError as error:
            self._job.reader.count("errors", 1)
            self._tell(sink, error)
            if not sink.file.absent and sick.look(self._job, sink, error):
                self._job.tell(deliver.leave_unsynced(self._job, error))
                with contextlib.suppress(OSError):
                    self._lead(sink)  # now: the next batch's lines, and a lead, go behind the rest
            sink.pay_s = time.monotonic() + sink.pause_s
            sink.pause_s = min(sink.pause_s * 2, deliver.LONGEST_PAUSE_S)
        else:
            sink.pause_s = deliver.FIRST_PAUSE_S
            sink.sickness.over()
        if not sink.file.absent and not self._job.journal.apart(sink.number)[0]:
            self._over(sink)

    def _open(self, sink: FileSink) -> None:
        """What stands at the path now; what of the first lines owed got into another file before is
        taken back there.
        """
        job = self._job
        if sink.lock < 0:
            fd = take_ownership(sink.path, job.service, job.directory)
            if fd is None:
                raise OSError(errno.EBUSY, "another service writes it", str(sink.path))
            sink.lock = fd
        if not sink.file.in_place():
            self._load(sink)
            if not sink.file.absent:
                take_back(job, sink, job.place(sink))
        take(job, sink, "replaced" if any(job.journal.file(sink.number)[:2]) else None)

    def _load(self, sink: FileSink) -> int:
        """The first lines owed, into the staging area: how many bytes."""
        job = self._job
        try:
            return job.journal.spool_load(sink.number, job.place(sink), job.share_bytes)
        except RuntimeError:  # somebody has damaged it: what stands there is lines no more
            job.journal.spool_forget(sink.number)
            job.reader.count("errors", 1)
            sink.notices.append(("owed_lines_damaged", deliver.offset(job, sink), 0))
            return 0

    def _pay_one(self, sink: FileSink) -> bool:
        """The first lines owed go into the file; False where there are none."""
        job = self._job
        length = self._load(sink)
        if not length:
            return False
        limit, offset = sink.settings.rotation.size_bytes, deliver.offset(job, sink)
        if limit is not None and offset and offset + length > limit:
            deliver.rotate(job, sink)
            if sink.file.absent or not self._load(sink):
                return False
            offset = deliver.offset(job, sink)
        where = sink.file.fd, job.place(sink), length
        found = job.journal.unspool(job.reader, sink.number, *where)
        if found:
            tell_found(job, sink, found, offset)
        job.journal.spool_trim(sink.number)
        return True

    def _lead(self, sink: FileSink) -> None:
        """A file that is begun anew begins with its lead, before what is owed."""
        job, lead = self._job, self._job.journal.lead(sink.number)
        if not lead or sink.file.absent or deliver.offset(job, sink):
            return
        if os.pwrite(sink.file.fd, lead, 0) != len(lead):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        generation = job.journal.file(sink.number)[3]
        job.journal.set_file(sink.file.dev, sink.file.ino, len(lead), generation, sink.number)
        job.journal.end_lead(sink.number)

    def _over(self, sink: FileSink) -> None:
        self._job.journal.spool_trim(sink.number)
        sink.owed = False
        if sink.told and sink.told == self._job.problem:
            self._job.tell("")
        sink.told = ""

    def _tell(self, sink: FileSink, error: OSError) -> None:
        what = f"cannot write {sink.path}: {why(error)}"
        sink.told = f"{what}; its lines wait in shared memory, the other files go on"
        self._job.tell(sink.told)

    def _measure(self) -> None:
        """Which files lose what comes now: those whose spool is full, until they are paid."""
        job, bound_bytes = self._job, self._job.settings.spool_bytes
        full = 0
        for sink in job.sinks:
            if sink.owed and not self._has_room(sink, bound_bytes):
                full |= 1 << sink.number
        well = any(not sink.owed for sink in job.sinks)
        self.stuck = bool(full) and not well
        losing = full if well else 0
        if losing != job.losing:
            job.losing = losing
            job.reader.set_losing(losing)

    def _has_room(self, sink: FileSink, bound_bytes: int) -> bool:
        job = self._job
        if job.losing >> sink.number & 1:
            return False
        left_bytes = bound_bytes - job.journal.apart(sink.number)[0] - bound_bytes // SPARE
        if left_bytes < job.share_bytes + FRAME_BYTES:
            return False
        try:
            job.journal.spool_reserve(sink.number, job.share_bytes + FRAME_BYTES)
        except OSError:
            return False
        return True

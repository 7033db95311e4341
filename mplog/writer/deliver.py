"""Getting a batch into the file: commit, and what to do while the file refuses; rotation when the
batch would not fit.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from mplog import _native
from mplog.files import rotation
from mplog.files.active import AbsentFile, ActiveFile
from mplog.writer import sick
from mplog.writer.another import in_doubt, is_cared_for, keep_lock, look_again, take, tell_found
from mplog.writer.compose import unsure_notice
from mplog.writer.retiring import FULL, delete_old, make_room
from mplog.writer.state import FileSink, Job, now_ns, why

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 1.0
GIVE_UP_S = 10.0
Write = Callable[[list[tuple[int, int, int]]], int]  # parts -> what was found
_T = TypeVar("_T")


class Abandoned(Exception):
    """The file refuses and the writer is to leave: what is committed stays in the journal for the
    next one.
    """


def commit(job: Job, sizes_bytes: Sequence[int], write: Write | None = None) -> None:
    """Put what is staged into the files, and the accepted items with them, once, however long that
    takes.

    Args:
        sizes_bytes: by file, how much of its share is to go there.
        write: in place of the journal's `commit_parts`.

    Raises:
        Abandoned: a file went on refusing while the writer was asked to stop, or nobody was left
            to write for.
    """
    offsets = [offset(job, sink) for sink in job.sinks]
    parts = [(s.file.fd, job.place(s), sizes_bytes[s.number]) for s in job.sinks]
    try:
        found = write(parts) if write else job.journal.commit_parts(job.reader, parts)
    except OSError as error:
        found = insist(job, error)
    for sink in job.sinks if found else ():
        tell_found(job, sink, found, offsets[sink.number])
    job.reader.count("batches", 1)
    job.reader.count("bytes", sum(sizes_bytes))


def offset(job: Job, sink: FileSink) -> int:
    """Where the next batch begins in the file."""
    return job.journal.file(sink.number)[2]


def insist(job: Job, error: OSError) -> int:
    """Redo until it is done. The heads have moved already, so producers go on while their lanes
    have room.
    """
    left, sentence = 0, ""
    sick.note(job, error)

    def redo() -> int:
        nonlocal left, sentence
        if job.journal.unsynced:
            sentence = leave_unsynced(job, error)
        else:
            for sink in job.sinks:
                if look_again(job, sink):
                    left |= 0xF << _native.FOUND_BITS * sink.number
        try:
            return job.journal.redo_parts(job.reader, [sink.file.fd for sink in job.sinks])
        except OSError as again:
            sick.note(job, again)
            raise

    found = patiently(job, job.sinks[0], redo, None if job.journal.unsynced else error)
    job.sinks[0].sickness.over()
    if sentence:
        job.tell(sentence)
    return found & ~left  # what another file lacks or holds, nobody has done to ours


def leave_unsynced(job: Job, error: OSError) -> str:
    """After a failed sync nothing of its file is believed: it is set aside, and a batch under way
    goes whole into a new one, which begins by saying so. What no batch holds any more is suspect.

    Returns:
        What is to be told of it.

    Raises:
        Abandoned: see `commit`.
    """
    sentence = ""
    for sink in job.sinks:
        if not job.journal.unsynced >> sink.number & 1 or isinstance(sink.file, AbsentFile):
            continue
        job.reader.count("unsynced", 1)
        synced, start, end = job.journal.unsure(sink.number)
        if start > synced:
            job.reader.tell_doubt()
        end = in_doubt(sink, start, end)
        lead = unsure_notice(sink.fmt, now_ns(), "suspect", synced, start)
        lead += unsure_notice(sink.fmt, now_ns(), "repeated", start, end)
        job.journal.lead_next(lead)
        how = sink.settings.mode, now_ns(), sink.number
        patiently(job, sink, partial(rotation.begin, job.journal, sink.file, *how))
        finish_rotation(job, sink)
        sentence = f"{sink.path} could not be brought onto the disk ({why(error)})"
        sentence += "; the log goes on in a new file, and tells what is in doubt"
    return sentence


def sync(job: Job) -> bool:
    """Bring what stands in the files onto the disk, between two batches; False where that has
    failed: then the files are other ones.
    """
    try:
        fds = [-1 if sink.owed else sink.file.fd for sink in job.sinks]
        job.journal.sync(job.reader, fds)
    except OSError as error:
        job.tell(leave_unsynced(job, error))
        return False
    return True


def patiently(job: Job, sink: FileSink, step: Callable[[], _T], error: OSError | None = None) -> _T:
    """Try until *step* raises no OSError; *error*: one try has failed already.

    Raises:
        Abandoned: see `commit`.
    """
    retry = Patience(job, sink)
    while True:
        if error is not None:
            retry.pause(error)
        try:
            done = step()
        except OSError as again:
            error = again
            continue
        retry.over()
        return done


class Patience:
    """Growing pauses between tries; ends by `Abandoned` when there is nobody to wait for."""

    def __init__(self, job: Job, sink: FileSink) -> None:
        self._job, self._sink = job, sink
        self._pause_s = FIRST_PAUSE_S
        self._alone_since: float | None = None
        self._stop_since: float | None = None
        self._told = False

    def pause(self, error: OSError) -> None:
        """Tell *error*, wait.

        Raises:
            Abandoned: see the class.
        """
        job, now = self._job, time.monotonic()
        if error.errno in FULL:
            make_room(job, at_once=not self._told)
        self._told = True
        job.reader.count("errors", 1)
        job.tell(f"cannot write {self._sink.path}: {why(error)}; events wait in shared memory")
        alone = job.reader.owned() == 0 and not job.signals.stays
        self._alone_since = (self._alone_since or now) if alone else None
        self._stop_since = (self._stop_since or now) if job.signals.stop else None
        since = (self._alone_since, self._stop_since)
        if job.signals.now or any(s is not None and now - s > GIVE_UP_S for s in since):
            raise Abandoned
        job.signals.pause(self._pause_s)
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)

    def over(self) -> None:
        """It is done: what was told is true no more."""
        if self._told:
            self._job.tell("")


def room_bytes(job: Job, sink: FileSink, under_way_bytes: int = 0) -> int:
    """How many bytes still go into the active file, behind those that are under way to it."""
    limit, share = sink.settings.rotation.size_bytes, job.share_bytes
    end = offset(job, sink) + under_way_bytes
    return share if limit is None else min(share, max(limit - end, 0))


def rotate(job: Job, sink: FileSink | None = None) -> bool:
    """Set the active file (of the first sink) aside and begin a new one; False when the system
    refuses, and the old one goes on.
    """
    sink = sink or job.sinks[0]
    if not isinstance(sink.file, ActiveFile):
        return False
    if is_cared_for(job) and job.journal.state == _native.IDLE and not sync(job):
        return True  # it has been set aside already
    try:
        _begin(job, sink, sink.file)
    except OSError as error:
        job.tell(f"cannot rotate {sink.path}: {why(error)}; it goes on growing")
        return False
    if not finish_rotation(job, sink):
        return False
    delete_old(job, sink)
    return True


def _begin(job: Job, sink: FileSink, file: ActiveFile) -> None:
    began_s = time.monotonic()
    look, how = sink.looks.due(began_s), (sink.settings.mode, now_ns(), sink.number)
    rotation.begin(job.journal, file, *how, look=look)
    if look:
        sink.looks.took(began_s, time.monotonic())


def finish_rotation(job: Job, sink: FileSink) -> bool:
    """Bring the rotation in the journal to its end; False where it had to be undone.

    Raises:
        Abandoned: see `commit`.
    """

    def step() -> rotation.Rotated:
        keep_lock(job, sink)
        return rotation.finish(job.journal, sink.path, sink.settings.mode, sink.ranges)

    try:
        done = patiently(job, sink, step) if len(job.sinks) == 1 else step()
    except rotation.Undone as undone:
        job.tell(f"cannot rotate {sink.path}: {why(undone.why)}; it goes on growing")
        return False
    except OSError as error:  # of several: nobody waits for it
        leave_rotation(job, sink)
        job.tell(f"cannot rotate {sink.path}: {why(error)}; the other files go on")
        return False
    sink.file.close()
    sink.file = done.file
    sink.begin_ranges(done.size_bytes)
    sink.rotated_ns, sink.untidy = now_ns(), True
    job.reader.count("rotations", 1)
    if job.problem.startswith("cannot "):  # a filter's complaint is not over with that
        job.tell("")
    if done.problem is not None:
        job.reader.count("errors", 1)
        what = f"cannot note in the manifest what {done.archive} holds"
        job.tell(f"{what}: {why(done.problem)}; the log goes on")
    return True


def leave_rotation(job: Job, sink: FileSink) -> None:
    """Give up the rotation in the journal where it stands: what is at the path is seen later."""
    generation, _, *old = (job.journal.rotation or (0, "", 0, 0))[:4]
    with contextlib.suppress(OSError):
        found = os.lstat(sink.path)
        if [found.st_dev, found.st_ino] != old:
            old = [0, 0]
    begun = offset(job, sink) if any(old) else 0
    job.journal.rotate_end(old[0], old[1], begun, generation + (not any(old)))
    sink.file.close()
    sink.file, sink.ranges, sink.untidy = AbsentFile(sink.path), None, True


def reopen(job: Job, sink: FileSink, what: str | None) -> None:
    """Open the path anew, when another file stands there or when somebody asked for it; IDLE only.

    Raises:
        Abandoned: see `commit`.
    """
    patiently(job, sink, lambda: take(job, sink, what))

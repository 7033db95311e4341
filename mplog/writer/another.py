"""Another file at the path than the one that is open: moved, deleted, replaced, mounted over; or
the same one anew, because its file system has died and is back.
"""

from __future__ import annotations

import contextlib
import errno
import os

from mplog import _native
from mplog.files.active import AbsentFile, ActiveFile
from mplog.ring.ownership import still_owned, take_ownership
from mplog.writer.state import FileSink, Job


def look_again(job: Job, sink: FileSink) -> bool:
    """Take what stands at the path, and tell whether it is another file: the one that is open may
    have been taken away to make room, or its file system has died and is mounted anew.
    """
    if not sink.file.in_place():
        take_back(job, sink, job.journal.placed(sink.number)[0])
    try:
        return take(job, sink, "replaced")
    except OSError:
        return False  # what is open may still get better


def take(job: Job, sink: FileSink, what: str | None) -> bool:
    """Open the path anew, and tell whether it is another file; that one is put in force, and told
    as *what*.

    Raises:
        OSError: it cannot be had; what is open stays in force.
    """
    file, old = _opened(job, sink), sink.file
    other = (file.dev, file.ino) != job.journal.file(sink.number)[:2]
    sink.file = file
    try:
        if other:
            adopt(job, sink, job.journal.file(sink.number)[3])
    except OSError:
        sink.file = old
        file.close()
        raise
    if other:
        _leave(job, old)
    old.close()
    if other and what is not None:
        sink.notices.append((what, job.journal.file(sink.number)[2], 0))
        job.reader.count("replaced", 1)
    return other


def is_cared_for(job: Job) -> bool:
    """Whether anything of the log is to be on the disk, by its settings or by somebody's call."""
    return job.settings.fsync != "none" or job.reader.sync_asked > 0


def _leave(job: Job, old: ActiveFile | AbsentFile) -> None:
    """What is not synced of a file that somebody has moved away is synced now, or is in doubt."""
    if old.absent:
        return
    try:
        if is_cared_for(job):
            os.fsync(old.fd)
            return
    except OSError:
        job.reader.count("unsynced", 1)
    job.reader.tell_doubt()


def take_back(job: Job, sink: FileSink, place: int) -> None:
    """What of the bytes staged at *place* has got into a file that is left: they go whole into the
    next one.
    """
    offset, share = job.journal.file(sink.number)[2], job.share_bytes
    staged = memoryview(job.journal)[place : place + share]
    with contextlib.suppress(OSError):
        size_bytes = sink.file.size() - offset
        if 0 < size_bytes <= share:
            there = os.pread(sink.file.fd, size_bytes, offset)
            if there == staged[: len(there)]:
                os.ftruncate(sink.file.fd, offset)


def _opened(job: Job, sink: FileSink) -> ActiveFile:
    """What stands at the path, opened, or a new file; the lock beside it is ours.

    Raises:
        OSError: it cannot be had, or the lock is another service's by now.
    """
    file = ActiveFile(sink.path, sink.settings.mode, sink.file.stat())
    try:
        keep_lock(job, sink)
    except OSError:
        file.close()
        raise
    return file


def keep_lock(job: Job, sink: FileSink) -> None:
    """Take the lock beside the file again where the directory is another one, and the lock with it.

    Raises:
        OSError: it cannot be had, or another service has it by now.
    """
    if sink.lock < 0 or still_owned(sink.path, sink.lock):
        return
    fd = take_ownership(sink.path, job.service, job.directory)
    if fd is None:
        raise OSError(errno.EBUSY, "another service writes it", str(sink.path))
    os.dup2(fd, sink.lock, inheritable=False)
    os.close(fd)


def adopt(job: Job, sink: FileSink, generation: int) -> None:
    """Put the open file in force at its end, on a line of its own.

    Raises:
        OSError: its last line has no end and cannot get one.
    """
    if sink.file.end_line():
        job.reader.count("newlines", 1)
        sink.notices.append(("newline_added", sink.file.size() - 1, 1))
    size = sink.file.size()
    job.journal.set_file(sink.file.dev, sink.file.ino, size, generation, sink.number)
    sink.begin_ranges(size)


def tell_found(job: Job, sink: FileSink, found: int, offset: int) -> None:
    """Leave a notice of what a batch has found in a file, where it should have begun at *offset*:
    bytes of others stand from there on, up to the batch's end.
    """
    found >>= _native.FOUND_BITS * sink.number
    cut, foreign = found & _native.FOUND_TRUNCATED, found & _native.FOUND_FOREIGN
    if cut:
        sink.notices.append(("truncated", offset, 0))
        job.reader.count("truncated", 1)
    if foreign:
        start = max(offset - bool(cut), 0)  # the hole of a cut begins in a line before
        end = job.journal.file(sink.number)[2]
        sink.notices.append(("foreign_bytes", start, max(end - start, 0)))
        job.reader.count("foreign", 1)
    if cut or foreign:
        sink.ranges = None


def in_doubt(sink: FileSink, start: int, end: int) -> int:
    """Where what is written again elsewhere ends in the file: of a write that has failed, or of a
    frame that was being paid, it may have a part.
    """
    try:
        size = sink.file.size()
    except OSError:
        return end
    return max(start, size if sink.owed else min(end, size))

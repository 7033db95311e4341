"""Another file at the path than the one that is open: moved, deleted, replaced, mounted over; or
the same one anew, because its file system has died and is back.
"""

from __future__ import annotations

import contextlib
import errno
import os

from mplog.files.active import ActiveFile
from mplog.ring import still_owned, take_ownership
from mplog.writer.state import Job


def look_again(job: Job) -> bool:
    """Take what stands at the path, and tell whether it is another file: the one that is open may
    have been taken away to make room, or its file system has died and is mounted anew.
    """
    if not job.file.in_place():
        _take_back(job)
    try:
        return take(job, "replaced")
    except OSError:
        return False  # what is open may still get better


def take(job: Job, what: str | None) -> bool:
    """Open the path anew, and tell whether it is another file; that one is put in force, and told
    as *what*.

    Raises:
        OSError: it cannot be had; what is open stays in force.
    """
    file, old = _opened(job), job.file
    other = (file.dev, file.ino) != (old.dev, old.ino)
    job.file = file
    try:
        if other:
            adopt(job, job.journal.file()[3])
    except OSError:
        job.file = old
        file.close()
        raise
    old.close()
    if other and what is not None:
        job.notices.append((what, job.journal.file()[2], 0))
        job.reader.count("replaced", 1)
    return other


def _take_back(job: Job) -> None:
    """What of the batch has got into a file that is left: it goes whole into the next one."""
    offset, staged = job.journal.file()[2], memoryview(job.journal)
    with contextlib.suppress(OSError):
        size_bytes = job.file.size() - offset
        if 0 < size_bytes <= len(staged):
            there = os.pread(job.file.fd, size_bytes, offset)
            if there == staged[: len(there)]:
                os.ftruncate(job.file.fd, offset)


def _opened(job: Job) -> ActiveFile:
    """What stands at the path, opened, or a new file; the lock beside it is ours.

    Raises:
        OSError: it cannot be had, or the lock is another service's by now.
    """
    file = ActiveFile(job.path, job.settings.mode, job.file.stat())
    try:
        if job.lock >= 0 and not still_owned(job.path, job.lock):
            _own_again(job)
    except OSError:
        file.close()
        raise
    return file


def _own_again(job: Job) -> None:
    """The directory is another one, and the lock beside the file with it."""
    fd = take_ownership(job.path, job.service, job.directory)
    if fd is None:
        raise OSError(errno.EBUSY, "another service writes it", str(job.path))
    os.dup2(fd, job.lock, inheritable=False)
    os.close(fd)


def adopt(job: Job, generation: int) -> None:
    """Put the open file in force at its end, on a line of its own.

    Raises:
        OSError: its last line has no end and cannot get one.
    """
    if job.file.end_line():
        job.reader.count("newlines", 1)
        job.notices.append(("newline_added", job.file.size() - 1, 1))
    size = job.file.size()
    job.journal.set_file(job.file.dev, job.file.ino, size, generation)
    job.ranges = {} if size == 0 else None

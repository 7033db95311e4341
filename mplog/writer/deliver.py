"""Getting a batch into the file: commit, and what to do while the file refuses; rotation when the
batch would not fit.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from typing import TypeVar

from mplog import _native
from mplog.files import rotation
from mplog.files.retention import retire
from mplog.writer.another import look_again, take
from mplog.writer.state import Job, now_ns

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 1.0
GIVE_UP_S = 10.0
_T = TypeVar("_T")


class Abandoned(Exception):
    """The file refuses and the writer is to leave: what is committed stays in the journal for the
    next one.
    """


def commit(job: Job, size_bytes: int) -> None:
    """Put the first *size_bytes* that are staged into the file, and the accepted items with them,
    once, however long that takes.

    Raises:
        Abandoned: the file went on refusing while the writer was asked to stop, or nobody was left
            to write for.
    """
    offset = job.journal.file()[2]
    try:
        found = job.journal.commit(job.reader, job.file.fd, size_bytes)
    except OSError as error:
        found = _insist(job, error)
    if found:
        tell_found(job, found, offset)
    job.reader.count("batches", 1)
    job.reader.count("bytes", size_bytes)


def tell_found(job: Job, found: int, offset: int) -> None:
    """Leave a notice of what a batch has found in the file, where it should have begun at *offset*:
    bytes of others stand from there on, up to the batch's end.
    """
    cut = found & _native.FOUND_TRUNCATED
    if cut:
        job.notices.append(("truncated", offset, 0))
        job.reader.count("truncated", 1)
    if found & _native.FOUND_FOREIGN:
        start = max(offset - bool(cut), 0)  # the hole of a cut begins in a line before
        job.notices.append(("foreign_bytes", start, max(job.journal.file()[2] - start, 0)))
        job.reader.count("foreign", 1)
    job.ranges = None


def _insist(job: Job, error: OSError) -> int:
    """Redo until it is done. The heads have moved already, so producers go on while their lanes
    have room.
    """
    left = False

    def redo() -> int:
        nonlocal left
        left = look_again(job) or left
        return job.journal.redo(job.reader, job.file.fd)

    found = patiently(job, redo, error)
    return 0 if left else found  # what another file lacks or holds, nobody has done to ours


def patiently(job: Job, step: Callable[[], _T], error: OSError | None = None) -> _T:
    """Try until *step* raises no OSError; *error*: one try has failed already.

    Raises:
        Abandoned: see `commit`.
    """
    retry = Patience(job)
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

    def __init__(self, job: Job) -> None:
        self._job = job
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
        self._told = True
        job.reader.count("errors", 1)
        job.tell(f"cannot write {job.path}: {why(error)}; events wait in shared memory")
        alone = job.reader.owned() == 0
        self._alone_since = (self._alone_since or now) if alone else None
        self._stop_since = (self._stop_since or now) if job.signals.stop else None
        if any(
            s is not None and now - s > GIVE_UP_S for s in (self._alone_since, self._stop_since)
        ):
            raise Abandoned
        time.sleep(self._pause_s)
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)

    def over(self) -> None:
        """It is done: what was told is true no more."""
        if self._told:
            self._job.tell("")


def why(error: OSError) -> str:
    """What the system said, as people know it."""
    name = errno.errorcode.get(error.errno or 0, "")
    return f"{error.strerror or error} ({name})" if name else str(error)


def room_bytes(job: Job) -> int:
    """How many bytes still go into the active file."""
    limit = job.settings.rotation.size_bytes
    staging = job.journal.staging_bytes
    return staging if limit is None else min(staging, max(limit - job.journal.file()[2], 0))


def rotate(job: Job) -> bool:
    """Set the active file aside and begin a new one; False when the system refuses, and the old one
    goes on.
    """
    try:
        if job.journal.state != _native.ROTATE:
            rotation.begin(job.journal, job.file, job.settings.mode, now_ns())
    except OSError as error:
        job.tell(f"cannot rotate {job.path}: {why(error)}; it goes on growing")
        return False
    if not finish_rotation(job):
        return False
    delete_old(job)
    return True


def delete_old(job: Job) -> None:
    """Delete the archives that retention does not keep."""
    try:
        current = None if job.ranges is None else set(job.ranges)
        gone = retire(job.path.parent, job.path.name, job.settings.retention, current)
        job.reader.count("retired", len(gone))
    except OSError as error:
        job.tell(f"cannot delete old archives of {job.path}: {why(error)}")


def finish_rotation(job: Job) -> bool:
    """Bring the rotation in the journal to its end; False where it had to be undone.

    Raises:
        Abandoned: see `commit`.
    """
    done = patiently(
        job, lambda: rotation.finish(job.journal, job.path, job.settings.mode, job.ranges)
    )
    job.file.close()
    job.file = done.file
    if done.undone is not None:
        job.tell(f"cannot rotate {job.path}: {why(done.undone)}; it goes on growing")
        return False
    job.ranges = {} if done.file.size() == 0 else None
    job.rotated_ns, job.untidy = now_ns(), True
    job.reader.count("rotations", 1)
    job.tell("")
    if done.problem is not None:
        job.reader.count("errors", 1)
        what = f"cannot note in the manifest what {done.archive} holds"
        job.tell(f"{what}: {why(done.problem)}; the log goes on")
    return True


def reopen(job: Job, what: str | None) -> None:
    """Open the path anew, when another file stands there or when somebody asked for it; IDLE only.

    Raises:
        Abandoned: see `commit`.
    """
    patiently(job, lambda: take(job, what))


def dump_broken_lane(job: Job, session: str, segment: int, lane: int) -> None:
    """Keep the bytes of a lane that was set aside, for a person to look at, beside the log."""
    source = job.directory / f"{job.service}.{_native.ABI}.{segment}.ring"
    target = job.path.with_name(f".{job.path.name}.quarantine-{session}")
    control, data, lanes = 4096, 1 << 20, _native.MAX_LANES
    try:
        with open(source, "rb") as file:
            head = file.read(control)
            lanes = int.from_bytes(head[20:24], "little") or lanes
            file.seek(control * (1 + lane))
            page = file.read(control)
            file.seek(control * (1 + lanes) + data * lane)
            body = file.read(data)
        fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "wb") as out:
            out.write(page + body)
    except OSError as error:
        job.tell(f"a broken lane could not be kept: {why(error)}")
    job.notices.append(("quarantined", lane, 0))
    job.reader.count("quarantines", 1)

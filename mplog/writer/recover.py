"""From the locks to a writer that can begin: whose file it is, and what a dead writer has left to
be finished.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from pathlib import Path

from mplog import _native
from mplog._native import Journal, Reader
from mplog.config import Settings
from mplog.files.active import ActiveFile
from mplog.files.archive import list_archives, next_generation
from mplog.files.manifest import Manifest, load, manifest_path
from mplog.format import formatter
from mplog.ring import owner_of, take_ownership
from mplog.writer.another import adopt, look_again
from mplog.writer.deliver import (
    GIVE_UP_S,
    Abandoned,
    delete_old,
    finish_rotation,
    patiently,
    tell_found,
    why,
)
from mplog.writer.state import ARENA_BYTES, Job, Signals, staging_bytes


class Waiting:
    """The file's lock, and the file: waited for, as long as somebody is there who wants it."""

    def __init__(self, reader: Reader, signals: Signals, path: Path) -> None:
        self._reader, self._signals, self._path = reader, signals, path
        self._since = time.monotonic()
        self._told = ""

    def pause(self, reason: str) -> None:
        """Tell why, wait a little.

        Raises:
            Abandoned: nobody is attached any more, or the writer is asked to stop, and it has taken
                too long.
        """
        if reason != self._told:
            self._told = reason
            self._reader.tell_problem(reason)
        with contextlib.suppress(OSError):
            self._reader.scan(None)
        unwanted = self._signals.stop or self._reader.owned() == 0
        if unwanted and time.monotonic() - self._since > GIVE_UP_S:
            raise Abandoned
        time.sleep(0.05)


def begin(
    directory: Path,
    service: str,
    settings: Settings,
    signals: Signals,
    bell: tuple[int, int] | None,
) -> tuple[Job, int]:
    """Everything up to the first drain: own the file, open the journal, finish what was begun.

    Returns:
        The job, and the descriptor that holds the file's lock.

    Raises:
        Abandoned: the file cannot be had and nobody waits for it.
    """
    path = Path(settings.file or "")
    reader = Reader(str(directory), service, True, ARENA_BYTES)
    if settings.overflow_dir is not None:
        reader.set_overflow_dir(settings.overflow_dir)
    if settings.file_level or settings.levels:
        reader.set_filter(settings.file_level, list(settings.levels))
    waiting = Waiting(reader, signals, path)
    lock = _own(path, service, directory, waiting)
    journal = _journal(directory, service, reader, waiting)
    file = _open(path, settings.mode, waiting)
    job = Job(
        directory=directory,
        service=service,
        settings=settings,
        path=path,
        reader=reader,
        journal=journal,
        fmt=formatter(settings.format),
        file=file,
        signals=signals,
        bell=bell,
        problem=reader.problem,
        lock=lock,
    )
    job.tell("")  # what this writer has waited for, or a dead one has left
    _finish(job)
    delete_old(job)  # a dead writer may not have got that far, and today's rules may be others
    return job, lock


def _own(path: Path, service: str, directory: Path, waiting: Waiting) -> int:
    while True:
        try:
            os.makedirs(path.parent, 0o755, exist_ok=True)
            fd = take_ownership(path, service, directory)
        except OSError as error:
            who = f"user {os.geteuid()} cannot write in {path.parent}"
            waiting.pause(f"{who}: {why(error)}; events wait in shared memory")
            continue
        if fd is not None:
            return fd
        owner = owner_of(path)
        whose = f"the service {owner.service} in {owner.dir}" if owner else "another writer"
        waiting.pause(f"{path} is written by {whose}; events wait in shared memory")


def _journal(directory: Path, service: str, reader: Reader, waiting: Waiting) -> Journal:
    while True:
        try:
            journal = Journal(str(directory), service, staging_bytes(directory))
            reader.scan(journal)
        except OSError as error:  # noqa: PERF203 - a wait, not a hot loop
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            what = "is full" if full else "cannot be used"
            waiting.pause(f"shared memory in {directory} {what}: {why(error)}; events wait in it")
        else:
            return journal


def _open(path: Path, mode: int, waiting: Waiting) -> ActiveFile:
    while True:
        try:
            return ActiveFile(path, mode)
        except OSError as error:  # noqa: PERF203 - a wait, not a hot loop
            waiting.pause(f"cannot open {path}: {why(error)}; events wait in shared memory")


def _finish(job: Job) -> None:
    """What the journal says is under way is brought to its end; then the file at the path is put in
    force.
    """
    state = job.journal.state
    dev, ino, _, generation = job.journal.file()
    if state == _native.COMMIT:
        _finish_commit(job)
        dev, ino, _, generation = job.journal.file()
    elif state == _native.ROTATE:
        finish_rotation(job)
        return
    if (dev, ino) == (job.file.dev, job.file.ino):
        # Its offset stands in the journal; what changed it meanwhile is found by the next batch.
        return
    if generation:
        job.notices.append(("replaced", job.file.size(), 0))
        job.reader.count("replaced", 1)
    following = max(generation, _generation(job))
    patiently(job, lambda: adopt(job, following))


def _generation(job: Job) -> int:
    """At least this is the next archive's; a rotation looks again, and waits for the manifest."""
    active, folder = job.path.name, job.path.parent
    try:
        manifest = load(manifest_path(folder, active))
    except OSError as error:
        manifest = Manifest()
        job.reader.count("errors", 1)
        job.tell(f"cannot read the manifest of {job.path}: {why(error)}; nothing is rotated")
    return next_generation(list_archives(folder, active), manifest)


def _finish_commit(job: Job) -> None:
    """The batch goes where it was begun, wherever that file is now; if it is nowhere, into the new
    one.
    """
    offset, tried = job.journal.file()[2], False

    def redo() -> int:
        nonlocal tried
        if tried:
            look_again(job)
        tried = True
        return _redo(job, job.journal.file()[:2])

    found = patiently(job, redo)
    if found:
        tell_found(job, found, offset)
    job.reader.count("redone", 1)


def _redo(job: Job, wanted: tuple[int, int]) -> int:
    fd = _find(job, wanted)
    try:
        return job.journal.redo(job.reader, job.file.fd if fd is None else fd)
    finally:
        if fd is not None:
            os.close(fd)


def _find(job: Job, wanted: tuple[int, int]) -> int | None:
    """A descriptor of the file with that identity, if it is not the one at the path: somebody has
    renamed it.
    """
    if wanted == (job.file.dev, job.file.ino):
        return None
    with os.scandir(job.path.parent) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):  # somebody else tidies up there
                found = entry.stat(follow_symlinks=False)
                if (found.st_dev, found.st_ino) == wanted:
                    return os.open(entry.path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    return None


__all__ = ["Abandoned", "begin"]

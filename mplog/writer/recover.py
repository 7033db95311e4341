"""From the locks to a writer that can begin: whose file it is, and what a dead writer has left to
be finished.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Sequence
from pathlib import Path

from mplog import _native
from mplog._native import Journal, Reader
from mplog.config import Settings
from mplog.config.file import FileSettings
from mplog.files.active import AbsentFile, ActiveFile
from mplog.files.archive import list_archives, next_generation
from mplog.files.manifest import Manifest, load, manifest_path
from mplog.format import formatter
from mplog.ring.folder import Folder
from mplog.ring.ownership import owner_of, take_ownership
from mplog.writer import sick
from mplog.writer.another import adopt, look_again, tell_found
from mplog.writer.compose import unsure_notice
from mplog.writer.deliver import (
    GIVE_UP_S,
    Abandoned,
    finish_rotation,
    leave_unsynced,
    offset,
    patiently,
)
from mplog.writer.filtering import set_condition
from mplog.writer.redaction import redact
from mplog.writer.retiring import delete_old
from mplog.writer.state import ARENA_BYTES, FileSink, Job, Signals, now_ns, staging_bytes, why


class Waiting:
    """The file's lock, and the file: waited for, as long as somebody is there who wants it."""

    def __init__(self, reader: Reader, signals: Signals, path: Path) -> None:
        self._reader, self._signals, self.path = reader, signals, path
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
        alone = self._reader.owned() == 0 and not self._signals.stays
        unwanted = self._signals.stop or alone
        late = time.monotonic() - self._since > GIVE_UP_S
        if self._signals.now or (unwanted and late):
            raise Abandoned
        self._signals.pause(0.05)


def begin(
    directory: Path,
    service: str,
    settings: Settings,
    signals: Signals,
    bell: tuple[int, int] | None,
) -> Job:
    """Everything up to the first drain: own the file, open the journal, finish what was begun.

    Raises:
        Abandoned: a file cannot be had and nobody waits for it.
    """
    reader = Reader(str(directory), service, True, ARENA_BYTES)
    if settings.overflow_dir is not None:
        reader.set_overflow_dir(settings.overflow_dir)
    waits = [Waiting(reader, signals, Path(one.file or "")) for one in settings.all_files]
    reader.set_sinks(len(waits))
    redact(reader, settings)
    apart = len(waits) > 1
    locks = [_own(waiting, service, directory, once=apart) for waiting in waits]
    journal = _journal(directory, service, reader, waits)
    sinks = [
        _sink(reader, waiting, (number, locks[number], apart), one)
        for number, (waiting, one) in enumerate(zip(waits, settings.all_files, strict=True))
    ]
    job = Job(directory, service, settings, reader, journal, sinks, signals, bell, reader.problem)
    job.tell("")  # what this writer has waited for, or a dead one has left
    _finish(job)
    for sink in sinks:
        delete_old(job, sink)  # a dead writer may not have got that far, or today's rules be others
    return job


def _sink(
    reader: Reader, waiting: Waiting, own: tuple[int, int, bool], settings: FileSettings
) -> FileSink:
    number, lock, apart = own
    if settings.file_level or settings.levels:
        reader.set_filter(settings.file_level, list(settings.levels), number)
    keep = set_condition(reader, number, settings)
    if not apart:
        file: ActiveFile | AbsentFile = _open(waiting, settings.mode)
    else:
        file = _try(waiting.path, settings.mode) if lock >= 0 else AbsentFile(waiting.path)
    fmt = formatter(settings.format, redacts=reader.patterns)
    return FileSink(number, settings, waiting.path, fmt, file, lock=lock, keep=keep)


def _own(waiting: Waiting, service: str, directory: Path, *, once: bool) -> int:
    """The descriptor that holds the lock; *once*: -1 where it cannot be had at once."""
    path = waiting.path
    while True:
        try:
            fd = take_ownership(path, service, directory)
        except OSError as error:
            if once:
                return -1
            who = f"user {os.geteuid()} cannot write in {path.parent}"
            waiting.pause(f"{who}: {why(error)}; events wait in shared memory")
            continue
        if fd is not None:
            return fd
        if once:
            return -1
        owner = owner_of(path)
        whose = f"the service {owner.service} in {owner.dir}" if owner else "another writer"
        waiting.pause(f"{path} is written by {whose}; events wait in shared memory")


def _journal(directory: Path, service: str, reader: Reader, waits: Sequence[Waiting]) -> Journal:
    while True:
        try:
            journal = Journal(str(directory), service, staging_bytes(directory, len(waits)))
            reader.scan(journal)
        except OSError as error:  # noqa: PERF203 - a wait, not a hot loop
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            what = "is full" if full else "cannot be used"
            waits[0].pause(f"shared memory in {directory} {what}: {why(error)}; events wait in it")
        else:
            return journal


def _open(waiting: Waiting, mode: int) -> ActiveFile:
    path = waiting.path
    while True:
        try:
            return ActiveFile(path, mode)
        except OSError as error:  # noqa: PERF203 - a wait, not a hot loop
            waiting.pause(f"cannot open {path}: {why(error)}; events wait in shared memory")


def _try(path: Path, mode: int) -> ActiveFile | AbsentFile:
    try:
        return ActiveFile(path, mode)
    except OSError:
        return AbsentFile(path)


def _set_apart(job: Job, *, look: bool) -> None:
    """Of several files each gets a hand that writes it.

    Args:
        look: whether what stands at the path must be the file.
    """
    for sink in job.sinks if len(job.sinks) > 1 else ():
        job.journal.set_apart(sink.number, str(sink.path) if look else "")


def _finish(job: Job) -> None:
    """What the journal says is under way is brought to its end; then the files at the paths are put
    in force.
    """
    _set_apart(job, look=False)  # a batch goes where it was begun
    generations = [job.journal.file(sink.number)[3] for sink in job.sinks]
    rotated = job.journal.rotating
    if rotated is not None and rotated < len(job.sinks):
        finish_rotation(job, job.sinks[rotated])
    _sync_anew(job)
    if job.journal.state == _native.COMMIT:
        _finish_commit(job)
    _set_apart(job, look=True)
    for sink in job.sinks:
        if sink.number != rotated and not sink.file.absent:
            _take(job, sink, generations[sink.number])


def _sync_anew(job: Job) -> None:
    """Its predecessor died while it brought a file onto the disk: whether that has failed, nobody
    knows. What staging has is written again; what stood before it is suspect.
    """
    for sink in job.sinks:
        if job.journal.unsynced >> sink.number & 1:
            synced, start, _ = job.journal.unsure(sink.number)
            if start > synced:
                job.reader.tell_doubt()
            lead = unsure_notice(sink.fmt, now_ns(), "suspect", synced, start)
            job.journal.sync_anew(sink.number, lead)


def _take(job: Job, sink: FileSink, generation: int) -> None:
    """Put the file at the path in force, where it is another one than the journal's."""
    if job.journal.file(sink.number)[:2] == (sink.file.dev, sink.file.ino):
        # Its offset stands in the journal; what changed it meanwhile is found by the next batch.
        return
    if generation:
        sink.notices.append(("replaced", sink.file.size(), 0))
        job.reader.count("replaced", 1)
    following = max(generation, _generation(job, sink))
    patiently(job, sink, lambda: adopt(job, sink, following))


def _generation(job: Job, sink: FileSink) -> int:
    """At least this is the next archive's; a rotation looks again, and waits for the manifest."""
    active, folder = sink.path.name, sink.path.parent
    try:
        manifest = load(manifest_path(folder, active))
    except OSError as error:
        manifest = Manifest()
        job.reader.count("errors", 1)
        job.tell(f"cannot read the manifest of {sink.path}: {why(error)}; nothing is rotated")
    return next_generation(list_archives(folder, active), manifest)


def _finish_commit(job: Job) -> None:
    """The batch goes where it was begun, wherever that file is now; if it is nowhere, into the new
    one.
    """
    offsets, tried = [offset(job, sink) for sink in job.sinks], False

    def redo() -> int:
        nonlocal tried
        if job.journal.unsynced:
            leave_unsynced(job, OSError(errno.EIO, os.strerror(errno.EIO)))
        for sink in job.sinks if tried else ():
            look_again(job, sink)
        tried = True
        try:
            return _redo(job)
        except OSError as error:
            sick.note(job, error)
            raise

    found = patiently(job, job.sinks[0], redo)
    for sink in job.sinks if found else ():
        tell_found(job, sink, found, offsets[sink.number])
    job.reader.count("redone", 1)


def _redo(job: Job) -> int:
    found = [_find_if(job, sink) for sink in job.sinks]
    try:
        fds = [
            sink.file.fd if fd is None else fd for sink, fd in zip(job.sinks, found, strict=True)
        ]
        return job.journal.redo_parts(job.reader, fds)
    finally:
        for fd in found:
            if fd is not None:
                os.close(fd)


def _find_if(job: Job, sink: FileSink) -> int | None:
    try:
        return _find(job, sink)
    except OSError:
        if len(job.sinks) == 1:
            raise
        return None


def _find(job: Job, sink: FileSink) -> int | None:
    """A descriptor of the journal's file, if it is not the one at the path: somebody has renamed
    it.
    """
    wanted = job.journal.file(sink.number)[:2]
    if wanted == (sink.file.dev, sink.file.ino):
        return None
    with Folder(sink.path.parent) as folder, os.scandir(folder.place) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):  # somebody else tidies up there
                found = entry.stat(follow_symlinks=False)
                if (found.st_dev, found.st_ino) == wanted:
                    return os.open(entry.path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    return None


__all__ = ["Abandoned", "begin"]

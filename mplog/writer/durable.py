"""When the log is brought onto the disk, and what has to be there besides the file: its name, and
the archives that nobody has synced.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from mplog.files.archive import list_archives
from mplog.writer import deliver
from mplog.writer.state import FileSink, Job, why

# A file system that has no such thing for a directory, or takes no changes at all.
_NOT_THERE = (errno.EINVAL, errno.ENOTSUP, errno.EROFS)


class Durability:
    """One writer's.

    `fsync=batch` syncs each batch, `interval` at most once in that time. Whatever it says, a batch
    with events whose calls wait for the disk is synced, and so is all where somebody has asked.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._asked = self._seen = job.reader.sync_asked
        self._synced_s = 0.0
        self._files: dict[int, tuple[int, int]] = {}
        self._generations: dict[int, int] = {}

    def look(self) -> None:
        """Before a drain: what somebody asks for stands in the lanes then."""
        self._seen = self._job.reader.sync_asked

    def wanted(self, some: bool, now_s: float) -> bool:
        """Whether the batch that comes next is to be on the disk before anybody is told of it.

        Args:
            some: it has bytes.
            now_s: monotonic.
        """
        job, fsync = self._job, self._job.settings.fsync
        if (fsync == "batch" and some) or job.reader.durable or self._seen != self._asked:
            return True
        over = now_s - self._synced_s >= job.settings.fsync_interval_s
        return fsync == "interval" and over and (some or job.journal.behind)

    def prepare(self, now_s: float) -> bool:
        """See to it that the files' names are on the disk, and archives that were set aside without
        a sync; False where that fails: nobody is told then that anything is.
        """
        self._asked, self._synced_s = self._seen, now_s
        try:
            for sink in self._job.sinks:
                if not sink.owed:
                    self._names(sink)
        except OSError as error:
            self._job.reader.count("unsynced", 1)
            self._job.reader.tell_doubt()
            self._job.tell(
                f"what stands beside {self._job.path} could not be brought onto the disk: "
                f"{why(error)}"
            )
            return False
        return True

    def sync(self, now_s: float) -> None:
        """Between two batches."""
        if self.prepare(now_s):
            deliver.sync(self._job)

    def close(self) -> None:
        """The writer leaves: what `interval` would have synced a little later."""
        if self._job.settings.fsync == "interval" and self._job.journal.behind:
            self.sync(self._synced_s)

    def _names(self, sink: FileSink) -> None:
        here = sink.file.dev, sink.file.ino
        if self._files.get(sink.number) == here:
            return
        last = self._generations.get(sink.number, 0)
        for archive in list_archives(sink.path.parent, sink.path.name):
            if archive.generation > last and not archive.compression:
                self._generations[sink.number] = archive.generation
                fsync_path(sink.path.parent / archive.name)
        folder = sink.path.parent
        fsync_path(folder)
        while sink.number not in self._files and not os.path.ismount(folder):
            folder = folder.parent
            fsync_path(folder)
        self._files[sink.number] = here


def fsync_path(path: Path) -> None:
    """Bring a file or directory onto the disk; one that is gone, or closed to this user, was
    another one's to care for.

    Raises:
        OSError: the system cannot say that it is there.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except (FileNotFoundError, PermissionError):
        return
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in _NOT_THERE:
            raise
    finally:
        os.close(fd)

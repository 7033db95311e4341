"""A file that refuses what its file system would take in another one: a bad block, a damaged inode.

The rest of the disk may be well, so the log goes on in a new file. The old one is treated as after
a failed sync: nothing of it is believed, and it is kept.
"""

from __future__ import annotations

import errno
import time
from typing import TYPE_CHECKING

from mplog.files.rotation import has_room_beside

if TYPE_CHECKING:
    from mplog.writer.state import FileSink, Job

SICK = frozenset({errno.EIO, errno.EUCLEAN, errno.EBADMSG})
LASTS_S = 1.0  # what passes sooner is waited for


class Sickness:
    """For how long one file has refused in that way, without a break."""

    def __init__(self) -> None:
        self._since_s: float | None = None

    def note(self, error: OSError, now_s: float) -> None:
        """A try has failed.

        Args:
            now_s: monotonic.
        """
        if error.errno not in SICK:
            self._since_s = None
        elif self._since_s is None:
            self._since_s = now_s

    def lasts(self, now_s: float) -> bool:
        """Whether it is time to look for another file."""
        return self._since_s is not None and now_s - self._since_s >= LASTS_S

    def over(self) -> None:
        """It takes something again, or it is another one."""
        self._since_s = None


def note(job: Job, error: OSError) -> None:
    """A batch could not be written: its file is set aside next, where it has been sick for long and
    the disk is not. Of several files each is looked after by itself (owing.py).
    """
    if len(job.sinks) == 1 and not job.journal.unsynced:
        look(job, job.sinks[0], error)


def look(job: Job, sink: FileSink, error: OSError) -> bool:
    """The same of one file, which has just refused; whether it is to be set aside."""
    now_s = time.monotonic()
    sink.sickness.note(error, now_s)
    if not sink.sickness.lasts(now_s) or not has_room_beside(sink.path):
        return False
    sink.sickness.over()
    job.journal.disbelieve(sink.number)
    return True

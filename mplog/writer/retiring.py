"""When retention is looked at: now, a little later, and at once where the disk is full."""

from __future__ import annotations

import errno
import time

from mplog.files.retention import retire
from mplog.writer.another import is_cared_for
from mplog.writer.state import FileSink, Job, why

FULL = (errno.ENOSPC, errno.EDQUOT)


def delete_old(job: Job, sink: FileSink) -> None:
    """Delete the archives that retention does not keep, now or (`sink.deletes`) a little later."""
    began_s = time.monotonic()
    if not sink.deletes.due(began_s):
        return
    try:
        current = None if sink.ranges is None else set(sink.ranges)
        keep, on_disk = sink.settings.retention, is_cared_for(job)
        gone = retire(sink.path.parent, sink.path.name, keep, current, on_disk=on_disk)
        job.reader.count("retired", len(gone))
    except OSError as error:
        job.tell(f"cannot delete old archives of {sink.path}: {why(error)}")
    sink.deletes.took(began_s, time.monotonic())


def make_room(job: Job, *, at_once: bool) -> None:
    """The disk is full: archives that are not to stay may be what fills it.

    Args:
        at_once: whether a look need not wait, as long as the last one took.
    """
    if job.journal.rotating is not None:
        return  # what is just becoming an archive is looked at when it is one
    for sink in job.sinks:
        if at_once:
            sink.deletes.hurry()
        delete_old(job, sink)

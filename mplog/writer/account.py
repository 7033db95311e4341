"""What a batch adds up to: for the counters, and for the manifest of the file."""

from __future__ import annotations

import msgspec

from mplog.files.manifest import SessionRange
from mplog.files.rotation import Ranges
from mplog.writer.compose import Batch
from mplog.writer.endings import Ended
from mplog.writer.state import Job


class Account(msgspec.Struct):
    """Of the items that were accepted.

    Attributes:
        ranges: by session, what the lines tell of it.
    """

    late: int
    dropped: int
    filtered: int
    ranges: Ranges


def accept(job: Job, batch: Batch) -> Account:
    """Let the items of *batch* go with the next commit."""
    accepted, late, dropped, filtered, told = job.reader.accept(batch.count)
    if accepted != batch.count:
        raise RuntimeError("a batch holds more sessions than it can")
    ranges = {session: SessionRange(*row) for session, row in told.items()}
    return Account(late, dropped, filtered, ranges)


def count(job: Job, batch: Batch, account: Account, ended: Ended) -> None:
    """Add a committed batch to the service's counters."""
    for name, n in (
        ("events", batch.count - account.filtered),
        ("late", account.late),
        ("dropped", account.dropped + ended.dropped),
        ("filtered", account.filtered),
        ("unreadable", batch.unreadable),
        ("sessions", ended.sessions),
    ):
        if n:
            job.reader.count(name, n)

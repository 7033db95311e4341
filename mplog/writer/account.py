"""What a batch adds up to: for the counters, and for the manifests of the files."""

from __future__ import annotations

import msgspec

from mplog.files.manifest import SessionRange
from mplog.files.rotation import Ranges
from mplog.writer.compose import Batch
from mplog.writer.endings import Ended
from mplog.writer.state import FileSink, Job


class Account(msgspec.Struct):
    """Of the items that were accepted.

    Attributes:
        ranges: by session, what the lines of the first file tell of it.
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
    return Account(late, dropped, filtered, _ranges(told))


def ranges_in(job: Job, sink: FileSink, account: Account) -> Ranges:
    """By session, what the lines of a file tell of it; before the commit."""
    return account.ranges if sink.number == 0 else _ranges(job.reader.ranges(sink.number))


def _ranges(told: dict[str, tuple[int, int, int]]) -> Ranges:
    return {session: SessionRange(*row) for session, row in told.items()}


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

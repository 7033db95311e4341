"""A drain into the staging area, where the commit takes it from: in C for JSON lines, else by
`compose`.
"""

from __future__ import annotations

from functools import partial

from mplog.files.manifest import SessionRange
from mplog.writer.compose import Batch, compose, line_of
from mplog.writer.state import Job


def drain(job: Job, at: int, drain_bytes: int, room_bytes: int) -> Batch:
    """Drain, and put the lines that fit into the staging area; nothing is accepted yet.

    Args:
        at: the place of the first line.
        drain_bytes: of payloads, at most.
        room_bytes: as in `compose`.
    """
    largest_bytes = job.journal.staging_bytes
    if not (job.native and job.settings.format == "json"):
        items = job.reader.drain(drain_bytes)
        batch, lines = compose(items, job.fmt, room_bytes, largest_bytes, at)
        job.stage(at, lines)
        return batch
    if not job.reader.drain_count(drain_bytes):
        return Batch()
    count, size, late, dropped, unreadable, ranges = job.reader.compose(
        job.journal, at, room_bytes, partial(line_of, job.fmt, largest_bytes)
    )
    held = {session: SessionRange(*row) for session, row in ranges.items()}
    return Batch(count, size, late, dropped, unreadable, held)

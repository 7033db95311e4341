"""A drain into the staging area, where the commit takes it from: by the format's formatter in C, or
in Python, where it has none.
"""

from __future__ import annotations

from functools import partial

from mplog import _native
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
    number = _native.FORMATS.get(job.settings.format) if job.native else None
    if number is None:
        # A format of Python's own: its events cross in one call a batch, and are decoded there.
        items = job.reader.drain(drain_bytes)
        batch, lines = compose(items, job.fmt, room_bytes, largest_bytes, at)
        job.stage(at, lines)
        return batch
    if not job.reader.drain_count(drain_bytes):
        return Batch()
    fallback = partial(line_of, job.fmt, largest_bytes)
    return Batch(*job.reader.compose(job.journal, at, room_bytes, number, fallback))

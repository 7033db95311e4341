"""A drain into the staging area, where the commit takes it from: by the format's formatter in C, or
in Python, where it has none. Each file has a share of the area.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import msgspec

from mplog import _native
from mplog.writer.compose import Batch, compose, line_of
from mplog.writer.filtering import refuse
from mplog.writer.state import FileSink, Job


class Room(msgspec.Struct, frozen=True):
    """Where the lines of a batch go, for one file.

    Attributes:
        used_bytes: of its share, taken already.
        file_bytes: as in `compose`.
    """

    used_bytes: int
    file_bytes: int


def drain(job: Job, at: int, drain_bytes: int, room_bytes: int) -> Batch:
    """Drain, and put the lines that fit into the staging area of the first file; nothing is
    accepted yet.

    Args:
        at: the place of the first line.
        drain_bytes: of payloads, at most.
        room_bytes: as in `compose`.
    """
    count = job.reader.drain_count(drain_bytes)
    refuse(job)
    return _lines(job, job.sinks[0], Room(at, room_bytes), count) if count else Batch()


def drain_all(job: Job, drain_bytes: int, rooms: Sequence[Room]) -> list[Batch]:
    """The same for every file: batches of the same items.

    Args:
        rooms: by file.
    """
    most = job.reader.drain_count(drain_bytes)
    refuse(job)
    while most:
        batches: list[Batch] = []
        for sink, room in zip(job.sinks, rooms, strict=True):
            batches.append(_lines(job, sink, room, most))
            most = batches[-1].count
            if not most:  # no room beside what is told of this file: none gets an event now
                return [Batch() for _ in rooms]
        if all(batch.count == most for batch in batches):
            return batches
    return [Batch() for _ in rooms]


def _lines(job: Job, sink: FileSink, room: Room, most: int) -> Batch:
    """Lines of the first *most* drained items, as far as they fit, in the share of *sink*."""
    if job.losing >> sink.number & 1:
        return Batch(most)
    share = job.share_bytes
    at, limit = job.place(sink) + room.used_bytes, job.place(sink) + share
    number = _native.FORMATS.get(sink.settings.format) if job.native else None
    if number is None:
        # A format of Python's own: its events cross in one call a batch, and are decoded there.
        items = job.reader.items(sink.number)[:most]
        batch, lines = compose(
            items, sink.fmt, room.file_bytes, share, room.used_bytes, mark=job.reader.at
        )
        job.stage(at, lines)
        return batch
    fallback = partial(line_of, sink.fmt, share)
    made = job.reader.compose(
        job.journal, at, room.file_bytes, number, fallback, sink.number, most, limit
    )
    return Batch(*made)

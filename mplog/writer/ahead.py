"""The next batch, made while a thread writes the last one: drained and formatted into the other
staging area. Nothing of it counts before it is committed, and it is committed only as if it had
been made after the write; otherwise it is forgotten, and its events are drained anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from mplog import _native
from mplog.writer import deliver
from mplog.writer.compose import Batch
from mplog.writer.stage import Room
from mplog.writer.state import Job

# A write of this size takes longer than to hand it over, and is followed by the next one at once.
LARGE_BYTES = 256 << 10

Made = tuple[list[Room], list[Batch]]


class _Kept(msgspec.Struct, frozen=True):
    """A batch that waits for its turn.

    Attributes:
        drained: as the reader counts, when it was made: another drain, or a rewind, voids it.
        file: what the write must have left in force.
    """

    made: Made
    drained: tuple[int, int]
    file: tuple[int, int, int, int]


class Ahead:
    """One writer's.

    Args:
        make: drains and formats, behind so many bytes that are under way.
    """

    def __init__(self, job: Job, make: Callable[[int], Made]) -> None:
        self._job, self._make = job, make
        self._kept: _Kept | None = None

    def write(
        self, sizes_bytes: Sequence[int], now_s: float, *, sync: bool
    ) -> deliver.Write | None:
        """How a batch is to be committed, if the next one is worth being made meanwhile.

        Args:
            sizes_bytes: by file.
            now_s: monotonic.
            sync: it is to be on the disk before anybody is told of it.
        """
        job, sink, size = self._job, self._job.sinks[0], sizes_bytes[0]
        if job.areas < 2 or size < LARGE_BYTES or sync or now_s < sink.rotate_again_s:
            return None
        if not job.native or sink.settings.format not in _native.FORMATS or sink.keep is not None:
            return None  # Python's own: nothing is to wait for that
        if deliver.room_bytes(job, sink, size) < size:
            return None  # a rotation is near, and it would be forgotten
        return partial(self._commit, size)

    def _commit(self, size: int, parts: list[tuple[int, int, int]]) -> int:
        job = self._job
        kept = None
        lent = self._begin(parts)
        try:
            kept = self._prepare(size) if lent else None
        finally:
            found = job.journal.commit_finish(job.reader, [part[0] for part in parts])
        self._kept = kept
        return found

    def _begin(self, parts: list[tuple[int, int, int]]) -> bool:
        """Whether a thread writes; the core lends nothing where that has not paid."""
        return bool(self._job.journal.commit_begin(self._job.reader, parts))

    def _prepare(self, size: int) -> _Kept | None:
        job = self._job
        dev, ino, offset, generation = job.journal.file(0)
        job.area ^= 1
        try:
            made = self._make(size)
        except Exception:  # nothing is lost: the drain that follows meets it again
            return None
        return _Kept(made, job.reader.drained, (dev, ino, offset + size, generation))

    def take(self) -> Made | None:
        """What was made, if it can be committed now."""
        kept, self._kept = self._kept, None
        if kept is None or kept.drained != self._job.reader.drained or not kept.drained[1]:
            return None
        sink = self._job.sinks[0]
        untold = sink.notices or sink.lines  # what was found by the write stands before it
        return None if untold or kept.file != self._job.journal.file(0) else kept.made

    def forget(self) -> None:
        """It was made by settings that hold no more."""
        self._kept = None

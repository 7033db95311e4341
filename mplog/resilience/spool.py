"""A durable queue on disk: appended before the writer commits, read in order, moved on when the far
side has acknowledged.

What it promises: an event whose `append` has returned survives the death of every process, and is
read until it is acknowledged. What a killed writer appends again is known by session and number,
and left out. A kill between an acknowledgement and its note makes the far side see events twice,
under the same ids. Broken records are skipped, a torn end is cut, and both are counted.

The files are segments named by their first number, `position` and `lock`. Opening reads the
last megabytes, however long the backlog is.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Sequence
from itertools import pairwise

from mplog import _native
from mplog.resilience import segment
from mplog.resilience.position import Position, PositionFile
from mplog.resilience.seen import Seen
from mplog.resilience.segments import Place, Segments
from mplog.resilience.spool_rules import BROKEN, FULL, UNKNOWN, SpoolLoss, SpoolRules
from mplog.resilience.store import Held

_TAIL_BYTES = 6 << 20  # where repetitions are looked for: more than a writer has in hand
_BESIDE_BYTES = 256  # what an event takes beside its payload, at most


class Spool:
    """The queue.

    Args:
        directory: its own; made with mode 0700.
        rules: how much it may hold.

    Attributes:
        torn_bytes: cut from the end at the last `open`.
        next: the number that the next event will have.
        position: the number of the next one to be acknowledged.
    """

    def __init__(self, directory: str | os.PathLike[str], rules: SpoolRules | None = None) -> None:
        self.directory, self.rules = os.fspath(directory), rules or SpoolRules()
        self._segment_bytes = min(self.rules.segment_bytes, max(self.rules.max_bytes // 8, 1))
        self.torn_bytes = 0
        self.next = self.position = 1
        self._files = Segments(self.directory, fsync=self.rules.fsync)
        self._acked_s: dict[int, float] = {}
        self._seen = Seen()
        self._at = (1, 0)  # segment and offset, where `position` stands or would stand
        self._taken: list[tuple[int, Place]] = []  # numbers, and the places behind them
        self._gone: list[tuple[int, int]] = []  # counted as lost ahead of the position: from, to
        self._losses: list[SpoolLoss] = []
        self._lock_fd = -1
        self._file: PositionFile | None = None

    # ---- life ----
    def open(self) -> None:
        """Find what is there, or make it.

        Raises:
            OSError: the directory cannot be used; EBUSY: another writer has it;
                EPERM: others may write into it.
        """
        self._files.hold()
        try:
            self._lock()
            self._file = PositionFile(os.path.join(self._files.directory, "position"))
            self._find()
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the files; everything stays where it is."""
        self._files.close()
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
        self._lock_fd = -1
        if self._file is not None:
            self._file.close()
        self._file = None

    def _lock(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._lock_fd = os.open(os.path.join(self._files.directory, "lock"), flags, 0o600)
        if not _native.lock(self._lock_fd, 0):
            raise OSError(errno.EBUSY, "another writer has this spool", self.directory)

    def _find(self) -> None:
        self._files.find()
        self._taken, self._gone, self._acked_s = [], [], {}
        stored = self._file.load() if self._file else None
        self.next = 1
        self._read_tail()
        self._place(stored or Position(self._files.oldest or self.next))

    def _place(self, stored: Position) -> None:
        self.position = stored.number
        self.next = max(self.next, self.position)  # or a new event would count as acknowledged
        self._at = (stored.segment, stored.offset)
        if stored.offset > self._files.sizes.get(stored.segment, -1):
            before = [first for first in self._files.sizes if first <= self.position]
            self._at = (before[-1] if before else 0, 0)

    def _read_tail(self) -> None:
        """Cut a torn end, find out which number is next, and of each session the last one."""
        tail_bytes = _TAIL_BYTES
        for index, first in enumerate(list(self._files.sizes)[::-1][:2]):
            data = self._files.pread(first, 0, self._files.sizes[first])
            end = segment.HEAD_BYTES if segment.salt_of(data) is not None else 0
            # Of a last one that nobody can read: no number that may have been in there comes again.
            known = first if end or index else first + segment.most_in(len(data))
            self.next = max(self.next, known)
            start = max(len(data) - tail_bytes, 0)
            tail = [*segment.whole(data, first, start)] or [*segment.whole(data, first)]
            if tail:
                end = tail[-1][1]
                self.next = max(self.next, *(row[0] + 1 for row, _ in tail))
            records = [segment.record(row, after) for row, after in tail]
            self._seen.add([one.held for one in records if one is not None])
            if index == 0:
                self.torn_bytes = self._files.cut(first, end)
            tail_bytes -= len(data)
            if tail_bytes <= 0:
                break

    # ---- in ----
    def append(self, batch: Sequence[Held]) -> None:
        """Keep the events of *batch*, all or none of them.

        Args:
            batch: what `fresh` has left of them.

        Raises:
            OSError: none is kept; they may go elsewhere.
        """
        if batch:
            salt = self._writable(sum(len(payload) + _BESIDE_BYTES for _, payload in batch))
            frames = [segment.framed(self.next + n, salt, one) for n, one in enumerate(batch)]
            self._files.write(b"".join(frames))
            self.next += len(batch)
            self._seen.add(batch)

    def _writable(self, size_bytes: int) -> int:
        """Have room in the last segment; its salt."""
        files, most_bytes = self._files, self.rules.max_bytes
        if files.astray:
            raise OSError(errno.ESTALE, "its directory stands there no more", self.directory)
        if size_bytes > most_bytes - self._segment_bytes:
            raise OSError(errno.EFBIG, "the batch is larger than the spool", self.directory)
        while files.size_bytes + size_bytes > most_bytes:
            if len(files.sizes) == 1:
                files.begin(self.next)
            self._drop_oldest()
        return files.ready(self.next, self._segment_bytes)

    # ---- out ----
    def read(self, most: int, most_bytes: int) -> list[Held]:
        """The oldest events that are not acknowledged; the same ones again until they are.

        Args:
            most: events.
            most_bytes: of their payloads; one event may be larger.

        Raises:
            OSError: they cannot be read just now.
        """
        self._taken = []
        at: Place | None = self._at
        batch: list[Held] = []
        number, left_bytes = self.position, most_bytes
        while at is not None and len(batch) < most and left_bytes > 0:
            found, after = self._files.piece(at, self.next)
            for one in found:
                left_bytes -= len(one.held[1])
                if len(batch) == most or (batch and left_bytes < 0):
                    return batch
                if one.number >= number:
                    number = one.number + 1
                    batch.append(one.held)
                    self._taken.append((one.number, (at[0], one.end)))
            at = after
        if at is None and not batch:
            self._advance(self.next)
        return batch

    def ack(self, count: int, now_s: float) -> None:
        """The far side has the first *count* of what was read last. What cannot be noted now is
        noted with the next ones.
        """
        for number, place in self._taken[:count]:
            self._advance(number)
            self.position, self._at = number + 1, place
        self._taken = []
        self._note()
        self._tidy(now_s)

    def rewind(self) -> int:
        """Deliver again all that is still kept; how many numbers that goes back."""
        before, self._taken = self.position, []
        self.position = min(self._files.oldest or before, before)
        self._at = (self.position, 0)
        self._acked_s.clear()
        self._note()
        return before - self.position

    def _advance(self, number: int) -> None:
        """Move the position on to *number*; what is passed over and not counted yet is lost."""
        counted = sum(min(end, number) - start for start, end in self._gone if start < number)
        lost = number - self.position - counted
        if lost > 0:
            self._losses.append(SpoolLoss(FULL if counted else BROKEN, {UNKNOWN: lost}))
        self._gone = [(max(start, number), end) for start, end in self._gone if end > number]
        self.position = max(number, self.position)

    def _note(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.store(Position(self.position, *self._at))

    # ---- room ----
    def _tidy(self, now_s: float) -> None:
        """Remove what is acknowledged and has been kept long enough."""
        firsts = list(self._files.sizes)
        for first, following in pairwise(firsts):
            if following > self.position:
                break
            if now_s - self._acked_s.setdefault(first, now_s) >= self.rules.hold_s:
                with contextlib.suppress(OSError):
                    self._files.remove(first)
                    del self._acked_s[first]

    def _drop_oldest(self) -> None:
        """Make room; what is being delivered just now is not lost by it."""
        first, following = list(self._files.sizes)[:2]
        ahead = self._taken[-1][0] + 1 if self._taken else self.position
        start = max(first, ahead, self._gone[-1][1] if self._gone else 0)
        lost = following - start
        levels: dict[str, int] = {}
        since_ns = until_ns = 0
        if lost > 0:
            with contextlib.suppress(OSError):
                data = self._files.pread(first, 0, self._files.sizes[first])
                levels, since_ns, until_ns = segment.levels(data, first, start)
        self._files.remove(first)
        self._acked_s.pop(first, None)
        if lost <= 0:
            return
        if unread := lost - sum(levels.values()):
            levels[UNKNOWN] = unread
        self._losses.append(SpoolLoss(FULL, levels, since_ns, until_ns))
        if self._gone and self._gone[-1][1] == start:
            start = self._gone.pop()[0]
        self._gone.append((start, following))
        if not self._taken:
            self._advance(following)
            self._at = (following, 0)
            self._note()

    # ---- seen from outside ----
    @property
    def left_behind(self) -> bool:
        """Whether its directory stands there no more, and nothing is to be had from it."""
        return self._files.astray and not self.read(1, 1) and not self.waiting

    def named(self, error: OSError) -> OSError:
        """An error of this spool, by the path that people know."""
        return self._files.named(error)

    @property
    def waiting(self) -> int:
        """Events that nobody has acknowledged; broken ones count until they are found."""
        return self.next - self.position - sum(end - start for start, end in self._gone)

    @property
    def size_bytes(self) -> int:
        """Of all segments."""
        return self._files.size_bytes

    @property
    def waiting_bytes(self) -> int:
        """Of the segments, from the position on."""
        (first, offset), sizes = self._at, self._files.sizes
        done = offset if first in sizes else 0  # one that is all done is gone
        return sum(size for n, size in sizes.items() if n >= first) - done

    def fresh(self, batch: Sequence[Held]) -> list[Held]:
        """Those of *batch* that were not appended before."""
        return self._seen.fresh(batch)

    def losses(self) -> list[SpoolLoss]:
        """What was lost since this was asked last."""
        losses, self._losses = self._losses, []
        return losses

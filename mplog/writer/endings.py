"""Looking around: sessions that are over, lanes that were set aside, segments that are new."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from mplog.files.manifest import SessionRange
from mplog.files.rotation import Ranges
from mplog.writer import deliver
from mplog.writer.compose import homeless_notice, session_end
from mplog.writer.deaths import Deaths
from mplog.writer.quarantine import keep_lane
from mplog.writer.state import FileSink, Job, now_ns, why

if TYPE_CHECKING:
    from mplog._native import End

LOOK_S = 1.0  # how often the owners of lanes, and the files' identity, are looked at
ENDING_S = 0.001  # before another look at somebody who is just ending
BLIND_S = 0.05  # after a look for segments that has failed


class Ended(msgspec.Struct):
    """End lines for a batch, and what they tell; `lines` and `ranges` by file."""

    lines: list[bytes]
    ranges: list[Ranges]
    sessions: int = 0
    dropped: int = 0

    def close(self, ends: Sequence[End]) -> None:
        """The manifests are to know of a session's end; it is told by file."""
        for number, one in enumerate(ends):
            first = min(one[6] - one[12] + 1, one[5])  # what no line has told yet
            self.ranges[number][one[1]] = SessionRange(first, one[5], 0, True)


class Endings:
    """What a look around finds, and when the next one is due.

    Attributes:
        departures: how many had left at the last look; -1 where another look is due.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._deaths = Deaths(job)
        self._closing = False  # a look has been, and events have come with every batch since
        self._last_look_s = 0.0
        self._blind = False  # there is a segment that cannot be read
        self.departures = -1

    def look(self, used: Sequence[int], rooms_bytes: Sequence[int]) -> Ended:
        """The end lines of sessions that are over and drained, as far as there is room; looks at
        the owners once a second, and when somebody has left.

        Args:
            used: bytes that the batch has already, by file.
            rooms_bytes: how many may still follow them.
        """
        job, now = self._job, time.monotonic()
        departures = job.reader.departures
        due = now - self._last_look_s >= LOOK_S
        look = departures != self.departures or due
        self._deaths.look(now, due)
        if not look and not self._closing:
            return self._nothing()
        # A session whose last events are in this very batch is closed by a later one.
        self._closing = any(used)
        self.departures = departures
        if due:
            self._last_look_s = now
            self.scan()
        # Before ends() sets a broken lane whose owner is gone up anew, and nothing is left to keep.
        for session, segment, lane in job.reader.broken() if look else ():
            keep_lane(job, session, segment, lane)
        found = self._close(look, used, rooms_bytes, now)
        self._homeless(found, used, rooms_bytes)
        if found.sessions > 1 or any(s.wants_room_bytes and not s.owed for s in job.sinks):
            self.departures = -1  # there may be more than one call brings
        return found

    def _nothing(self) -> Ended:
        return Ended([b"" for _ in self._job.sinks], [{} for _ in self._job.sinks])

    def _close(
        self, look: bool, used: Sequence[int], rooms_bytes: Sequence[int], now: float
    ) -> Ended:
        job, found, ending = self._job, self._nothing(), False
        outlets = job.outlets
        for end in job.reader.ends(look):
            ends = [_end_in(job, sink, end) for sink in job.sinks]
            deaths = self._deaths.lines(ends, now)
            if deaths is None:  # its owner is just ending
                self.departures = -1
                ending = True
                continue
            texts = [
                session_end(sink.fmt, now_ns(), one)
                for sink, one in zip(job.sinks, ends, strict=True)
            ]
            # A session without an event leaves no line, but for an owner's death.
            lines = [
                death + text if end[5] else death
                for death, (text, _) in zip(deaths, texts, strict=True)
            ]
            if outlets is not None and end[5]:
                session_end(outlets.notices, now_ns(), ends[0])
            if not self._fits(found, lines, used, rooms_bytes):
                break
            if not job.reader.close_session(end[0]):
                break
            if outlets is not None:
                outlets.notices.keep()
            found.sessions += 1
            self._deaths.tell(end[1])
            found.lines = [before + line for before, line in zip(found.lines, lines, strict=True)]
            if end[5]:
                found.dropped += max(texts[0][1] - end[9], 0)
                found.close(ends)
        if outlets is not None:
            outlets.notices.drop()  # of one that a later batch tells
        if ending:  # once, however many die together: their events are not to wait for it
            time.sleep(ENDING_S)
        return found

    def _homeless(self, found: Ended, used: Sequence[int], rooms_bytes: Sequence[int]) -> None:
        """What processes without a lane have lost, once it fits."""
        levels, since_ns = self._job.reader.homeless()
        if not levels:
            return
        now = now_ns()
        lines = [homeless_notice(s.fmt, now, levels, since_ns, now) for s in self._job.sinks]
        if self._fits(found, lines, used, rooms_bytes):
            found.lines = [before + line for before, line in zip(found.lines, lines, strict=True)]
            self._job.reader.tell_homeless()
            if self._job.outlets is not None:
                homeless_notice(self._job.outlets.notices, now, levels, since_ns, now)
                self._job.outlets.notices.keep()

    def close(self) -> None:
        """The service is gone."""
        self._deaths.close()

    def _fits(
        self, found: Ended, lines: Sequence[bytes], used: Sequence[int], rooms_bytes: Sequence[int]
    ) -> bool:
        """Whether each file has room for its line; one alone may go over it."""
        fits = True
        for sink in self._job.sinks:
            before, line = found.lines[sink.number], lines[sink.number]
            alone = not used[sink.number] and not before and not deliver.offset(self._job, sink)
            alone = alone and not sink.owed
            if len(before) + len(line) > rooms_bytes[sink.number] and not alone:
                sink.wants_room_bytes = len(line)
                fits = False
        return fits

    def scan(self) -> None:
        """Look for new segments; what cannot be mapped now is tried again."""
        try:
            self._job.reader.scan(self._job.journal)
        except OSError as error:
            self._blind = True
            self._job.reader.count("errors", 1)
            self._job.tell(f"cannot read shared memory in {self._job.directory}: {why(error)}")
            time.sleep(BLIND_S)
            return
        if self._blind:
            self._blind = False
            self._job.tell("")


def _end_in(job: Job, sink: FileSink, end: End) -> End:
    """The end of a session as one file has it: numbers that it was not given are a gap there."""
    delivered, filtered, untold, lost_first = job.reader.end_told(end[0], sink.number)
    settled = lost_first - 1 if lost_first else end[6]
    dropped = max(settled - delivered - filtered, 0)
    counts = settled, delivered, filtered, dropped
    if lost_first:  # more than the owner knows of
        return (*end[:6], *counts, end[10], {reason: {} for reason in end[11]}, untold, 0, 0)
    return (*end[:6], *counts, end[10], end[11], untold, *end[13:])

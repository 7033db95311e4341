"""Looking around: sessions that are over, lanes that were set aside, segments that are new."""

from __future__ import annotations

import time

import msgspec

from mplog.files.manifest import SessionRange
from mplog.files.rotation import Ranges
from mplog.writer import deliver
from mplog.writer.compose import session_end
from mplog.writer.deaths import Deaths
from mplog.writer.state import Job, now_ns

LOOK_S = 1.0  # how often the owners of lanes, and the files' identity, are looked at
ENDING_S = 0.001  # before another look at somebody who is just ending
BLIND_S = 0.05  # after a look for segments that has failed


class Ended(msgspec.Struct):
    """End lines for a batch, and what they tell."""

    lines: bytes = b""
    sessions: int = 0
    dropped: int = 0
    ranges: Ranges = {}


class Endings:
    """What a look around finds, and when the next one is due.

    Attributes:
        departures: how many had left at the last look; -1 where another look is due.
        wants_room_bytes: for an end line that the file, or the batch, had no room for.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._deaths = Deaths(job)
        self._closing = False  # a look has been, and events have come with every batch since
        self._last_look_s = 0.0
        self._blind = False  # there is a segment that cannot be read
        self.departures = -1
        self.wants_room_bytes = 0

    def look(self, used: int, room_bytes: int) -> Ended:
        """The end lines of sessions that are over and drained, as far as there is room; looks at
        the owners once a second, and when somebody has left.

        Args:
            used: bytes that the batch has already.
            room_bytes: how many may still follow them.
        """
        job, now = self._job, time.monotonic()
        departures = job.reader.departures
        due = now - self._last_look_s >= LOOK_S
        look = departures != self.departures or due
        self._deaths.look(now, due)
        if not look and not self._closing:
            return Ended()
        # A session whose last events are in this very batch is closed by a later one.
        self._closing = used > 0
        self.departures = departures
        if due:
            self._last_look_s = now
            self.scan()
        # Before ends() sets a broken lane whose owner is gone up anew, and nothing is left to keep.
        for session, segment, lane in job.reader.broken() if look else ():
            deliver.dump_broken_lane(job, session, segment, lane)
        found = self._close(look, used, room_bytes, now)
        if found.sessions > 1 or self.wants_room_bytes:
            self.departures = -1  # there may be more than one call brings
        return found

    def _close(self, look: bool, used: int, room_bytes: int, now: float) -> Ended:
        job, found = self._job, Ended(ranges={})
        empty_file = job.journal.file()[2] == 0
        for end in job.reader.ends(look):
            told = self._deaths.line(end, now)
            if told is None:  # its owner is just ending
                self.departures = -1
                time.sleep(ENDING_S)
                continue
            text, lost = session_end(job.fmt, now_ns(), end)
            # A session without an event leaves no line, but for an owner's death.
            text = told + text if end[5] else told
            if len(found.lines) + len(text) > room_bytes and (
                used or found.lines or not empty_file
            ):
                self.wants_room_bytes = len(text)
                break
            if not job.reader.close_session(end[0]):
                break
            found.sessions += 1
            found.lines += text
            self._deaths.tell(end[1])
            if end[5]:
                found.dropped += max(lost - end[9], 0)
                first = min(end[6] - end[12] + 1, end[5])  # what no line has told yet
                found.ranges[end[1]] = SessionRange(first, end[5], 0, True)
        return found

    def close(self) -> None:
        """The service is gone."""
        self._deaths.close()

    def scan(self) -> None:
        """Look for new segments; what cannot be mapped now is tried again."""
        try:
            self._job.reader.scan(self._job.journal)
        except OSError as error:
            self._blind = True
            self._job.reader.count("errors", 1)
            self._job.tell(
                f"cannot read shared memory in {self._job.directory}: {deliver.why(error)}"
            )
            time.sleep(BLIND_S)
            return
        if self._blind:
            self._blind = False
            self._job.tell("")

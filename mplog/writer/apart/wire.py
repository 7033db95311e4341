"""What passes between the writer and the process of a user's sink: questions and answers over a
socket, each with its length before it, and two words of shared memory.

Payloads cross as they came out of the lane. Nothing here is a pickle but the object itself that has
no name (`carried.py`), which crosses once.
"""

from __future__ import annotations

import mmap
import os
import signal
import struct
import time

import msgspec

from mplog.resilience.outage import Meaning, Verdict
from mplog.resilience.store import Held

HEAD = struct.Struct("<I")
MAX_ANSWER_BYTES = 1 << 16
_WORDS = struct.Struct("=QQ")

# They are for the writer, which tells this process by its questions.
DEAF_TO = (
    *(signal.SIGTERM, signal.SIGINT, signal.SIGHUP),
    *(signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2),
)
MAKE, OPEN, WRITE, FLUSH, CLOSE, END = "make", "open", "write", "flush", "close", "end"


class Ask(msgspec.Struct, array_like=True):
    """What the sink is to do.

    Attributes:
        batch: for a write.
        target, packed: for the first question: which object it is, and its bytes where it has no
            name.
    """

    what: str
    batch: list[Held] = []
    target: str = ""
    packed: bytes = b""


class Answer(msgspec.Struct, array_like=True):
    """How it went.

    Attributes:
        done: events of the batch that went before a failure.
        meaning: of the failure; None: there was none.
        said: the failure in a line.
        exact: of the first question: the sink is a function, and `Steps` counts its events.
    """

    done: int = 0
    meaning: Meaning | None = None
    said: str = ""
    retry_after_s: float | None = None
    exact: bool = False

    @property
    def verdict(self) -> Verdict:
        """The failure, judged."""
        assert self.meaning is not None
        return Verdict(self.meaning, self.retry_after_s, self.done)


class Steps:
    """How far a batch has come, also where who works on it dies: events that are done, and since
    when (monotonic) the call lasts that goes on. The writer reads and does not map it.
    """

    def __init__(self) -> None:
        self.fd = os.memfd_create("mplog-steps", os.MFD_CLOEXEC)
        os.ftruncate(self.fd, mmap.PAGESIZE)

    def begin(self) -> None:
        """Nothing is done yet."""
        os.pwrite(self.fd, _WORDS.pack(0, time.monotonic_ns()), 0)

    def read(self) -> tuple[int, int]:
        """Events done, and nanoseconds since when."""
        words = os.pread(self.fd, _WORDS.size, 0)
        if len(words) < _WORDS.size:  # the other side may do with it what it likes
            return 0, 0
        done, since_ns = _WORDS.unpack(words)
        return done, min(since_ns, time.monotonic_ns())

    def close(self) -> None:
        """Let go of it."""
        os.close(self.fd)


class Stepping:
    """The other side of `Steps`."""

    def __init__(self, fd: int) -> None:
        self._words = memoryview(mmap.mmap(fd, mmap.PAGESIZE)).cast("Q")
        os.close(fd)  # a mapping has a descriptor of its own

    def begin(self) -> None:
        """A call begins."""
        self._words[1] = time.monotonic_ns()

    def step(self) -> None:
        """It has returned."""
        self._words[0] += 1

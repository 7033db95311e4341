"""A user's own sink in a process of its own, as a sink of the writer.

Whatever that process does costs the writer nothing but the sink's own thread, which waits for its
answer. One that ends in the middle is a fault that may pass: another one is started, and gets again
what was under way. An event with which three have ended in a row is refused; but not for calls that
only waited too long, since that is how a far side is away.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

from mplog.errors import TargetError
from mplog.resilience.outage import Judged, Meaning, Verdict, raise_behind
from mplog.resilience.store import Held, held
from mplog.sinks.base import Outgoing
from mplog.writer.apart.process import Ended, Process
from mplog.writer.apart.wire import CLOSE, FLUSH, MAKE, OPEN, WRITE, Answer, Ask

LIMIT_S = 30.0
START_S = 60.0  # at least, for the imports of a program that has just begun
DEATHS = 3  # in a row with the same event: that is the event's doing
_FREE_STARTS = 6  # as many processes in a row may die without a pause …
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0  # … and then these grow
_WHOLE = 1 << 20  # events; a batch is smaller
_SMALLER, _LARGER = 8, 4  # by that much is asked for at once, after a death and after a success


class ApartSink:
    """The four methods, each done elsewhere.

    Args:
        target: the object's name, or the word for it.
        packed: its bytes, where it has no name.
        limit_s: for one call of it: a function with an event, a `write` with a batch; 0: for ever.

    Attributes:
        encoded: it takes payloads as they are (`Chain`).
        problem: why the object cannot be had; then its events are refused.
    """

    encoded = True

    def __init__(self, target: str, packed: bytes = b"", limit_s: float = LIMIT_S) -> None:
        self._make = Ask(MAKE, target=target, packed=packed)
        self._limit_s = limit_s
        self._process: Process | None = None
        self._exact = False
        self._ended = ""
        self._deaths, self._again_s = 0, 0.0  # in a row, and when the next one may be started
        self._most = _WHOLE
        self._suspect: Held | None = None
        self._times = 0  # that the suspect was being written when a process died
        self.problem = ""

    def open(self) -> None:
        """Start the process, if there is none, and have it open the sink.

        Raises:
            Judged: what the sink raises.
            TargetError: the process has ended, or may not be started yet.
            OSError: it cannot be started.
        """
        if self._started():
            self._ask(Ask(OPEN))

    def write(self, batch: Sequence[Outgoing]) -> None:
        """Have *batch* written.

        Raises:
            Unfinished, Judged: what the sink raises; or the object cannot be had.
            TargetError: the process has ended; `done` events were through.
        """
        if self._process is None:
            self.open()
        if self.problem:
            raise Judged(f"cannot be had: {self.problem}", Verdict(Meaning.REFUSED))
        done = 0
        while done < len(batch):
            part = [held(one) for one in batch[done : done + self._most]]
            try:
                self._write(part)
            except BaseException as error:
                raise_behind(error, done, len(part))
            done += len(part)

    def flush(self) -> None:
        """Have it flushed.

        Raises:
            Judged, TargetError: as `write`.
        """
        if self._process is not None:
            self._ask(Ask(FLUSH))

    def hang_up(self) -> None:
        """Have the sink closed, so that it may be opened again in the same process."""
        if self._process is not None:
            self._ask(Ask(CLOSE))

    def close(self) -> None:
        """Have it closed, and the process ended.

        Raises:
            Judged: what the sink's own `close` raises.
            TargetError: it had to be killed.
        """
        process, self._process = self._process, None
        if process is not None:
            _well(process.end())

    def kill(self) -> None:
        """From another thread: end the process, in whatever call it is."""
        process = self._process
        if process is not None:
            process.kill()

    def try_again(self) -> None:
        """From another thread: look anew whether the object can be had, and start without a
        pause.
        """
        self.problem, self._again_s = "", 0.0

    # ---- the process ----
    def _started(self) -> bool:
        """Whether there is a process with the sink in it."""
        if self._process is not None or self.problem:
            return not self.problem
        wait_s = self._again_s - time.monotonic()
        if wait_s > 0:
            text = f"{self._ended}, {self._deaths} in a row now"
            raise TargetError(text, retry_after_s=wait_s)
        self._process = process = Process(bool(self._make.packed))
        try:
            self._exact = self._ask(self._make, max(self._limit_s, START_S)).exact
        except Judged as judged:
            self.problem, self._process = judged.text, None
            with contextlib.suppress(TargetError):
                process.end()
        return not self.problem

    def _ask(self, ask: Ask, limit_s: float | None = None) -> Answer:
        process = self._process
        assert process is not None
        try:
            return _well(process.ask(ask, self._limit_s if limit_s is None else limit_s))
        except Ended as ended:
            self._process = None
            self._count(ended)
            raise

    def _count(self, ended: Ended) -> None:
        self._deaths, self._ended = self._deaths + 1, ended.text
        if self._deaths > _FREE_STARTS:
            growth = 2.0 ** min(self._deaths - _FREE_STARTS - 1, 10)
            pause_s = min(_FIRST_PAUSE_S * growth, _LONGEST_PAUSE_S)
            self._again_s = time.monotonic() + pause_s

    def _write(self, part: list[Held]) -> None:
        process = self._process
        assert process is not None
        if part[0] == self._suspect and self._times >= DEATHS:
            raise self._refusal()
        innocent = not process.alive  # whatever has ended it, it was none of these
        try:
            self._ask(Ask(WRITE, part))
        except Ended as ended:
            if not innocent:
                self._blame(part, process, ended)
            raise
        self._deaths = 0
        self._most = min(self._most * _LARGER, _WHOLE)

    # ---- whose doing it was ----
    def _blame(self, part: list[Held], process: Process, ended: Ended) -> None:
        """Find the event with which processes end: of a function it is known which one was under
        way; of an object a smaller batch is tried until it is alone.

        Raises:
            Judged: it is found.
        """
        ended.done = min(process.done, len(part)) if self._exact else 0
        left = part[ended.done :]
        if not left or ended.waited:
            return
        if len(left) > 1 and not self._exact:
            self._most = max(len(left) // _SMALLER, 1)
            return
        self._times = self._times + 1 if left[0] == self._suspect else 1
        self._suspect = left[0]
        if self._times >= DEATHS:
            raise self._refusal(ended.done) from ended

    def _refusal(self, done: int = 0) -> Judged:
        text = f"{self._ended}; so it was {DEATHS} times in a row with one event, which is given up"
        return Judged(text, Verdict(Meaning.REFUSED, done=done))


def _well(answer: Answer) -> Answer:
    """*answer*, where all has gone well.

    Raises:
        Judged: it has not.
    """
    if answer.meaning is not None:
        raise Judged(answer.said, answer.verdict)
    return answer

"""Every sink has a queue and a thread of its own, so that none waits for another.

The thread decides nothing: what waits and what is lost is the store's (`store.py`), what an error
means is `outage.py`'s. A sink that hangs costs its own thread, which is left behind at the end.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec

from mplog.resilience.loss import Counts
from mplog.resilience.outage import Meaning, Verdict, hold_s, judge
from mplog.resilience.pause import SYSTEM_CLOCK, Clock, Pause
from mplog.resilience.store import Held, Store, held, outgoing
from mplog.sinks.base import Outgoing, Sink

Mode = Literal["immediate", "flush", "graceful"]

_LETTING_GO_S = 0.05  # what an immediate close gives a thread that is about to be done anyway
_REFUSED = {Meaning.REFUSED: "refused", Meaning.FAILED: "failed"}


class Report(msgspec.Struct, frozen=True):
    """What became of a sink's events.

    Attributes:
        left: neither delivered nor dropped, and `where` they are.
    """

    delivered: int
    left: int
    dropped: int
    where: str = ""


def _nothing(*_: Any) -> None:
    pass


class Hooks(msgspec.Struct, frozen=True):
    """Who is told what; called outside of every lock, and what they raise is nobody's concern.

    Attributes:
        pressure: takes (True when the queue has filled to its threshold | False when it is over,
            how full it is); from whichever thread has seen it.
        trouble: takes the error of a write, and how many events are held for another try.
    """

    pressure: Callable[[bool, Counts], object] = _nothing
    trouble: Callable[[BaseException, Counts], object] = _nothing


class Queue:
    """A sink with a queue before it.

    Args:
        inner: the sink, or the wrappers around it; only the queue's thread calls it.
        store: what holds the events: `Backlog(Limits(…), name)`, or `Spooled`.
        pause: the one that the wrappers inside wait by.
        clock: a test's own.
        hooks: who is told of pressure and trouble.
        make: of what waits what the sink is given.
    """

    def __init__(
        self,
        inner: Sink,
        store: Store,
        *,
        pause: Pause | None = None,
        clock: Clock = SYSTEM_CLOCK,
        hooks: Hooks | None = None,
        make: Callable[[Held], Any] = outgoing,
    ) -> None:
        self._inner, self._store, self._clock = inner, store, clock
        self._pause, self._hooks = pause or Pause(), hooks or Hooks()
        self._changed, self._make = threading.Condition(), make
        self._thread: threading.Thread | None = None
        self._mode: Mode | None = None
        self._asked = self._flushed = 0  # how often to flush
        self._hold_until_s, self._failures = 0.0, 0
        self._pid = os.getpid()

    # ---- the four methods of a sink ----
    def open(self) -> None:
        """Start the thread; it opens the sink."""
        with self._changed:
            self._mode = None
            self._pause.resume()
            if self._thread is None or not self._thread.is_alive():
                name = f"mplog-sink-{self._store.name}"
                self._thread = threading.Thread(target=self._run, name=name, daemon=True)
                self._thread.start()

    def write(self, batch: Sequence[Outgoing]) -> None:
        """As `put`."""
        self.put(batch)

    def flush(self) -> None:
        """Wait for what has been put until now, 5 s at most."""
        self.drain(self._clock.now_s() + 5.0)

    def close(self, mode: Mode = "immediate", timeout_s: float = 5.0) -> None:
        """End the thread, and wait for that no longer than *timeout_s*, whatever the sink does.

        Args:
            mode: "immediate": what waits is given up (a spool keeps it); "flush": everything is
                handed over once, a failure ends it; "graceful": it is tried until the time is over.
            timeout_s: seconds.
        """
        self.stop(mode)
        self.join(_LETTING_GO_S if mode == "immediate" else timeout_s)

    # ---- what the writer calls ----
    def put(self, batch: Sequence[Outgoing]) -> None:
        """Take events; never waits and never raises. What has no room is dropped and counted."""
        self.put_held([held(one) for one in batch])

    def put_held(self, batch: Sequence[Held]) -> None:
        """As `put`, for events with their payloads as they came out of the lane."""
        with self._changed:
            now_s = self._clock.now_s()
            waited = self._store.due_s(now_s)
            self._store.put(batch, now_s)
            if waited is None or not self._store.due_s(now_s):
                self._changed.notify_all()  # else the thread knows already when to come
            crossing = self._store.crossing()
            trouble, self._store.trouble = self._store.trouble, None
        self._tell(crossing)
        if trouble is not None:
            self._call(self._hooks.trouble, trouble, self.counts)

    def drain(self, deadline_s: float) -> bool:
        """Wait until nothing waits, and the sink has been flushed.

        Args:
            deadline_s: by the clock's seconds.

        Returns:
            False when there is something left at the deadline.
        """
        with self._changed:
            self._asked = asked = self._asked + 1
            self._changed.notify_all()
            while self._flushed < asked and self._alive():
                left_s = deadline_s - self._clock.now_s()
                if left_s <= 0:
                    return False
                self._changed.wait(left_s)
            return self._flushed >= asked or not self._store.counts.in_flight

    def stop(self, mode: Mode = "immediate") -> None:
        """Ask the thread to end; returns at once. `join` waits for it."""
        with self._changed:
            self._mode = mode
            if mode != "graceful":
                self._pause.stop()
            self._changed.notify_all()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end of the thread after `stop`; False where it is left behind."""
        thread = self._thread
        if thread is not None:
            thread.join(max(timeout_s, 0.0))
        self.stop()
        if thread is not None:
            thread.join(_LETTING_GO_S)
        ended = not self._alive()
        if ended:
            with self._changed:
                self._store.give_up("shutdown")
        return ended

    def try_again(self) -> None:
        """What is held for a while is tried at once."""
        with self._changed:
            self._hold_until_s = 0.0
            self._changed.notify_all()
        self._pause.cut()

    def lost(self, batch: Sequence[Outgoing], reason: str) -> None:
        """Of the batch that is being written these are dropped; for a fallback inside."""
        with self._changed:
            self._store.write_off(batch, reason, self._clock.now_s())

    @property
    def counts(self) -> Counts:
        """accepted = delivered + dropped + in flight, at any time."""
        with self._changed:
            return self._store.counts

    def report(self) -> Report:
        """What has become of all so far, and where the rest is."""
        counts = self.counts
        where = ""
        if counts.in_flight:
            hangs = self._mode is not None and self._alive()
            where = "in a write that does not return" if hangs else self._store.where
        return Report(counts.delivered, counts.in_flight, counts.dropped, where)

    # ---- the thread ----
    def _run(self) -> None:
        opened = False
        while True:
            batch: list[Held] | None = []
            error = None
            try:
                batch = self._next()
                if batch is None:
                    break
                if not opened:
                    self._inner.open()
                    opened = True
                if batch:
                    self._inner.write([self._make(one) for one in batch])
                else:
                    self._inner.flush()
            except BaseException as raised:  # anybody's code: what it means is judged
                error = raised
            if os.getpid() != self._pid:  # forked in there; this queue is the other one's
                os._exit(error is not None)
            self._settle(batch or [], error, opened)
        try:
            self._inner.close()
        except Exception as error:
            self._call(self._hooks.trouble, error, self.counts)

    def _next(self) -> list[Held] | None:
        """The next batch; empty: flush; None: the end."""
        with self._changed:
            while True:
                now_s = self._clock.now_s()
                wait_s = self._wait_s(now_s)
                if wait_s is None or wait_s <= 0:
                    if self._mode == "immediate" or (self._mode and self._idle(now_s)):
                        return None
                    if wait_s is not None:
                        return self._store.take(now_s, self._clock.wall_ns())
                self._changed.wait(wait_s)

    def _idle(self, now_s: float) -> bool:
        """Whether there is nothing more to do before the end."""
        failed = self._failures > 0 and self._mode == "flush"
        return failed or self._store.due_s(now_s) is None

    def _wait_s(self, now_s: float) -> float | None:
        """How long the thread has nothing to do; None: until it is told."""
        if self._mode == "immediate":
            return 0.0
        if self._hold_until_s > now_s and self._mode != "flush":
            return self._hold_until_s - now_s
        due_s = self._store.due_s(now_s)
        if due_s is None:
            return 0.0 if self._flushing else None
        return 0.0 if self._flushing or self._mode else due_s

    def _settle(self, batch: list[Held], error: BaseException | None, opened: bool) -> None:
        verdict = (
            Verdict(Meaning.PASSING, done=len(batch)) if error is None else judge(error, len(batch))
        )
        with self._changed:
            now_s = self._clock.now_s()
            written = opened and bool(batch) and error is not None
            refused = _REFUSED.get(verdict.meaning, "") if written else ""
            if batch:
                self._store.settle(verdict.done, now_s, refused)
            elif error is None and self._store.due_s(now_s) is None:
                self._flushed = self._asked
            # Nothing to take, though something waits: a disk that cannot be read just now.
            holds = not refused if error is not None else not batch and self._flushing
            self._failures = self._failures + 1 if holds else 0
            if holds:
                self._hold_until_s = now_s + hold_s(verdict, self._failures)
            crossing, counts = self._store.crossing(), self._store.counts
            self._changed.notify_all()
        self._tell(crossing)
        if error is not None:
            self._call(self._hooks.trouble, error, counts)

    @property
    def _flushing(self) -> bool:
        return self._flushed < self._asked

    def _alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _tell(self, crossing: bool | None) -> None:
        if crossing is not None:
            self._call(self._hooks.pressure, crossing, self.counts)

    @staticmethod
    def _call(told: Callable[..., object], *about: object) -> None:
        with contextlib.suppress(Exception):  # a listener's fault is no fault of the sink
            told(*about)

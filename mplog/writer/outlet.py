"""One sink of the writer that is no file: what it is made of, and what is counted of it."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from mplog.config.sink import SinkSettings, spool_place
from mplog.config.sinktypes import STDERR
from mplog.errors import TargetError
from mplog.format.text import visible
from mplog.metrics.board import Board, Row
from mplog.resilience.breaker import BreakerRules
from mplog.resilience.chain import Around, Chain
from mplog.resilience.loss import Counts
from mplog.resilience.outage import said
from mplog.resilience.queue import Hooks
from mplog.resilience.retry import RetryRules
from mplog.resilience.spool import Spool
from mplog.resilience.spool_rules import SpoolRules
from mplog.resilience.spooled import Spooled
from mplog.resilience.store import Held, Limits
from mplog.sinks.base import Outgoing, Sink
from mplog.writer.making import make_sink

if TYPE_CHECKING:
    from mplog.writer.apart.sink import ApartSink

MAX_STDERR_BYTES = 1 << 20  # of the file that stands for it where nobody reads it
_MANY_TRIES = 1_000_000


class Onward:
    """Hands over to another outlet's queue: for those whose fallback it is."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet

    def open(self) -> None:
        """The queue is there."""

    def write(self, batch: Sequence[Outgoing]) -> None:
        """It never waits; what has no room there is dropped and counted there."""
        self._outlet.hand_over(batch)

    def flush(self) -> None:
        """The queue looks after itself."""

    def close(self) -> None:
        """The other outlet goes on."""


class Stderr:
    """The writer's own stderr, as long as that cannot fill the memory."""

    def __init__(self) -> None:
        from mplog.sinks.console import ConsoleSink

        self._console = ConsoleSink(environ={})

    def open(self) -> None:
        """Open it."""
        self._console.open()

    def write(self, batch: Sequence[Outgoing]) -> None:
        """Show *batch*.

        Raises:
            TargetError: it is a file, and has grown large.
        """
        size_bytes = os.fstat(2).st_size
        if size_bytes > MAX_STDERR_BYTES:
            raise TargetError(f"stderr holds {size_bytes:,} bytes", temporary=False)
        self._console.write(batch)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Let go of it."""
        self._console.close()


class Outlet:
    """A configured sink at work.

    Args:
        settings: its own.
        sink: the sink itself; None where it could not be made.
        problem: why not.
        place: where its spool is, if it has one.

    Attributes:
        board: where it is shown, if anywhere; `number` is its row there.
        promised: events that were routed to it so far.
        failures: writes that have raised.
        error: the last one, in a line.
    """

    def __init__(
        self,
        settings: SinkSettings,
        sink: Sink | None,
        problem: str = "",
        place: Path | None = None,
    ) -> None:
        self.settings, self.name = settings, settings.name
        self.board: Board | None = None
        self.number = self.promised = self.failures = 0
        self._lock = threading.Lock()  # others may hand over to it
        self.error = problem
        self._spool = None if place is None else Spool(place, _spool_rules(settings))
        self._sink = sink
        own = getattr(sink, "encoded", False)  # in a process of its own
        self._apart = cast("ApartSink", sink) if own else None
        self.chain: Chain | None = None

    def arm(self, secondary: Sink | None) -> None:
        """Put around the sink what makes it heal, once.

        Args:
            secondary: where events go that it does not take.
        """
        if self._sink is not None:
            self.chain = self._around(self._sink, secondary)

    def _around(self, sink: Sink, secondary: Sink | None) -> Chain:
        settings = self.settings
        limits = Limits(
            max_events=settings.queue,
            max_bytes=settings.queue_bytes,
            batch_events=settings.batch,
            batch_s=settings.batch_wait_s,
        )
        around = Around(
            limits=limits,
            retry=RetryRules(tries=_MANY_TRIES, limit_s=settings.retry_for_s),
            breaker=BreakerRules(
                failures=settings.breaker_failures, longest_s=settings.breaker_reset_s
            ),
            tell=_say,
            hooks=Hooks(trouble=self._trouble),
        )
        store = None if self._spool is None else Spooled(self._spool, limits, self.name)
        return Chain(sink, around, name=self.name, secondary=secondary, store=store)

    def _trouble(self, error: BaseException, counts: Counts) -> None:
        self.failures += 1
        self.error = said(error)

    def open(self) -> None:
        """Start its thread, and its process, if it has one: what is wrong there shows now."""
        if self.chain is not None:
            self.chain.queue.open()
            if self._apart is not None:
                self.chain.queue.drain(0.0)  # returns at once

    def try_again(self) -> None:
        """Somebody has asked for it: it is not left alone any longer."""
        if self._apart is not None:
            self._apart.try_again()
        if self.chain is not None:
            self.chain.breaker.reset()
            self.chain.queue.try_again()

    def abandon(self) -> None:
        """Its time is over: its process ends, whatever it does."""
        if self._apart is not None:
            self._apart.kill()

    @property
    def problem(self) -> str:
        """Why its process cannot have the object that it is to call."""
        return "" if self._apart is None else self._apart.problem

    def promise(self, count: int) -> None:
        """So many more events are to come."""
        with self._lock:
            self.promised += count
            if self.board is not None:
                self.board.promise(self.number, self.promised)

    def put(self, batch: Sequence[Held]) -> None:
        """Events that were promised; never waits."""
        if self.chain is not None and batch:
            self.chain.queue.put_held(batch)

    def hand_over(self, batch: Sequence[Outgoing]) -> None:
        """Events that another one could not deliver."""
        self.promise(len(batch))
        if self.chain is not None:
            self.chain.queue.put(batch)

    def row(self) -> Row:
        """What the board shows."""
        row = Row(
            name=self.name,
            kind=self.settings.kind,
            promised=self.promised,
            failures=self.failures,
            error=self.error,
        )
        if self.chain is None:
            row.breaker, row.dropped = "off", self.promised
            return row
        counts, state = self.chain.queue.counts, self.chain.breaker.state
        row.delivered, row.dropped = counts.delivered, counts.dropped
        row.spooled, row.queued = counts.on_disk, counts.in_flight - counts.on_disk
        row.queued_bytes = counts.in_flight_bytes
        row.breaker, row.opened = "off" if self.problem else state.name, state.opened
        row.error = self.problem or state.error or self.error
        return row

    @property
    def spooled(self) -> bool:
        """Whether what it is given outlives the writer."""
        return self._spool is not None

    @property
    def idle(self) -> bool:
        """Whether nothing waits for it, or only on disk, for a far side that is not there."""
        if self.chain is None:
            return True
        counts = self.chain.queue.counts
        away = self.chain.breaker.state.name != "closed"
        return not counts.in_flight or (away and counts.in_flight == counts.on_disk)


def _spool_rules(settings: SinkSettings) -> SpoolRules:
    return SpoolRules(max_bytes=settings.spool_bytes, hold_s=settings.spool_hold_s)


def build(
    every: Sequence[SinkSettings],
    carried: Mapping[str, bytes],
    kept: Mapping[str, Outlet],
    log: Path,
) -> list[Outlet]:
    """An outlet for each, with their fallbacks; not opened yet.

    Args:
        kept: those that go on as they are.
        log: the first log file; spools are beside it.
    """
    outlets: list[Outlet] = []
    for settings in every:
        if settings.name in kept:
            outlets.append(kept[settings.name])
            continue
        try:
            place = Path(spool_place(str(log), settings.name))
            sink = make_sink(settings, carried)
            outlets.append(Outlet(settings, sink, "", place if settings.spool_bytes else None))
        except Exception as error:  # a user's own code has run
            outlets.append(Outlet(settings, None, said(error)))
    by_name = {outlet.name: outlet for outlet in outlets}
    for outlet in outlets:
        if outlet.name not in kept:
            outlet.arm(_fallback(outlet.settings.fallback, by_name))
    return outlets


def _fallback(name: str | None, outlets: Mapping[str, Outlet]) -> Sink | None:
    if name is None:
        return None
    return Stderr() if name == STDERR else Onward(outlets[name])


def _say(text: str) -> None:
    """A line for people, where that cannot fill the memory."""
    with contextlib.suppress(OSError):
        if os.fstat(2).st_size <= MAX_STDERR_BYTES:
            os.write(2, f"mplog: {visible(text)}\n".encode("utf-8", "backslashreplace"))

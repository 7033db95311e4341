"""From a batch to the sinks that are no files: what each is to get, before the commit; their
queues, after it.

A service without such sinks has none of this. The writer's loop never waits here: a queue takes
what it has room for and counts the rest, and a thread of its own does the rest.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mplog._native import ITEM_POISON
from mplog.config.condition import to_bytes
from mplog.config.filter import compiled
from mplog.config.sink import SinkSettings, parse_sinks
from mplog.event.codec import ENCODER
from mplog.event.event import Event, Stamped
from mplog.event.level import WARNING
from mplog.metrics.board import Board, Row
from mplog.resilience.loss import SINK_DROP
from mplog.resilience.queue import Mode
from mplog.resilience.store import Held, held
from mplog.sinks.base import Outgoing
from mplog.writer.announce import announce
from mplog.writer.compose import FLAGS, drop_notice
from mplog.writer.notices import LOGGER, Notices, is_for
from mplog.writer.outlet import Outlet, build
from mplog.writer.redaction import hide
from mplog.writer.sink_news import SINK, News, is_own_loss

if TYPE_CHECKING:
    from mplog._native import Item
    from mplog.writer.state import Job

SWITCH_S = 0.0005  # the writer's loop waits for a busy sink's thread no longer than that
LOOK_S = 0.25
SHOW_S = 0.01  # how old the board may be while something waits
LET_GO_S = 10.0  # how long a sink that is no longer wanted may take to be rid of its events
_HIGHEST = 255  # of all levels
_POISON = ENCODER.encode(Event(LOGGER, "unreadable event"))


class Outlets:
    """The sinks of one writer that are no files.

    Args:
        job: the writer's.
        carried: objects without a name.
    """

    def __init__(self, job: Job, carried: Mapping[str, bytes]) -> None:
        self._job, self._carried = job, carried
        self.notices = Notices()
        self._outlets: list[Outlet] = []
        self._leaving: list[tuple[Outlet, float]] = []
        self._waiting: list[tuple[Outlet, Outlet]] = []  # for the one before it, of the same name
        self._batch: list[list[Held]] = []
        self._news: dict[str, News] = {}
        self._look_s, self._hurried = 0.0, False
        self._changed, self._closed = threading.Event(), False
        self._board = _board(job)
        self._thread = threading.Thread(target=self._show, name="mplog-board", daemon=True)
        sys.setswitchinterval(SWITCH_S)
        self.take_up(job.settings.sinks)
        self._thread.start()

    # ---- what there is ----
    def take_up(self, text: str) -> None:
        """These are the sinks from now on; what waits for one that goes, or that changes, is
        delivered first.
        """
        wanted = {settings.name: settings for settings in parse_sinks(text)}
        before = {outlet.name: outlet for outlet in self._outlets}
        kept = {
            name: outlet
            for name, outlet in before.items()
            if _same(outlet, wanted) and outlet.chain is not None
        }
        self._outlets = build(list(wanted.values()), self._carried, kept, self._job.path)
        self._news = {name: self._news[name] for name in kept if name in self._news}
        for name, outlet in before.items():
            if name not in kept:
                self._let_go(outlet)
        for outlet in self._outlets:
            if outlet.name in kept:
                continue
            if outlet.chain is None:
                self._tell(outlet, WARNING, f"cannot be had: {outlet.error}")
            if outlet.name in before:
                self._waiting.append((outlet, before[outlet.name]))
            else:
                outlet.open()
        self._route()

    def _route(self) -> None:
        self._job.reader.set_routes([_route(outlet.settings) for outlet in self._outlets])
        self._batch = [[] for _ in self._outlets]
        everybody = self._everybody()
        for number, outlet in enumerate(everybody):
            outlet.number, outlet.board = number, self._board
        if self._board is not None:
            self._board.show([outlet.row() for outlet in everybody])
        self._changed.set()

    def _everybody(self) -> list[Outlet]:
        return [*self._outlets, *(outlet for outlet, _ in self._leaving)]

    def _let_go(self, outlet: Outlet) -> None:
        if outlet.chain is not None:
            outlet.open()  # it may still wait for the one before it
            outlet.chain.queue.stop("graceful")
            self._leaving.append((outlet, time.monotonic() + LET_GO_S))

    # ---- a batch ----
    def collect(self, count: int) -> None:
        """What each is to get of the first *count* drained items, and of what is told with them;
        before the commit.
        """
        for mask, item in self._job.reader.routed(count) if count else ():
            self._item(mask, item)
        for one in self.notices.take():
            self._notice(one)
        for outlet, batch in zip(self._outlets, self._batch, strict=True):
            if batch:
                outlet.promise(len(batch))
            if batch and outlet.spooled:  # a writer that dies from here on brings them again
                outlet.put(batch)
                batch.clear()

    def _item(self, mask: int, item: Item) -> None:
        (session, pid, name), seq, wall_ns, level, kind, flags, payload, gap, untold = item
        if gap is not None:
            told = Notices()
            drop_notice(told, wall_ns, session, gap, untold)
            for one in told.take():
                self._notice(one)
        stamped = Stamped(wall_ns, level, kind, flags & FLAGS, session, seq, pid, name)
        one_held = self._hidden((stamped, _POISON if flags & ITEM_POISON else payload))
        for outlet, batch in zip(self._outlets, self._batch, strict=True):
            if mask >> outlet.number & 1 and not outlet.settings.standby:
                batch.append(one_held)

    def _hidden(self, one: Held) -> Held:
        """Without what looks like a secret: before any queue, spool or sink has it."""
        if not self._job.settings.redact_patterns:
            return one
        try:
            return hide(one[1], one[0])
        except Exception:  # rather no text than a secret, and than no writer
            return one[0], _POISON

    def _notice(self, told: Outgoing) -> None:
        one = self._hidden(held(told))
        for outlet, batch in zip(self._outlets, self._batch, strict=True):
            if is_for(outlet.settings, told) and not is_own_loss(outlet.name, told):
                batch.append(one)

    def deliver(self) -> None:
        """The commit has been: what was collected goes to the queues."""
        self._hurried = False
        for outlet, batch in zip(self._outlets, self._batch, strict=True):
            if batch:
                outlet.put(batch)
                batch.clear()
        self._changed.set()

    # ---- now and then ----
    def look(self, now_s: float, *, last: bool = False) -> None:
        """What has changed with the sinks is told in the files, once.

        Args:
            now_s: monotonic.
            last: look in any case.
        """
        if now_s < self._look_s and not last:
            return
        self._look_s = now_s + LOOK_S
        for outlet in self._outlets:
            self._look_at(outlet, now_s, last)
        gone = [pair for pair in self._leaving if pair[0].idle or now_s > pair[1]]
        for outlet, until_s in gone:
            if outlet.chain is not None:
                if now_s > until_s:
                    outlet.abandon()
                outlet.chain.queue.join(0.0)
                left = outlet.row()
                if left.queued or left.dropped:
                    text = f"let go, with {left.queued + left.dropped:,} events not delivered"
                    self._tell(outlet, WARNING, text)
        if gone:
            self._leaving = [pair for pair in self._leaving if pair not in gone]
            leaving = [outlet for outlet, _ in self._leaving]
            for outlet, before in self._waiting:
                if before not in leaving:
                    outlet.open()
            self._waiting = [pair for pair in self._waiting if pair[1] in leaving]
            self._route()

    def _look_at(self, outlet: Outlet, now_s: float, last: bool) -> None:
        if outlet.chain is None:
            return
        state, lost = outlet.chain.breaker.state, outlet.chain.queue.counts.reasons
        news, error = self._news.setdefault(outlet.name, News()), state.error or outlet.error
        told = news.problem(outlet.problem)
        told += news.state(state.name != "closed", state.error)
        told += news.losses(now_s, lost, error, last=last)
        for level, event_name, text in told:
            self._tell(outlet, level, text, event_name)

    def _tell(self, outlet: Outlet, level: int, what: str, event_name: str = SINK) -> None:
        keys = {"sink": outlet.name, "type": outlet.settings.kind}
        colon = ":" if event_name == SINK_DROP else ""
        announce(self._job, level, event_name, f"sink {outlet.name}{colon} {what}", keys)

    @property
    def idle(self) -> bool:
        """Whether nothing waits for any sink."""
        return all(outlet.idle for outlet in self._everybody())

    def try_again(self) -> None:
        """Somebody has asked for it: sinks that are left alone for a while are tried at once."""
        for outlet in self._outlets:
            outlet.try_again()

    # ---- the end ----
    def hurry(self) -> None:
        """Nobody is here: what waits for others to go with it goes now."""
        for outlet in self._outlets if not self._hurried else ():
            if outlet.chain is not None:
                outlet.chain.queue.drain(0.0)  # returns at once, and is not forgotten
        self._hurried = True

    def close(self, timeout_s: float) -> None:
        """Deliver what waits, at most so long; then let go of all, whatever they do."""
        deadline_s = time.monotonic() + timeout_s
        mode: Mode = "graceful" if timeout_s > 0 else "immediate"
        here = [outlet for outlet in self._everybody() if outlet.chain is not None]
        while here:  # first those whose fallback is another one, which may still hand over to it
            fallbacks = {outlet.settings.fallback for outlet in here}
            first = [outlet for outlet in here if outlet.name not in fallbacks] or here
            queues = [outlet.chain.queue for outlet in first if outlet.chain is not None]
            for queue in queues:
                queue.stop(mode)
            for queue in queues:
                queue.join(max(deadline_s - time.monotonic(), 0.0))
            here = [outlet for outlet in here if outlet not in first]
        self._closed = True
        self._changed.set()
        self._thread.join(1.0)

    # ---- the board's thread ----
    def _show(self) -> None:
        while not self._closed:
            self._changed.wait()
            pause_s, rows = SHOW_S, self._shown()
            before: list[Row] = []
            while not self._closed and any(row.queued or row.spooled for row in rows):
                pause_s = SHOW_S if rows != before else min(pause_s * 2, LOOK_S)
                self._changed.wait(pause_s)
                before, rows = rows, self._shown()
        self._shown()

    def _shown(self) -> list[Row]:
        """What the board shows from now on."""
        self._changed.clear()
        everybody = self._everybody()
        rows = [outlet.row() for outlet in everybody]
        if self._board is not None:
            for outlet, row in zip(everybody, rows, strict=True):
                self._board.update(outlet.number, row)
        return rows


def _route(settings: SinkSettings) -> tuple[int, list[tuple[str, int]], bytes | None]:
    """What a sink wants, as the reader has it."""
    if settings.standby:
        return _HIGHEST, [], None
    program = None if settings.filter is None else to_bytes(compiled(settings.filter))
    return settings.level, list(settings.levels), program


def _same(outlet: Outlet, wanted: Mapping[str, SinkSettings]) -> bool:
    """Whether it goes on as it is; an outlet whose fallback is another one now does not."""
    return wanted.get(outlet.name) == outlet.settings and outlet.settings.fallback is None


def _board(job: Job) -> Board | None:
    try:
        return Board(job.directory, job.service, time.time_ns())
    except OSError:
        return None

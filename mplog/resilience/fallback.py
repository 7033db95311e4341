"""A sink with another one to fall back on: primary → secondary → a line on stderr → a counted drop.

Every batch is offered to the primary first; a breaker in there makes that cheap while it is down,
and is what finds out that it is back.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from mplog.event.level import name_of
from mplog.format.base import message_of
from mplog.resilience.outage import Meaning, judge, said
from mplog.resilience.pause import SYSTEM_CLOCK, Clock
from mplog.sinks.base import Outgoing, Sink

Lost = Callable[[Sequence[Outgoing], str], object]

NOBODY = "no_sink_left"
_EVERY_S = 1.0
_MOST_REFUSALS = 16  # of one batch; where nearly all is refused the rest is not looked through
_SHOWN_CHARS = 200


class FallbackCounts(msgspec.Struct):
    """Where the events of a sink went."""

    primary: int = 0
    secondary: int = 0
    dropped: int = 0


class Fallback:
    """A sink around two. Opening and writing never raise.

    Args:
        primary: where the events belong.
        secondary: where they go while that fails.
        tell: writes one line for people on stderr; called once a second for each kind of error.
        clock: a test's own.

    Attributes:
        lost: is told which events neither has taken, and why; set it to `Queue.lost`.
        active: where the last batch went.
        counts: where all went.
    """

    def __init__(
        self,
        primary: Sink,
        secondary: Sink,
        tell: Callable[[str], object],
        *,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._primary, self._secondary = _Opened(primary), _Opened(secondary)
        self._tell, self._clock = tell, clock
        self._told_s: dict[str, float] = {}
        self.lost: Lost = lambda batch, reason: None
        self.active: Literal["primary", "secondary", "stderr"] = "primary"
        self.counts = FallbackCounts()

    def open(self) -> None:
        """Open the primary; where it is not there it is tried again with the first event."""
        try:
            self._primary.open()
        except BaseException as error:
            self._say(f"not there: {said(error)}", error)

    def write(self, batch: Sequence[Outgoing]) -> None:
        """Deliver *batch* to whoever takes it; what nobody takes is dropped."""
        size, refusals = len(batch), 0
        while batch:
            part = batch[:size]
            done, error = _offer(self._primary, part)
            self.counts.primary += done
            batch, left = batch[done:], len(part) - done
            if error is None:
                self._back()
                size *= 2
            elif left:
                refused = judge(error).meaning in (Meaning.REFUSED, Meaning.FAILED)
                refusals += refused
                if not refused or refusals > _MOST_REFUSALS:
                    self._fall_back(batch, error)
                    return
                if left == 1:
                    self._fall_back(batch[:1], error)
                    batch = batch[1:]
                size = max(left // 2, 1)

    def flush(self) -> None:
        """Return when what was written has left this process."""
        self._secondary.flush()
        if self.active == "primary":
            self._primary.flush()

    def close(self) -> None:
        """Let go of both."""
        with contextlib.suppress(Exception):
            self._secondary.close()
        self._primary.close()

    def _fall_back(self, batch: Sequence[Outgoing], error: BaseException) -> None:
        self._say(f"{said(error)}; events go to the fallback", error)
        done, worse = _offer(self._secondary, batch)
        self.counts.secondary += done
        self.active = "secondary"
        if worse is not None and batch[done:]:
            self._drop(batch[done:], worse)

    def _drop(self, batch: Sequence[Outgoing], error: BaseException) -> None:
        self.active = "stderr"
        self.counts.dropped += len(batch)
        stamped, event = batch[-1].stamped, batch[-1].event
        last = f"{name_of(stamped.level)} {event.logger}: {message_of(event, stamped.kind)}"
        self._say(
            f"the fallback does not take them either: {said(error)}; {len(batch):,} events "
            f"dropped, the last of them {last[:_SHOWN_CHARS]}",
            error,
            "dropped",
        )
        self.lost(batch, NOBODY)

    def _back(self) -> None:
        if self.active != "primary":
            self.active = "primary"
            self._told_s.clear()
            self._say("it is back, and takes its events itself again", None)

    def _say(self, text: str, error: BaseException | None, kind: str = "") -> None:
        """One line a second for each kind."""
        kind, now_s = f"{kind} {type(error).__name__}", self._clock.now_s()
        if now_s - self._told_s.get(kind, -_EVERY_S) >= _EVERY_S:
            self._told_s[kind] = now_s
            with contextlib.suppress(Exception):
                self._tell(text)


class _Opened:
    """A sink that is opened when it is needed."""

    def __init__(self, inner: Sink) -> None:
        self._inner, self._open = inner, False

    def open(self) -> None:
        if not self._open:
            self._inner.open()
            self._open = True

    def write(self, batch: Sequence[Outgoing]) -> None:
        self.open()
        self._inner.write(batch)

    def flush(self) -> None:
        if self._open:
            self._inner.flush()

    def close(self) -> None:
        self._open = False
        self._inner.close()


def _offer(sink: _Opened, batch: Sequence[Outgoing]) -> tuple[int, BaseException | None]:
    """How many of *batch* the sink has taken, and what it has raised."""
    try:
        sink.write(batch)
    except BaseException as error:  # anybody's code: what it means is judged
        return judge(error, len(batch)).done, error
    return len(batch), None

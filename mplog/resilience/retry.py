"""A sink that tries again what may pass, with pauses that grow and are spread.

The pauses are "full jitter": each is drawn between nothing and a bound that doubles, so that many
writers whose far side comes back do not come back all at once (Marc Brooker, "Exponential Backoff
And Jitter", AWS Architecture Blog, 2015).
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Sequence

import msgspec

from mplog.resilience.outage import Judged, Meaning, Verdict, judge, raise_behind, said
from mplog.resilience.pause import SYSTEM_CLOCK, Clock, Pause
from mplog.sinks.base import Outgoing, Sink


class RetryRules(msgspec.Struct, frozen=True):
    """How long to insist.

    Attributes:
        tries: of one write, the first one included; counted anew whenever some of it went through.
        limit_s: no try begins later than that after the first one.
        first_s, longest_s: the bounds of the first pause and of any. Kept short: whoever is gone
            for longer is the breaker's.
    """

    tries: int = 4
    limit_s: float = 5.0
    first_s: float = 0.02
    longest_s: float = 0.4


def pause_s(
    rules: RetryRules,
    tried: int,
    spent_s: float,
    verdict: Verdict,
    draw: Callable[[], float] = random.random,
) -> float | None:
    """How long to wait before the next try; None: give up.

    Args:
        rules: how long to insist.
        tried: tries that have failed, one or more.
        spent_s: seconds since the first one.
        verdict: of the last one.
        draw: a number from 0 to 1.
    """
    if verdict.meaning is not Meaning.PASSING or tried >= rules.tries:
        return None
    asked_s = verdict.retry_after_s
    bound_s = min(rules.first_s * 2 ** min(tried - 1, 60), rules.longest_s)
    wait_s = draw() * bound_s if asked_s is None else asked_s
    return wait_s if spent_s + wait_s <= rules.limit_s else None


class Retry:
    """A sink that tries again.

    Args:
        inner: the sink; it is closed and opened again after whatever may have broken a connection.
            For one that has a `hang_up` that is enough: it is closed when nobody needs it any more.
        rules: how long to insist.
        pause: how to wait; ended when the sink's queue is closed.
        clock: a test's own.
        draw: a test's own numbers from 0 to 1.
    """

    def __init__(
        self,
        inner: Sink,
        rules: RetryRules | None = None,
        *,
        pause: Pause | None = None,
        clock: Clock = SYSTEM_CLOCK,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._inner, self._rules = inner, rules or RetryRules()
        self._pause, self._clock, self._draw = pause or Pause(), clock, draw
        self._open, self._hang_up = False, getattr(inner, "hang_up", inner.close)

    def open(self) -> None:
        """Open the sink.

        Raises:
            whatever its last try has raised.
        """
        self._insist(())

    def write(self, batch: Sequence[Outgoing]) -> None:
        """Deliver *batch*, from where it was left.

        Raises:
            Unfinished: a try has failed after some of the batch was through.
            whatever the last try has raised.
        """
        self._insist(batch)

    def attempt(self, batch: Sequence[Outgoing]) -> None:
        """One try, without waiting: a breaker's probe. An empty batch only opens the sink."""
        try:
            if not self._open:
                self._connect()
            if batch:
                self._inner.write(batch)
        except BaseException as error:
            self._broken(error)
            raise

    def _connect(self) -> None:
        """Open the sink; whatever keeps it from that is no event's doing, and costs none."""
        try:
            self._inner.open()
        except BaseException as error:
            if judge(error).holds:
                raise
            raise Judged(said(error), Verdict(Meaning.STUCK)) from error
        self._open = True

    def flush(self) -> None:
        """Return when what was written has left this process."""
        if self._open:
            self._inner.flush()

    def close(self) -> None:
        """Let go of everything."""
        self._open = False
        self._inner.close()

    def _insist(self, batch: Sequence[Outgoing]) -> None:
        began_s, tried, done = self._clock.now_s(), 0, 0
        while (error := self._failure(batch[done:])) is not None:
            before, verdict = done, judge(error, len(batch) - done)
            done, tried = done + verdict.done, 1 if verdict.done else tried + 1
            spent_s = self._clock.now_s() - began_s
            wait_s = pause_s(self._rules, tried, spent_s, verdict, self._draw)
            if wait_s is None or self._pause.wait(wait_s):
                raise_behind(error, before, len(batch) - before)

    def _failure(self, batch: Sequence[Outgoing]) -> BaseException | None:
        try:
            self.attempt(batch)
        except BaseException as error:
            return error
        return None

    def _broken(self, error: BaseException) -> None:
        """Whether the connection is to be made anew: not where the far side has answered."""
        verdict = judge(error)
        answered = verdict.meaning is Meaning.REFUSED or verdict.retry_after_s is not None
        if not answered:
            self._open = False
            with contextlib.suppress(Exception):
                self._hang_up()

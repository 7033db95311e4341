"""A breaker: whoever has failed for a while is left alone, but for a probe now and then.

`Circuit` is the state machine, and owns it: closed → open → half-open → closed or open. Its clock
is its caller's. `Breaker` is the sink around a sink.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from mplog.errors import TargetError
from mplog.resilience.outage import judge, raise_behind, said
from mplog.resilience.pause import SYSTEM_CLOCK, Clock
from mplog.sinks.base import Outgoing, Sink

Name = Literal["closed", "open", "half-open"]


class BreakerRules(msgspec.Struct, frozen=True):
    """When to open, and how to come back.

    Attributes:
        failures: in a row that open it.
        rate: the part of the last `window` calls that have failed and open it too; 1: never.
        window: calls that the rate is of; it counts once there were so many.
        reset_s: from its opening to the first probe.
        growth: each later distance is that many times the one before it …
        longest_s: … and never more than this: the far side is back in service no later than that
            after it is back, and the time of one probe.
    """

    failures: int = 3
    rate: float = 0.5
    window: int = 20
    reset_s: float = 0.05
    growth: float = 2.0
    longest_s: float = 0.35


class BreakerState(msgspec.Struct, frozen=True):
    """What a breaker shows.

    Attributes:
        since_s: since when it is closed, or is not, by the clock's seconds.
        failures: in a row.
        opened: how often it has opened.
        error: the last one, in a line.
        probe_s: when the next probe is due; 0 while it is closed.
    """

    name: Name
    since_s: float
    failures: int = 0
    opened: int = 0
    error: str = ""
    probe_s: float = 0.0


class Circuit:
    """Closed, open or half-open. Pure but for its memory.

    Args:
        rules: when to open.
        now_s: the time.
        draw: a number from 0 to 1, by which the probes of many writers are spread.
    """

    def __init__(
        self, rules: BreakerRules, now_s: float, draw: Callable[[], float] = random.random
    ) -> None:
        self.rules, self._draw = rules, draw
        self.name: Name = "closed"
        self.since_s = now_s
        self.failures = self.opened = self._probes = 0
        self.error = ""
        self.probe_s = 0.0
        self._last: deque[bool] = deque(maxlen=max(rules.window, 1))

    def allows(self, now_s: float) -> bool:
        """Whether a call may go through; the first one that may makes an open breaker half-open."""
        if self.name == "open" and now_s >= self.probe_s:
            self._become("half-open", now_s)
        return self.name != "open"

    def succeeded(self, now_s: float) -> None:
        """A call has gone through."""
        self.failures = 0
        self._last.append(False)
        if self.name != "closed":
            self._last.clear()
            self._probes, self.probe_s = 0, 0.0
            self._become("closed", now_s)

    def failed(self, now_s: float, error: str, wait_s: float | None = None) -> None:
        """A call has failed.

        Args:
            now_s: the time.
            error: what was said.
            wait_s: how long the far side asks to be left alone.
        """
        self.failures += 1
        self.error = error
        self._last.append(True)
        if self.name == "half-open" or self._too_many() or wait_s is not None:
            self._open(now_s, wait_s)

    def reset(self, now_s: float) -> None:
        """By hand: closed, as if nothing had been."""
        self.failures = self._probes = 0
        self.probe_s = 0.0
        self._last.clear()
        self._become("closed", now_s)

    def _too_many(self) -> bool:
        whole = len(self._last) == self._last.maxlen
        rate = sum(self._last) / len(self._last)
        return self.failures >= self.rules.failures or (
            whole and self.rules.rate < 1 and rate >= self.rules.rate
        )

    def _open(self, now_s: float, wait_s: float | None) -> None:
        rules = self.rules
        bound_s = min(rules.reset_s * rules.growth ** min(self._probes, 60), rules.longest_s)
        self._probes += 1
        self.opened += self.name == "closed"
        distance_s = bound_s * (0.75 + 0.25 * self._draw())
        self.probe_s = now_s + (distance_s if wait_s is None else max(wait_s, distance_s))
        self._become("open", now_s)

    def _become(self, name: Name, now_s: float) -> None:
        if self.name == "closed" or name == "closed":
            self.since_s = now_s  # of an outage: from its beginning, over all probes
        self.name = name

    @property
    def state(self) -> BreakerState:
        """What it shows."""
        return BreakerState(
            self.name, self.since_s, self.failures, self.opened, self.error, self.probe_s
        )


class CircuitOpen(TargetError):
    """The sink is left alone for a while; `retry_after_s` says how long."""


class Breaker:
    """A sink that is left alone while it fails.

    Args:
        inner: the sink, usually a `Retry`.
        rules: when to open.
        probe: one try without waiting, as `Retry.attempt`; `inner.write` if not given.
        clock: a test's own.
        draw: a test's own numbers from 0 to 1.
    """

    def __init__(
        self,
        inner: Sink,
        rules: BreakerRules | None = None,
        *,
        probe: Callable[[Sequence[Outgoing]], None] | None = None,
        clock: Clock = SYSTEM_CLOCK,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._inner, self._clock, self._probe = inner, clock, probe
        self._lock = threading.Lock()  # the state is looked at, and reset, from other threads
        self._circuit = Circuit(rules or BreakerRules(), clock.now_s(), draw)

    def open(self) -> None:
        """Open the sink.

        Raises:
            CircuitOpen: it is left alone just now.
            whatever the sink raises.
        """
        probing = self._enter()
        self._judged(lambda: self._probe(()) if probing and self._probe else self._inner.open())

    def write(self, batch: Sequence[Outgoing]) -> None:
        """Deliver *batch*; after an outage its first event goes alone, as the probe.

        Raises:
            CircuitOpen: the sink is left alone just now; nothing of the batch is through.
            Unfinished: the probe is through, the rest is not.
            whatever the sink raises.
        """
        if not self._enter():
            self._judged(lambda: self._inner.write(batch))
            return
        self._part(self._probe or self._inner.write, batch[:1], 0)
        if batch[1:]:
            self._part(self._inner.write, batch[1:], 1)

    def flush(self) -> None:
        """Return when what was written has left this process."""
        self._inner.flush()

    def close(self) -> None:
        """Let go of everything."""
        self._inner.close()

    @property
    def state(self) -> BreakerState:
        """Closed, open or half-open, since when, and why."""
        with self._lock:
            return self._circuit.state

    def reset(self) -> None:
        """By hand: the next event goes through, whatever has been."""
        with self._lock:
            self._circuit.reset(self._clock.now_s())

    def _enter(self) -> bool:
        """Whether the call is a probe.

        Raises:
            CircuitOpen: no call is let through.
        """
        with self._lock:
            now_s = self._clock.now_s()
            if self._circuit.allows(now_s):
                return self._circuit.name == "half-open"
            wait_s, error = self._circuit.probe_s - now_s, self._circuit.error
        raise CircuitOpen(f"left alone for a while: {error}", retry_after_s=wait_s)

    def _part(
        self, write: Callable[[Sequence[Outgoing]], None], part: Sequence[Outgoing], before: int
    ) -> None:
        try:
            self._judged(lambda: write(part))
        except BaseException as error:
            raise_behind(error, before, len(part))

    def _judged(self, call: Callable[[], None]) -> None:
        """Make a call, and let the circuit know how it went; a far side that refuses is there."""
        try:
            call()
        except BaseException as error:
            verdict = judge(error)
            with self._lock:
                now_s = self._clock.now_s()
                if verdict.holds:
                    self._circuit.failed(now_s, said(error), verdict.retry_after_s)
                else:
                    self._circuit.succeeded(now_s)
            raise
        with self._lock:
            self._circuit.succeeded(self._clock.now_s())

"""All that stands around a sink, put together: queue → [spool] → fallback → breaker → retry."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from mplog.resilience.backlog import Backlog
from mplog.resilience.breaker import Breaker, BreakerRules
from mplog.resilience.fallback import Fallback
from mplog.resilience.pause import SYSTEM_CLOCK, Clock, Pause
from mplog.resilience.queue import Hooks, Queue
from mplog.resilience.retry import Retry, RetryRules
from mplog.resilience.store import Encoded, Limits, Store, outgoing
from mplog.sinks.base import Sink


class Around(msgspec.Struct, frozen=True):
    """How a sink is to be treated.

    Attributes:
        limits: of what waits for it.
        retry, breaker: how long to insist, and when to leave it alone.
        tell: writes one line for people.
        hooks: who is told of pressure and trouble.
    """

    limits: Limits = Limits()
    retry: RetryRules = RetryRules()
    breaker: BreakerRules = BreakerRules()
    tell: Callable[[str], object] = lambda text: None
    hooks: Hooks = Hooks()


class Chain:
    """A sink and what stands around it.

    Args:
        sink: where the events belong; one whose attribute `encoded` is true is given them as they
            wait, undecoded.
        around: how it is treated.
        name: what people call it.
        secondary: where they go while it fails.
        store: what holds the events; a `Backlog` of the limits if not given.
        clock: a test's own.

    Attributes:
        queue: where events go in; it is opened, drained and closed for all of them.
        breaker: of the sink, to be looked at and reset.
        fallback: None without a secondary.
    """

    def __init__(
        self,
        sink: Sink,
        around: Around | None = None,
        *,
        name: str = "",
        secondary: Sink | None = None,
        store: Store | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        around, pause = around or Around(), Pause()
        retry = Retry(sink, around.retry, pause=pause, clock=clock)
        self.breaker = Breaker(retry, around.breaker, probe=retry.attempt, clock=clock)
        self.fallback: Fallback | None = None
        top: Sink = self.breaker
        if secondary is not None:
            again = Retry(secondary, around.retry, pause=pause, clock=clock)
            self.fallback = top = Fallback(self.breaker, again, around.tell, clock=clock)
        held = store or Backlog(around.limits, name)
        make = Encoded if getattr(sink, "encoded", False) else outgoing
        self.queue = Queue(top, held, pause=pause, clock=clock, hooks=around.hooks, make=make)
        if self.fallback is not None:
            self.fallback.lost = self.queue.lost

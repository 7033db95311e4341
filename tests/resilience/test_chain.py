"""All that stands around a sink, together, with real threads and a real clock."""

from __future__ import annotations

import random
import time

import pytest
from given import events, numbers, told

from mplog.errors import TargetError
from mplog.resilience.breaker import BreakerRules
from mplog.resilience.chain import Around, Chain
from mplog.resilience.retry import RetryRules
from mplog.resilience.store import Limits
from mplog.testing import FlakySink, fail, slow

QUICK = Limits(batch_s=0.01)
LONG_S = 20.0


def soon():
    """A deadline that is only met by what does not end."""
    return time.monotonic() + LONG_S


@pytest.mark.parametrize("seed", [1, 20, 300])
def test_it_adds_up_while_everything_fails(seed):
    """accepted = delivered + dropped + in flight at any moment, and the far side's own count agrees
    at the end: a whole chain, with outages, refusals, partial batches and bugs in a sink.
    """
    dice = random.Random(seed)
    script = []
    for _ in range(300):
        kind = dice.randrange(6)
        taken = dice.randrange(3)
        script.append(
            [
                fail(1, TargetError("503", done=taken), taken),
                fail(2, ConnectionResetError()),
                fail(1, TargetError("429", retry_after_s=0.001)),
                slow(0.001),
                fail(1, TargetError("400", temporary=False)),
                fail(1, TypeError("a bug")),
            ][kind]
        )
    sink = FlakySink(*script)
    rules = Around(
        Limits(max_events=300, batch_events=7, batch_s=0.0),
        RetryRules(first_s=0.0005, longest_s=0.001),
        BreakerRules(reset_s=0.001, longest_s=0.002),
    )
    chain = Chain(sink, rules, name="s")
    chain.queue.open()
    seq = looks = 0
    while seq < 3000:
        count = dice.randrange(1, 20)
        chain.queue.put(events(count, seq + 1, dice.choice([10, 20, 30, 40])))
        seq += count
        counts = chain.queue.counts
        looks += 1
        assert counts.accepted == counts.delivered + counts.dropped + counts.in_flight
        if dice.random() < 0.1:
            time.sleep(0.002)
    assert chain.queue.drain(soon())
    chain.queue.close("flush", LONG_S)
    counts, got = chain.queue.counts, numbers(sink.got)

    assert (seq, 0) == (counts.accepted, counts.in_flight)
    assert len(got) == counts.delivered
    assert got == sorted(set(got))
    assert counts.dropped == seq - len(got)
    assert looks > 100
    assert sink.calls.count("write") > 200


def test_a_dead_sink_is_back_soon_and_has_all_in_order(wait_for):
    """The whole chain with a real clock: an outage, its end, and the first event after it."""
    sink = FlakySink()
    chain = Chain(sink, Around(Limits(batch_s=0.01)), name="s")
    chain.queue.open()
    chain.queue.put(events(10))
    assert chain.queue.drain(soon())
    sink.down = ConnectionRefusedError()
    chain.queue.put(events(10, first=11))
    wait_for(lambda: chain.breaker.state.name == "open")
    sink.down = None
    chain.queue.put(events(10, first=21))

    assert chain.queue.drain(soon())
    assert list(range(1, 31)) == numbers(sink.got)
    assert "closed" == chain.breaker.state.name
    chain.queue.close("flush")


def test_a_chain_falls_back_and_what_nobody_takes_is_dropped_by_the_queue(wait_for):
    """Both sinks down: the queue's own sum has the loss, with its reason."""
    primary, secondary, lines = FlakySink(), FlakySink(), []
    rules = RetryRules(tries=1)
    chain = Chain(primary, Around(QUICK, rules, tell=lines.append), name="s", secondary=secondary)
    primary.down = ConnectionRefusedError()
    chain.queue.open()
    chain.queue.put(events(5))
    assert chain.queue.drain(soon())
    secondary.down = ConnectionRefusedError()
    chain.queue.put(events(5, first=6))
    wait_for(lambda: chain.queue.counts.dropped == 5)
    secondary.down = None
    wait_for(lambda: told(secondary.got))
    chain.queue.close("flush")

    assert [1, 2, 3, 4, 5] == numbers(secondary.got)
    assert 5 == told(secondary.got)
    assert {"no_sink_left": {"INFO": 5}} == chain.queue.counts.reasons
    assert lines

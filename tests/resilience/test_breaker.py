"""Who has failed for a while is left alone, and is back in service soon after it is back."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest
from given import event, events, numbers
from hypothesis import given, settings
from hypothesis import strategies as st

from mplog.errors import TargetError
from mplog.resilience.breaker import Breaker, BreakerRules, Circuit, CircuitOpen
from mplog.resilience.outage import judge
from mplog.resilience.retry import Retry
from mplog.testing import FakeClock, FlakySink, fail

BACK_S = 0.5


def breaking(sink, rules=None):
    clock = FakeClock()
    retry = Retry(sink, pause=clock.pause(), clock=clock)
    return Breaker(retry, rules, probe=retry.attempt, clock=clock, draw=lambda: 1.0), clock


def test_it_opens_after_failures_in_a_row():
    """A success in between begins the count anew."""
    circuit = Circuit(BreakerRules(failures=3, rate=1.0), 0.0)
    circuit.failed(1.0, "x")
    circuit.failed(2.0, "x")
    circuit.succeeded(3.0)
    circuit.failed(4.0, "x")
    circuit.failed(5.0, "x")
    assert "closed" == circuit.name

    circuit.failed(6.0, "the last")

    state = circuit.state
    assert ("open", 6.0, 3, 1, "the last") == (
        state.name, state.since_s, state.failures, state.opened, state.error,
    )  # fmt: skip


def test_it_opens_by_the_rate_of_failures():
    """Every second call fails: never two in a row, and still no service."""
    circuit = Circuit(BreakerRules(failures=3, rate=0.5, window=10), 0.0)
    for n in range(9):
        (circuit.failed if n % 2 else lambda now_s, _: circuit.succeeded(now_s))(0.0, "x")
    assert "closed" == circuit.name

    circuit.failed(1.0, "x")

    assert "open" == circuit.name


def test_while_open_nothing_gets_through_until_the_probe():
    """It says how long that is."""
    sink = FlakySink()
    breaker, clock = breaking(sink, BreakerRules(failures=1, reset_s=0.2))
    breaker.open()
    sink.down = ConnectionRefusedError(111, "refused")
    with pytest.raises(ConnectionRefusedError):
        breaker.write(events(3))
    calls = len(sink.calls)

    with pytest.raises(CircuitOpen, match="refused") as raised:
        breaker.write(events(3))

    assert 0.2 == pytest.approx(raised.value.retry_after_s)
    assert calls == len(sink.calls)
    assert clock.now_s() == pytest.approx(breaker.state.probe_s - 0.2)


def test_a_probe_is_one_event_and_the_rest_follows():
    """What the probe has delivered is not sent again, and the order is kept."""
    sink = FlakySink()
    breaker, clock = breaking(sink, BreakerRules(failures=1))
    breaker.open()
    sink.down = ConnectionRefusedError()
    with pytest.raises(ConnectionRefusedError):
        breaker.write(events(3))
    sink.down = None
    clock.advance(1.0)
    breaker.write(events(3))

    assert [1, 2, 3] == numbers(sink.got)
    assert "closed" == breaker.state.name
    assert ["open", "write", "write"] == sink.calls[-3:]


def test_what_fails_behind_the_probe_says_what_was_through():
    """The caller goes on at the second event."""
    sink = FlakySink(fail(4))
    breaker, clock = breaking(sink, BreakerRules(failures=1))
    breaker.open()
    with pytest.raises(ConnectionResetError):
        breaker.write(events(3))
    clock.advance(1.0)
    sink.refuses = lambda one: TargetError("no", temporary=False) if one.id[1] == 2 else None

    with pytest.raises(Exception, match="no") as raised:
        breaker.write(events(3))

    assert 1 == judge(raised.value, 3).done
    assert [1] == numbers(sink.got)


def test_a_probe_waits_for_nothing():
    """The retries inside are not for probes: one try, and the next one when it is due."""
    sink = FlakySink()
    breaker, clock = breaking(sink, BreakerRules(failures=1))
    breaker.open()
    sink.down = ConnectionRefusedError()
    with pytest.raises(ConnectionRefusedError):
        breaker.write(events(1))
    clock.advance(1.0)
    before_s, calls = clock.now_s(), sink.calls.count("open")
    with pytest.raises(ConnectionRefusedError):
        breaker.write(events(1))

    assert before_s == clock.now_s()
    assert 1 == sink.calls.count("open") - calls
    assert "open" == breaker.state.name


def test_a_far_side_that_refuses_an_event_is_there():
    """Bad events do not open the breaker."""
    sink = FlakySink(fail(50, TargetError("400", temporary=False)))
    breaker, _ = breaking(sink)
    breaker.open()
    for _ in range(50):
        with pytest.raises(TargetError):
            breaker.write(events(1))

    assert "closed" == breaker.state.name


def test_a_far_side_that_names_a_time_is_left_alone_for_it():
    """No probe before `retry_after_s` is over."""
    sink = FlakySink(fail(1, TargetError("429", retry_after_s=30.0)))
    breaker, clock = breaking(sink)
    breaker.open()
    with pytest.raises(TargetError):
        breaker.write(events(1))
    clock.advance(29.0)
    with pytest.raises(CircuitOpen):
        breaker.write(events(1))
    clock.advance(1.1)
    breaker.write(events(1))

    assert [1] == numbers(sink.got)


def test_a_person_can_close_it():
    """After a reset the next event goes through at once."""
    sink = FlakySink()
    breaker, _ = breaking(sink, BreakerRules(failures=1, reset_s=99.0, longest_s=99.0))
    breaker.open()
    sink.down = ConnectionRefusedError()
    with pytest.raises(ConnectionRefusedError):
        breaker.write(events(1))
    sink.down = None
    breaker.reset()
    breaker.write(events(1))

    assert [1] == numbers(sink.got)


@given(
    outage_s=st.floats(0.01, 600),
    probe_takes_s=st.floats(0, 0.1),
    draws=st.lists(st.floats(0, 1), min_size=1, max_size=20),
)
@settings(max_examples=200, deadline=None)
def test_it_is_back_within_half_a_second_of_the_far_side(outage_s, probe_takes_s, draws):
    """However long the outage, whatever is drawn, with probes that take up to 0.1 s."""
    clock, turn = FakeClock(0.0), iter(range(10**9))
    circuit = Circuit(BreakerRules(), 0.0, lambda: draws[next(turn) % len(draws)])
    probes = 0
    while True:
        now_s = clock.now_s()
        if not circuit.allows(now_s):
            clock.advance(circuit.probe_s - now_s)
            continue
        probes += 1
        clock.advance(probe_takes_s)
        if now_s >= outage_s:
            circuit.succeeded(clock.now_s())
            break
        circuit.failed(clock.now_s(), "down")

    assert "closed" == circuit.name
    assert clock.now_s() - outage_s <= BACK_S + 1e-6 + probe_takes_s
    assert probes <= 6 + outage_s / (0.75 * BreakerRules().longest_s)


@given(st.lists(st.tuples(st.sampled_from(["ok", "bad", "reset", "asked"]), st.floats(0, 2))))
@settings(max_examples=200, deadline=None)
def test_the_states_follow_one_another_as_drawn(steps):
    """closed → open → half-open → closed or open, and no other way."""
    circuit, now_s = Circuit(BreakerRules(), 0.0), 0.0
    allowed = {
        ("closed", "closed"), ("closed", "open"), ("open", "open"), ("open", "half-open"),
        ("half-open", "open"), ("half-open", "closed"), ("half-open", "half-open"),
    }  # fmt: skip
    for what, wait_s in steps:
        now_s += wait_s
        before = circuit.name
        may = circuit.allows(now_s)
        assert (before, circuit.name) in allowed
        before = circuit.name
        if what == "reset":
            circuit.reset(now_s)
            assert "closed" == circuit.name
            continue
        if not may:
            assert circuit.probe_s > now_s
            continue
        if what == "ok":
            circuit.succeeded(now_s)
        else:
            circuit.failed(now_s, "x", 3.0 if what == "asked" else None)
        assert (before, circuit.name) in allowed
        assert ("closed" == circuit.name) == (circuit.probe_s == 0.0)


def test_it_is_looked_at_and_reset_while_it_works():
    """A real thread writes while others look: no state is torn."""
    sink = FlakySink()
    breaker = Breaker(sink, BreakerRules(failures=2))
    breaker.open()
    sink.down = ConnectionResetError()
    over = threading.Event()

    def write():
        while not over.is_set():
            with contextlib.suppress(OSError, TargetError):
                breaker.write([event(1)])

    thread = threading.Thread(target=write)
    thread.start()
    seen = set()
    until_s = time.monotonic() + 10
    while len(seen) < 2 and time.monotonic() < until_s:
        state = breaker.state
        seen.add(state.name)
        assert (state.name == "closed") == (state.probe_s == 0.0)
        if state.name == "open":
            breaker.reset()
    over.set()
    thread.join(10)

    assert {"closed", "open"} == seen - {"half-open"}

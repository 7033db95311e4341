"""What may pass is tried again, for a while, from where it was left."""

from __future__ import annotations

import errno
import threading

import pytest
from given import event, events, numbers
from hypothesis import given, settings
from hypothesis import strategies as st

from mplog.errors import TargetError
from mplog.resilience.outage import Judged, Meaning, Unfinished, Verdict, judge, said
from mplog.resilience.pause import Pause
from mplog.resilience.retry import Retry, RetryRules, pause_s
from mplog.testing import FakeClock, FlakySink, fail

PASSING = Verdict(Meaning.PASSING)


def retrying(sink, rules=None, draw=lambda: 1.0):
    clock = FakeClock()
    return Retry(sink, rules, pause=clock.pause(), clock=clock, draw=draw), clock


def test_pauses_grow_to_a_bound_and_are_spread():
    """Full jitter: drawn between nothing and a bound that doubles."""
    rules = RetryRules(tries=99, first_s=0.1, longest_s=1.0, limit_s=99.0)

    assert [0.1, 0.2, 0.4, 0.8, 1.0, 1.0] == [
        pause_s(rules, tried, 0.0, PASSING, lambda: 1.0) for tried in range(1, 7)
    ]
    assert 0.0 == pause_s(rules, 5, 0.0, PASSING, lambda: 0.0)


@given(
    tries=st.integers(1, 50),
    limit_s=st.floats(0, 60),
    first_s=st.floats(0, 5),
    longest_s=st.floats(0, 5),
    draws=st.lists(st.floats(0, 1), min_size=60, max_size=60),
    asked=st.one_of(st.none(), st.floats(0, 100)),
)
@settings(max_examples=200, deadline=None)
def test_both_limits_hold_whatever_is_drawn(tries, limit_s, first_s, longest_s, draws, asked):
    """No more tries than `tries`, none later than `limit_s`, no pause longer than `longest_s`."""
    rules = RetryRules(tries, limit_s, first_s, longest_s)
    spent_s, tried = 0.0, 1
    while True:
        wait_s = pause_s(
            rules, tried, spent_s, Verdict(Meaning.PASSING, asked), draws[tried].real.__float__
        )
        if wait_s is None:
            break
        assert wait_s <= longest_s or wait_s == asked
        spent_s += wait_s
        tried += 1
    assert tried <= tries
    assert spent_s <= limit_s


def test_what_passes_is_delivered_once_and_in_order():
    """After failures that took nothing the whole batch goes through."""
    sink = FlakySink(fail(3))
    retry, _ = retrying(sink)
    retry.open()
    retry.write(events(5))

    assert [1, 2, 3, 4, 5] == numbers(sink.got)


def test_a_batch_is_resumed_at_done():
    """What the far side has taken before it failed is not sent again."""
    sink = FlakySink(
        fail(1, TargetError("cut", done=2), taken=2), fail(1, TargetError("x", done=1), 1)
    )
    retry, _ = retrying(sink)
    retry.open()
    retry.write(events(5))

    assert [1, 2, 3, 4, 5] == numbers(sink.got)


def test_a_broken_connection_is_made_anew():
    """After an OSError the sink is closed and opened; after an answer it is not."""
    sink = FlakySink(fail(1), fail(1, TargetError("429", retry_after_s=0.1)))
    retry, _ = retrying(sink)
    retry.open()
    retry.write(events(1))

    assert ["open", "write", "close", "open", "write", "write"] == sink.calls


def test_the_far_side_says_how_long_it_wants_to_be_left_alone():
    """`retry_after_s` is waited for, not the jitter."""
    sink = FlakySink(fail(1, TargetError("429", retry_after_s=3.0)))
    retry, clock = retrying(sink)
    began_s = clock.now_s()
    retry.open()
    retry.write(events(1))

    assert 3.0 == pytest.approx(clock.now_s() - began_s)


def test_a_wait_longer_than_the_limit_is_not_begun():
    """Who asks for an hour is the breaker's, not held for by a thread that stands still."""
    sink = FlakySink(fail(1, TargetError("429", retry_after_s=3600.0)))
    retry, clock = retrying(sink)
    began_s = clock.now_s()
    retry.open()

    with pytest.raises(TargetError):
        retry.write(events(1))
    assert began_s == clock.now_s()


@pytest.mark.parametrize(
    "error", [OSError(errno.EACCES, "x"), TargetError("400", temporary=False), TypeError("bug")]
)
def test_what_will_not_pass_is_not_tried_again(error):
    """One call, and the error as it was."""
    sink = FlakySink(fail(1, error))
    retry, _ = retrying(sink)
    retry.open()

    with pytest.raises(type(error)) as raised:
        retry.write(events(3))
    assert error is raised.value
    assert 1 == sink.calls.count("write")


def test_giving_up_says_what_was_through():
    """The error tells the caller where to go on."""
    sink = FlakySink(fail(1, TargetError("cut", done=2), taken=2), fail(9))
    retry, _ = retrying(sink)
    retry.open()

    with pytest.raises(Unfinished) as raised:
        retry.write(events(5))
    assert 2 == judge(raised.value, 5).done
    assert [1, 2] == numbers(sink.got)


def test_progress_counts_the_tries_anew():
    """A far side that takes a little each time is not given up on."""
    sink = FlakySink(fail(20, TargetError("slow", done=1), taken=1))
    retry, _ = retrying(sink, RetryRules(tries=2, limit_s=1e6))
    retry.open()
    retry.write(events(30))

    assert list(range(1, 31)) == numbers(sink.got)


def test_closing_ends_the_wait():
    """A real thread in a long pause comes back when the sink is closed."""
    sink, pause = FlakySink(fail(99)), Pause()
    waiting = threading.Event()

    class Told(Pause):
        def wait(self, timeout_s):
            waiting.set()
            return pause.wait(timeout_s)

    retry = Retry(sink, RetryRules(9, 1e6, 1e3, 1e3), pause=Told(), draw=lambda: 1.0)
    retry.open()
    raised = []

    def write():
        try:
            retry.write([event(1)])
        except OSError as error:
            raised.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    assert waiting.wait(10)
    pause.stop()
    thread.join(10)

    assert not thread.is_alive()
    assert 1 == len(raised)


def test_a_flush_of_what_is_not_open_does_nothing():
    """Nothing was written, so there is nothing to wait for; afterwards the sink's own is asked."""
    sink = FlakySink()
    retry, _ = retrying(sink)
    retry.flush()
    assert [] == sink.calls

    retry.write(events(1))
    retry.flush()
    assert ["open", "write", "flush"] == sink.calls


@pytest.mark.parametrize("error", [ValueError("broken"), TargetError("no", temporary=False)])
def test_what_keeps_a_sink_from_opening_is_no_fault_of_an_event(error):
    """Its events are kept, at the start as after an outage; it is not insisted on."""
    sink = FlakySink()
    retry, clock = retrying(sink)
    sink.down = error
    began_s = clock.now_s()
    with pytest.raises(Judged) as at_start:
        retry.open()
    sink.down = None
    retry.open()
    sink.down = ConnectionResetError()
    with pytest.raises(ConnectionResetError):
        retry.attempt(events(1))
    sink.down = error
    with pytest.raises(Judged) as later:
        retry.write(events(1))

    assert {Meaning.STUCK} == {judge(raised.value).meaning for raised in (at_start, later)}
    assert said(error) == said(later.value)
    assert began_s == clock.now_s()

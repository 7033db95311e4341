"""A user's sink in a process of its own: what it does to that one, and how it is asked again."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from apart_batches import batch, failure_of, outgoing
from apartside import left

from mplog.resilience.outage import Judged, Meaning, Unfinished, judge
from mplog.resilience.retry import Retry, RetryRules
from mplog.testing import check_sink
from mplog.writer.apart.sink import DEATHS, ApartSink

FATAL = {
    "segfault": "was killed by signal 11 (SIGSEGV)",
    "abort": "was killed by signal 6 (SIGABRT)",
    "exit": "has ended with code 7",
    "kill": "was killed by signal 9 (SIGKILL)",
    "odd": f"was killed by signal {signal.SIGRTMIN + 6}",
}


def test_it_is_a_sink(place):
    """All that is asked of one, content of any kind included; nothing of it stays."""
    assert "leaves_nothing" in check_sink(
        lambda: ApartSink("apartside:Whole"),
        lambda: [text for text in left(place) if "check-" in text],
        timeout_s=40.0,
    )


def test_a_function_is_called_in_another_process(apart, place):
    """With each event, in order; the one process does them all."""
    sink = apart("does")
    sink.open()
    pid = sink._process.pid
    sink.write(batch("a", "b"))
    sink.flush()
    sink.write(batch("c", first=3))

    assert ["1 a", "2 b", "3 c"] == left(place)
    assert pid == sink._process.pid != os.getpid()


@pytest.mark.parametrize(("harm", "said"), FATAL.items())
def test_a_death_is_a_fault_that_may_pass_and_says_how_it_was(apart, place, harm, said):
    """What was done before is known, and is not done again; the next process goes on."""
    sink = apart("once")
    sink.open()
    events = batch("a", "b", harm, "d")
    error = failure_of(sink.write, events)
    verdict = judge(error, len(events))

    assert (Meaning.PASSING, 2) == (verdict.meaning, verdict.done)
    assert f"its process {said}" in str(error)
    sink.hang_up()
    sink.open()
    sink.write(events[2:])
    assert ["1 a", "2 b", f"3 {harm}", "4 d"] == left(place)


@pytest.mark.parametrize(
    ("harm", "said"),
    [("babble", "has answered nonsense, and was ended"), ("close", "has ended with code 1")],
)
def test_one_that_spoils_the_talk_is_ended_and_what_it_did_is_known(apart, place, harm, said):
    """Bytes of its own in the socket, or all descriptors closed."""
    sink = apart("once")
    events = batch("a", harm, "c", "d")
    error = failure_of(sink.write, events)
    verdict = judge(error, len(events))
    notes = left(place)

    assert Meaning.PASSING is verdict.meaning
    assert said in str(error)
    assert verdict.done <= len(notes) <= verdict.done + 1
    sink.write(events[verdict.done :])
    assert ["1 a", f"2 {harm}", "3 c", "4 d"] == sorted(set(left(place)))


def test_one_that_empties_the_memory_it_shares_harms_itself_alone(apart, place):
    """How far it came is not known then; what it did comes again."""
    sink = apart("once")
    events = batch("a", "cut", "c")
    error = failure_of(sink.write, events)

    assert (Meaning.PASSING, 0) == (judge(error, 3).meaning, judge(error, 3).done)
    assert "(SIGBUS)" in str(error)
    sink.write(events)
    assert ["1 a", "2 cut", "3 c"] == sorted(set(left(place)))


@pytest.mark.parametrize("harm", ["hang", "hold"])
def test_a_call_that_never_returns_ends_with_its_time(apart, place, harm):
    """Also one of C that keeps the interpreter's lock."""
    sink = apart("once", limit_s=1.0)
    sink.open()
    pid = sink._process.pid
    error = failure_of(sink.write, batch("a", harm))

    assert (Meaning.PASSING, 1) == (judge(error, 2).meaning, judge(error, 2).done)
    assert "has lasted for 1 s" in str(error)
    assert not Path("/proc", str(pid)).exists()
    sink.open()
    sink.write(batch(harm, first=2))
    assert ["1 a", f"2 {harm}"] == left(place)


def test_the_time_is_that_of_one_call(apart, place):
    """Twenty calls may take longer together than one may."""
    sink = apart("slow", limit_s=2.0)
    sink.open()
    sink.write(batch(*"abcdefghijklmnopqrst"))

    assert 20 == len(left(place))


@pytest.mark.parametrize("name", ["does", "Whole"])
def test_an_event_that_ends_every_process_is_found_and_refused(apart, place, name):
    """The others are delivered: with a function each once, with an object at least once."""
    sink = apart(name)
    retry = Retry(sink, RetryRules(tries=1_000, limit_s=1_000.0))
    events = batch(*["a"] * 20, "segfault", *["b"] * 20)
    error = failure_of(retry.write, events)
    verdict = judge(error, len(events))

    assert (Meaning.REFUSED, 20) == (verdict.meaning, verdict.done)
    assert f"{DEATHS} times in a row" in str(error)
    again = failure_of(retry.write, events[20:])
    assert (Meaning.REFUSED, 0) == (judge(again, 21).meaning, judge(again, 21).done)
    retry.write(events[21:])
    assert [*range(1, 21), *range(22, 42)] == [int(text.split()[0]) for text in left(place)]
    retry.close()


@pytest.mark.parametrize("name", ["does", "Whole"])
def test_a_far_side_that_hangs_costs_no_event_however_long(apart, place, name):
    """A call that waits is ended, and made again: what it waits for may come back."""
    sink = apart(name, limit_s=0.5)
    for number in range(1, DEATHS + 3):
        sink.open()
        verdict = judge(failure_of(sink.write, batch("hang")), 1)
        assert (Meaning.PASSING, 0) == (verdict.meaning, verdict.done), number
    sink.open()
    sink.write(batch("a"))

    assert "1 a" == left(place)[-1]


@pytest.mark.parametrize("name", ["does", "Whole"])
def test_an_event_that_is_computed_at_for_ever_is_refused(apart, place, monkeypatch, name):
    """Nobody else is to blame for that; the next one goes on."""
    monkeypatch.setattr("mplog.writer.apart.process._COMPUTING", 0.01)  # of two crowded processors
    sink = apart(name, limit_s=1.0)
    meanings = []
    for _ in range(DEATHS):
        sink.open()
        meanings.append(judge(failure_of(sink.write, batch("spin")), 1).meaning)
    sink.open()
    sink.write(batch("a", first=2))

    assert [Meaning.PASSING] * (DEATHS - 1) + [Meaning.REFUSED] == meanings
    assert "2 a" == left(place)[-1]


def test_a_process_that_died_between_two_batches_is_no_events_doing(apart, place):
    """However often: nothing is refused for it."""
    sink = apart("does")
    for number in range(1, DEATHS + 3):
        sink.open()
        os.kill(sink._process.pid, signal.SIGKILL)
        while sink._process.alive:
            time.sleep(0.01)
        assert Meaning.PASSING is judge(failure_of(sink.write, batch("a"))).meaning, number
    sink.open()
    sink.write(batch("a"))

    assert ["1 a"] == left(place)


@pytest.mark.parametrize(
    ("harm", "meaning", "said"),
    [
        ("raise", Meaning.FAILED, "ZeroDivisionError: division by zero"),
        ("leave", Meaning.FAILED, "SystemExit: 3"),
        ("away", Meaning.PASSING, "refused"),
        ("denied", Meaning.STUCK, "Not a directory"),
        ("later", Meaning.PASSING, "later, please"),
    ],
)
def test_what_is_raised_there_means_what_it_means_here(apart, harm, meaning, said):
    """And the process goes on."""
    sink = apart("does")
    sink.open()
    pid = sink._process.pid
    error = failure_of(sink.write, batch(harm))

    assert (meaning, 0) == (judge(error, 1).meaning, judge(error, 1).done)
    assert said in str(error)
    assert (7.5 if harm == "later" else None) == judge(error, 1).retry_after_s
    sink.write(batch("a"))
    assert pid == sink._process.pid


def test_a_function_that_raises_in_the_middle_says_how_far_it_got(apart):
    """As in the writer."""
    sink = apart("does")
    error = failure_of(sink.write, batch("a", "b", "away"))

    assert (Meaning.PASSING, 2) == (judge(error, 3).meaning, judge(error, 3).done)


@pytest.mark.parametrize("target", ["nowhere:at_all", "apartside:nothing", "apartside:HARM"])
def test_what_cannot_be_had_refuses_every_event_and_says_why(place, target):
    """No process stays; asked for by hand, it is looked at again."""
    sink = ApartSink(target)
    sink.open()
    error = failure_of(sink.write, batch("a"))

    assert isinstance(error, Judged)
    assert Meaning.REFUSED is judge(error).meaning
    assert sink.problem
    assert sink.problem in str(error)
    assert sink._process is None
    sink.try_again()
    assert "" == sink.problem
    assert Meaning.REFUSED is judge(failure_of(sink.write, batch("a"))).meaning
    assert sink.problem


def test_an_open_that_fails_is_followed_by_a_close(apart, place):
    """Half of it may be open."""
    sink = apart("Ajar")
    retry = Retry(sink, RetryRules(tries=1))

    assert Meaning.PASSING is judge(failure_of(retry.open)).meaning
    assert ["open", "close"] == left(place, "calls")


def test_processes_that_die_at_once_are_started_at_growing_distances(place, monkeypatch):
    """A module that ends its process is no reason to start one after the other."""
    (place / "deadly.py").write_text("import os\nos._exit(9)\n")
    monkeypatch.syspath_prepend(str(place))
    for name in ("_FIRST_PAUSE_S", "_LONGEST_PAUSE_S"):
        monkeypatch.setattr(f"mplog.writer.apart.sink.{name}", 600.0)
    sink = ApartSink("deadly:anything")
    errors = [failure_of(sink.open) for _ in range(9)]
    sink.try_again()
    errors.append(failure_of(sink.open))
    waits = [judge(error).retry_after_s for error in errors]

    assert [True] * 7 + [False] * 2 + [True] == [wait is None for wait in waits]
    assert all(0 < wait <= 600.0 for wait in waits[7:9])
    assert all("has ended with code 9" in str(error) for error in errors)


def test_an_outage_closes_the_sink_and_leaves_its_process(apart, place):
    """What it keeps in its memory stays; only the last close ends it."""
    sink = apart("Whole")
    retry = Retry(sink, RetryRules(tries=1))
    retry.open()
    pid = sink._process.pid
    failure_of(retry.write, batch("away"))
    assert ["open", "write 1", "close"] == left(place, "calls")
    retry.write(batch("a"))
    assert pid == sink._process.pid
    retry.close()

    assert ["open", "write 1", "close", "open", "write 1", "close"] == left(place, "calls")
    assert not Path("/proc", str(pid)).exists()


def test_events_are_not_decoded_on_their_way(apart, place, monkeypatch):
    """The bytes cross as they waited."""
    from mplog.resilience import store

    event = store.held(outgoing(1, "sold"))
    monkeypatch.setattr(store, "decode", lambda payload: pytest.fail("decoded"))
    sink = apart("does")
    sink.write([store.Encoded(event)])

    assert ["1 sold"] == left(place)


def test_unfinished_business_of_smaller_parts_is_counted_whole(apart, place):
    """After a death an object is given fewer at once, and what went is known over all of them."""
    sink = apart("Whole")
    events = batch(*["a"] * 16, "away")
    failure_of(sink.write, batch(*["a"] * 16, "exit"))
    error = failure_of(sink.write, events)

    assert isinstance(error, Unfinished)
    assert 0 < judge(error, 17).done == len(left(place)) <= 16

"""What users' code does in its process beside what it is asked: it forks, or leaves it undone."""

from __future__ import annotations

import pytest
from apart_batches import batch, failure_of
from apartside import left

from mplog.resilience.outage import Meaning, judge


@pytest.mark.parametrize("how", ["fork and exit", "fork and raise"])
def test_a_child_that_users_code_forks_answers_no_question(apart, place, how):
    """Each event is done once, by the process that was asked, which goes on."""
    sink = apart("does")
    sink.open()
    pid = sink._process.pid
    for number in range(1, 4):
        sink.write(batch("a", how, "b", first=10 * number))

    assert [f"{n}{end}" for n in range(1, 4) for end in ("0 a", f"1 {how}", "2 b")] == left(place)
    assert pid == sink._process.pid


def test_a_child_that_comes_back_from_users_code_answers_no_question(apart, place):
    """Of a function it may have done the event under way, of no other one; of an object none."""
    function, sink = apart("does"), apart("Forking")
    for number in range(1, 4):
        function.write(batch("fork and return", "b", first=10 * number))
        sink.write(batch("c", "d", first=10 * number + 5))
    function.write(batch("e", first=40))

    wanted = [f"{n}{end}" for n in range(1, 4) for end in ("1 b", "5 c", "6 d")] + ["40 e"]
    assert wanted == [line for line in left(place) if "fork" not in line]


def test_an_object_that_returns_what_nobody_runs_has_failed(apart):
    """Its events are not delivered."""
    error = failure_of(apart("Later").write, batch("a"))

    assert Meaning.FAILED is judge(error, 1).meaning
    assert "which nobody runs" in str(error)

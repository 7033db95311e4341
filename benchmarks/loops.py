"""Calls too cheap to be timed alone: a loop around the call, less the same loop around nothing.

The loops are made from source, so that each call has its keywords where a program has them. Calls
that are compared take turns in one process, and whoever logs gets an empty lane before each turn:
what is measured is the call, never a wait for the writer.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Loop = Callable[[Callable[..., object], range], None]
Pair = tuple[Loop, Callable[..., object]]

WARM_TURNS = 2
LANE_TURNS = 40
PLACE = "/srv/shop/accounts.py"  # where the calls stand, for those who tell it
ARGUMENTS = "'user {user} logged in from {ip}', user='alice', ip='10.0.0.1', attempt=number"


def loop(arguments: str) -> Loop:
    """A function that calls what it is given with *arguments*, once for each number of a range."""
    body = f"def login(call, numbers):\n    for number in numbers:\n        call({arguments})\n"
    return _made(body)


def _made(source: str) -> Loop:
    space: dict[str, Loop] = {}
    exec(compile(source, PLACE, "exec"), space)  # the sources are written here, never data
    return space["login"]


NOTHING = _made("def login(call, numbers):\n    for number in numbers:\n        pass\n")


def empty(parameters: str) -> Callable[..., object]:
    """The cheapest Python function with *parameters*."""
    space: dict[str, Callable[..., object]] = {}
    exec(f"def empty({parameters}):\n    pass\n", space)
    return space["empty"]


EMPTY = empty("template, /, *, user, ip, attempt")


def in_turns(
    pairs: Mapping[str, Pair], calls: int, rounds: int, settle: Callable[[], object]
) -> dict[str, float]:
    """What each of *pairs* costs a call, in ns, without the loop: the median of *rounds*.

    Args:
        pairs: a loop and what it calls, by name.
        calls: how many calls are timed together; their events must fit the lane.
        rounds: how often each takes its turn.
        settle: called before each turn, outside the time.
    """
    numbers = range(calls)
    took: dict[str, list[float]] = {name: [] for name in [*pairs, "nothing"]}
    for around, call in [*pairs.values()] * WARM_TURNS:
        settle()
        around(call, numbers)  # warm: caches, and what the interpreter learns about a call
    for _ in range(rounds):
        for name, (around, call) in {**pairs, "nothing": (NOTHING, len)}.items():
            settle()
            start_ns = time.perf_counter_ns()
            around(call, numbers)
            took[name].append((time.perf_counter_ns() - start_ns) / calls)
    loop_ns = statistics.median(took.pop("nothing"))
    return {name: statistics.median(values) - loop_ns for name, values in took.items()}


def fill(loop_and_call: Pair, calls: int, settle: Callable[[], object]) -> None:
    """Touch the whole lane once, so that no page of it is met for the first time in a turn."""
    around, call = loop_and_call
    for _ in range(LANE_TURNS):
        settle()
        around(call, range(calls))


def end(mplog: Any, calls: int, turns: int) -> None:
    """Shut *mplog* down, and see that the calls were logged: *turns* times *calls* of them.

    Raises:
        SystemExit: the writer has delivered another number.
    """
    report = mplog.shutdown(timeout=60.0)
    if report.delivered != calls * turns or report.dropped:
        raise SystemExit(f"{calls * turns} events were logged; {report}")


def names(count: int) -> Iterable[str]:
    """The names of *count* fields."""
    return (f"field_{index}" for index in range(count))

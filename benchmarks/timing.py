"""How long calls take: each one timed alone, or many together where one is too short to time."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Sequence

WARM_UP = 1_000
# Where a latency distribution is told: denser towards the tail, which is what a plot shows.
PARTS = (
    0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999,
)  # fmt: skip
TAILS = {"p50_ns": 0.5, "p99_ns": 0.99, "p999_ns": 0.999}

Call = Callable[[int], object]


def timed(call: Call, count: int) -> list[int]:
    """Duration of each of *count* calls, in ns, sorted."""
    clock = time.perf_counter_ns
    took_ns = array("q", bytes(8 * count))
    for number in range(count):
        start_ns = clock()
        call(number)
        took_ns[number] = clock() - start_ns
    return sorted(took_ns)


def paced(call: Call, count: int, interval_s: float) -> list[int]:
    """The same for calls at fixed times, *interval_s* apart; one that is late is made at once."""
    clock = time.perf_counter_ns
    took_ns = array("q", bytes(8 * count))
    due_s = time.monotonic()
    for number in range(count):
        due_s += interval_s
        wait_s = due_s - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        start_ns = clock()
        call(number)
        took_ns[number] = clock() - start_ns
    return sorted(took_ns)


def together(call: Call, count: int) -> float:
    """Time a call of *count* calls in one go, in ns; the loop's own share is in it."""
    numbers = range(count)
    start_ns = time.perf_counter_ns()
    for number in numbers:
        call(number)
    return (time.perf_counter_ns() - start_ns) / count


def percentile(in_order: Sequence[float], part: float) -> float:
    """The value below which *part* (0 to 1) of the sorted values lie."""
    if not in_order:
        raise ValueError("percentile(in_order): no values were given")
    return in_order[min(int(len(in_order) * part), len(in_order) - 1)]


def tails(in_order: Sequence[float], baseline_ns: float = 0.0) -> dict[str, float]:
    """p50, p99 and p99.9 above *baseline_ns*, and how many values there were."""
    found = {key: percentile(in_order, part) - baseline_ns for key, part in TAILS.items()}
    return {**found, "samples": len(in_order)}


def curve(in_order: Sequence[float], baseline_ns: float = 0.0) -> list[float]:
    """The values at PARTS above *baseline_ns*."""
    return [percentile(in_order, part) - baseline_ns for part in PARTS]

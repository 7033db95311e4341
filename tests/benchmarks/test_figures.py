"""From repetitions to figures: percentiles, spreads, ratios, slopes and verdicts."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from figures import (
    Figure,
    Spread,
    Target,
    number,
    ranged,
    ratio_by,
    ratio_of,
    slope,
    spread,
    spread_of,
    summary,
    verdict,
    wanted,
)
from timing import PARTS, curve, paced, percentile, tails, timed, together

RUNS = {
    "mplog": [{"p50_ns": 100.0}, {"p50_ns": 200.0}, {"p50_ns": 100.0}],
    "queue": [{"p50_ns": 2_000.0}, {"p50_ns": 2_000.0}, {"p50_ns": 3_000.0}],
    "absent": [],
}
ONE = Spread(1.0, 1.0, 1.0)


def judged(**given: object) -> str:
    """The verdict on a figure as it would stand in JSON."""
    return verdict(asdict(Figure("name", "title", **given)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("part", "expected"), [(0.0, 0), (0.5, 500), (0.99, 990), (0.999, 999), (1.0, 999)]
)
def test_a_percentile_is_the_value_below_which_that_part_lies(part: float, expected: int) -> None:
    """Of 0 to 999, p50 is 500, and no part reaches past the last."""
    assert expected == percentile(range(1_000), part)


def test_a_percentile_of_nothing_is_refused() -> None:
    """An empty measurement is an error that says so, never a figure."""
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_tails_are_net_of_the_baseline() -> None:
    """What an empty call takes is taken off each of them, and the samples are told."""
    values = [float(ns) for ns in range(1_000)]

    assert {"p50_ns": 400, "p99_ns": 890, "p999_ns": 899, "samples": 1_000} == tails(values, 100)
    assert [percentile(values, part) - 100 for part in PARTS] == curve(values, 100)


@pytest.mark.parametrize("measure", [timed, lambda call, count: paced(call, count, 0.0)])
def test_every_call_is_made_once_and_the_durations_come_sorted(measure) -> None:
    """Flat out and paced alike."""
    seen: list[int] = []

    took_ns = measure(seen.append, 50)

    assert list(range(50)) == seen
    assert 50 == len(took_ns)
    assert sorted(took_ns) == took_ns


def test_calls_timed_together_are_each_made_once() -> None:
    """The loop of the short calls makes as many as it divides by."""
    seen: list[int] = []

    together(seen.append, 50)

    assert list(range(50)) == seen


def test_a_ratio_is_taken_within_each_repetition() -> None:
    """20, 10 and 30 times: the median is 20, where the ratio of the medians would be 20 by luck."""
    assert Spread(20.0, 10.0, 30.0) == ratio_of(RUNS, "queue", "mplog", "p50_ns")


def test_a_ratio_to_what_was_not_measured_is_none() -> None:
    """A missing peer gives no figure, and no error."""
    assert ratio_of(RUNS, "absent", "mplog", "p50_ns") is None
    assert ratio_of(RUNS, "unknown", "mplog", "p50_ns") is None


def test_a_denominator_under_the_noise_leaves_the_repetition_out() -> None:
    """A net cost of zero or less cannot be divided by."""
    pairs = iter([(4.0, 0.0), (4.0, -1.0), (4.0, 2.0)])

    assert Spread(2.0, 2.0, 2.0) == ratio_by(RUNS, lambda _: next(pairs), ["mplog"])
    assert ratio_by(RUNS, lambda _: (1.0, 0.0), ["mplog"]) is None


def test_a_spread_is_the_median_between_the_extremes() -> None:
    """Also of one figure over the repetitions of a cell."""
    assert Spread(2.0, 1.0, 9.0) == spread([9.0, 1.0, 2.0])
    assert Spread(100.0, 100.0, 200.0) == spread_of(RUNS, "mplog", "p50_ns")
    assert spread_of(RUNS, "mplog", "p99_ns") is None


def test_a_slope_is_that_of_the_line_through_the_points() -> None:
    """A field costs what each further one adds, whatever the call costs without."""
    assert pytest.approx(25.0) == slope([(x, 300 + 25 * x) for x in (0, 1, 4, 16)])


def test_repetitions_become_one_row() -> None:
    """Figures as spreads, curves by their medians, faults by the worst; what is private goes."""
    rows = [
        {"lost": lost, "p50_ns": ns, "curve_ns": [ns, 2 * ns], "_spin_ms": 1.0}
        for lost, ns in ((0, 10.0), (3, 20.0), (0, 60.0))
    ]

    assert {
        "lost": 3,
        "p50_ns": {"median": 20.0, "low": 10.0, "high": 60.0},
        "curve_ns": [20.0, 40.0],
    } == summary(rows)


@pytest.mark.parametrize(
    ("ratio", "target", "expected"),
    [
        (25.0, Target(at_least=25), "met"),
        (24.9, Target(at_least=25), "not met"),
        (1.15, Target(at_most=1.15), "met"),
        (1.16, Target(at_most=1.15), "not met"),
        (1.0, None, "shown"),
    ],
)
def test_a_verdict_holds_the_ratio_to_its_target(ratio, target, expected) -> None:
    """The limit itself is met."""
    assert expected == judged(ratio=Spread(ratio, 0.0, 99.0), target=target)


def test_a_target_of_the_value_is_not_judged_by_the_ratio() -> None:
    """And one of the ratio not by the value: a missing peer can never let a promise be met."""
    many = Spread(1e6, 1e6, 1e6)

    assert "met" == judged(value=ONE, ratio=many, target=Target(at_most=1, of="value"))
    assert "not measured" == judged(value=many, target=Target(at_least=25))
    assert "not measured" == judged(ratio=many, target=Target(at_least=25, of="value"))
    assert "not measured" == judged()


def test_a_value_of_zero_is_a_figure() -> None:
    """No line lost is met, not missing."""
    none = Spread(0.0, 0.0, 0.0)

    assert "met" == judged(value=none, target=Target(at_most=0, of="value"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, "0"), (0.0336, "0.0336"), (9.876, "9.88"), (99.96, "100"), (1_234_567.8, "1,234,568")],
)
def test_numbers_have_three_figures_and_thousands_apart(value: float, expected: str) -> None:
    """As people read them."""
    assert expected == number(value)


def test_a_range_is_told_where_there_is_one() -> None:
    """The extremes stand behind the median; many nanoseconds are microseconds."""
    assert "2×" == ranged({"low": 2.0, "median": 2.0, "high": 2.0}, "×")
    assert "2× (1–4)" == ranged({"low": 1.0, "median": 2.0, "high": 4.0}, "×")
    assert "20 µs (9–31)" == ranged({"low": 9e3, "median": 20e3, "high": 31e3}, " ns")


def test_a_target_is_told_in_words() -> None:
    """Whichever side it has."""
    assert "at least 25" == wanted(asdict(Target(at_least=25)))
    assert "at most 1.15" == wanted(asdict(Target(at_most=1.15)))

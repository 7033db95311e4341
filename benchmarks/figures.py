"""From repeated measurements to figures: spreads, ratios within one repetition, verdicts. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

Row = dict[str, Any]
Runs = Mapping[str, Sequence[Row]]  # by cell, the rows of its repetitions, in order
FAULTS = ("lost", "doubled", "broken", "faults")
MANY_NS = 10_000  # more than that is told in µs
PRIVATE = "_"  # keys that begin so are about the run, not figures


@dataclass(frozen=True)
class Spread:
    """The median of the repetitions, and how far they lay apart."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Target:
    """What a figure must reach: its ratio, unless its value is what was promised."""

    at_least: float | None = None
    at_most: float | None = None
    of: str = "ratio"


@dataclass(frozen=True)
class Figure:
    """One number: its ratio against something in the same run, its absolute value, its target.

    `value` or `ratio` is None where it could not be measured, and `note` then says why.
    """

    name: str
    title: str
    value: Spread | None = None
    unit: str = ""
    ratio: Spread | None = None
    against: str = ""
    target: Target | None = None
    note: str = ""


def spread(values: Sequence[float]) -> Spread:
    """The median and the extremes of *values*."""
    return Spread(statistics.median(values), min(values), max(values))


def spread_of(runs: Runs, cell: str, key: str) -> Spread | None:
    """How *key* came out in the repetitions of *cell*; None where it was not measured."""
    values = [row[key] for row in runs.get(cell, ()) if row.get(key) is not None]
    return spread(values) if values else None


def ratio_of(runs: Runs, over: str, under: str, key: str) -> Spread | None:
    """*key* of the cell *over* divided by that of *under*, repetition by repetition."""
    return ratio_by(runs, lambda turn: (turn[over][key], turn[under][key]), (over, under))


def ratio_by(
    runs: Runs, pick: Callable[[dict[str, Row]], tuple[float, float]], needed: Collection[str]
) -> Spread | None:
    """A ratio that *pick* reads from each repetition's rows; None where a *needed* cell is missing.

    A denominator of zero or less (a cost under the noise) leaves that repetition out.
    """
    if any(not runs.get(cell) for cell in needed):
        return None
    found = []
    for turn in range(min(len(runs[cell]) for cell in needed)):
        rows = {cell: several[turn] for cell, several in runs.items() if turn < len(several)}
        over, under = pick(rows)
        if under > 0:
            found.append(over / under)
    return spread(found) if found else None


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The rise of y an x, by least squares."""
    mean_x = statistics.fmean(x for x, _ in points)
    mean_y = statistics.fmean(y for _, y in points)
    across = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / across


def summary(rows: Sequence[Row]) -> Row:
    """One row from several: spreads of figures, medians of curves, the worst of each fault."""
    found: Row = {}
    for key, first in rows[0].items():
        if key.startswith(PRIVATE):
            continue
        values = [row[key] for row in rows]
        if isinstance(first, list):
            found[key] = [statistics.median(point) for point in zip(*values, strict=True)]
        elif key in FAULTS:
            found[key] = max(values)
        elif isinstance(first, (int, float)):
            found[key] = asdict(spread(values))
    return found


def verdict(figure: Row) -> str:
    """What became of a figure, as it stands in JSON.

    Returns:
        `met`, `not met`, `not measured`, or `shown` where there is no target.
    """
    target = figure.get("target")
    if target is None:
        return "shown" if figure.get("value") or figure.get("ratio") else "not measured"
    judged = figure.get(target["of"])
    if judged is None:
        return "not measured"
    at_least, at_most = target.get("at_least"), target.get("at_most")
    high_enough = at_least is None or judged["median"] >= at_least
    low_enough = at_most is None or judged["median"] <= at_most
    return "met" if high_enough and low_enough else "not met"


def number(value: float) -> str:
    """A figure as people read it: three significant digits, thousands apart."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def ranged(found: Row, unit: str = "") -> str:
    """A spread as people read it: the median, and the extremes where they say more."""
    scale = 1.0
    if unit == " ns" and found["median"] >= MANY_NS:
        scale, unit = 1_000.0, " µs"
    low, middle, high = (number(found[key] / scale) for key in ("low", "median", "high"))
    return f"{middle}{unit}" if low == high else f"{middle}{unit} ({low}–{high})"


def wanted(target: Row) -> str:
    """A target in words."""
    if target.get("at_least") is not None:
        return f"at least {number(target['at_least'])}"
    return f"at most {number(target['at_most'])}"

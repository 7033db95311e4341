"""Which workload has become dearer, by how much, and which function it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from instructions.terms import LACKS, UNFIT

LIMIT = 0.03
NAMED = 5  # functions shown of a workload that fails
COLUMNS = "{:<14} {:>10} {:>10} {:>7}  {}"

Functions = Mapping[str, float]  # instructions a call, by function


class Outcome(NamedTuple):
    """What one tree has made of a workload: its functions, or why there are none and with what
    status its program has ended.
    """

    functions: Functions | None
    why: str = ""
    status: int = 0

    @property
    def instructions(self) -> float:
        """Instructions a call."""
        return sum((self.functions or {}).values())


class Row(NamedTuple):
    """One workload in both trees."""

    workload: str
    base: Outcome
    change: Outcome
    verdict: str
    failed: bool

    @property
    def ratio(self) -> float | None:
        """The change's instructions over the base's."""
        if self.base.functions is None or self.change.functions is None:
            return None
        return self.change.instructions / self.base.instructions


def judge(workload: str, base: Outcome, change: Outcome, limit: float = LIMIT) -> Row:
    """A workload's row.

    That the base is not made for a workload fails nothing. That the change is not, does, but for a
    name that neither has.
    """
    absent = base.functions is None and base.status in (LACKS, UNFIT)
    if change.functions is None:
        failed = not (absent and change.status == LACKS)
        verdict = f"FAILED: {change.why}" if failed else f"in neither: {change.why}"
        return Row(workload, base, change, verdict, failed)
    if base.functions is None:
        verdict = f"not in the base: {base.why}" if absent else f"FAILED in the base: {base.why}"
        return Row(workload, base, change, verdict, not absent)
    more = change.instructions - base.instructions
    if more <= limit * base.instructions:
        return Row(workload, base, change, "ok", False)
    name = grown(base.functions, change.functions)[0][0]
    return Row(workload, base, change, f"FAILED: over {limit:.1%} up, most in {name}", True)


def grown(base: Functions, change: Functions) -> list[tuple[str, float, float]]:
    """The functions that cost more than in the base, the most grown first: name, before, after."""
    both = [(n, base.get(n, 0.0), change.get(n, 0.0)) for n in base.keys() | change.keys()]
    more = [one for one in both if one[2] > one[1]]
    return sorted(more, key=lambda one: (one[1] - one[2], one[0]))


def table(rows: Sequence[Row]) -> str:
    """All rows, and under them what has grown in those that fail by it."""
    lines = [COLUMNS.format("workload", "base", "change", "ratio", "verdict")]
    for row in rows:
        figures = [
            "-" if one.functions is None else f"{one.instructions:,.0f}"
            for one in (row.base, row.change)
        ]
        ratio = "-" if row.ratio is None else f"{row.ratio:.3f}"
        lines.append(COLUMNS.format(row.workload, *figures, ratio, row.verdict))
    for row in rows:
        if row.failed and row.base.functions is not None and row.change.functions is not None:
            lines += ["", f"{row.workload}: what has grown, instructions a call"]
            lines += [
                f"  {before:>10,.1f} → {after:>10,.1f}  {after - before:>+10,.1f}  {name}"
                for name, before, after in grown(row.base.functions, row.change.functions)[:NAMED]
            ]
    return "\n".join(lines)


def costliest(functions: Functions, number: int) -> str:
    """The *number* functions that cost most, a line each."""
    ordered = sorted(functions.items(), key=lambda one: (-one[1], one[0]))
    return "\n".join(f"  {cost:>10,.1f}  {name}" for name, cost in ordered[:number])

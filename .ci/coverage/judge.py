"""Judges what `measure` has found: the floors, and that each place not passed has its reason.

    python judge.py OUT [--page | --draft]

OUT/python.json is coverage.py's report, OUT/native.json that of native.py. `explained.txt` beside
this file has the floors and the reasons. A place is a line that no test has passed, or a branch of
a line that was passed; it goes by its file, its function and what stands on its line, so that an
edit above moves nothing and an edit of the line asks for its reason again.
Exits 1 when a figure is below its floor or a line has more places than are explained.
--page prints docs/reference/coverage.md instead, --draft what has no reason yet, as
`explained.txt` wants it.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PARTS = ("python lines", "python branches", "core lines", "core branches")

Place = tuple[str, str, str]  # file, function in it, what stands on the line
Found = Iterator[tuple[str, int]]  # a function, and the number of a line or of a branch's line


@cache
def lines_of(file: str) -> list[str]:
    """The lines of *file* below ROOT."""
    return (ROOT / file).read_text().splitlines()


@dataclass
class Figures:
    """How much of what there is was passed, and what was not: how many places of each line."""

    passed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PARTS, 0))
    there: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PARTS, 0))
    open: Counter[Place] = field(default_factory=Counter)

    def count(self, part: str, passed: int, there: int) -> None:
        """Adds to one of PARTS."""
        self.passed[part] += passed
        self.there[part] += there

    def miss(self, file: str, found: Found) -> None:
        """Adds each place of *found* that was not passed."""
        for function, line in found:
            self.open[file, function, lines_of(file)[line - 1].strip()] += 1

    def percent(self, part: str) -> float:
        """Of one of PARTS; the share of nothing is all of it."""
        return 100.0 * self.passed[part] / self.there[part] if self.there[part] else 100.0


@dataclass
class Explained:
    """The floors, and the reasons: each with its lines, and how many places one may have."""

    floors: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, Counter[Place]] = field(default_factory=dict)

    def allowed(self, place: Place) -> int:
        """How many places of this line are explained."""
        return sum(places[place] for places in self.reasons.values())


def of_python(report: dict[str, Any], figures: Figures) -> None:
    """Adds what coverage.py has counted."""
    for file, found in report["files"].items():
        total = found["summary"]
        figures.count("python lines", total["covered_lines"], total["num_statements"])
        figures.count("python branches", total["covered_branches"], total["num_branches"])
        figures.miss(file, missed_in_python(found["functions"]))


def missed_in_python(functions: dict[str, Any]) -> Found:
    """The missing lines, and for each missing branch of a line that was passed that line."""
    for name, part in functions.items():
        missing = set(part["missing_lines"])
        branches = [line for line, _ in part["missing_branches"] if line not in missing]
        yield from ((name or "(module)", line) for line in sorted(missing) + branches)


def of_core(report: dict[str, Any], figures: Figures) -> None:
    """Adds what gcov has counted."""
    for file, functions in report.items():
        for counted in functions.values():
            lines, branches = counted["lines"], counted["branches"]
            figures.count("core lines", sum(n > 0 for n in lines.values()), len(lines))
            figures.count("core branches", sum(n > 0 for n in branches.values()), len(branches))
        figures.miss(file, missed_in_core(functions))


def missed_in_core(functions: dict[str, Any]) -> Found:
    """As of Python; gcov names a branch by its line and its place in it."""
    for name, counted in functions.items():
        missing = [line for line, n in counted["lines"].items() if not n]
        branches = [at.split(".")[0] for at, n in counted["branches"].items() if not n]
        for line in missing + [line for line in branches if line not in missing]:
            yield name or "(file)", int(line)


def read_explained(text: str) -> Explained:
    """Floors as `floor PART PERCENT`, reasons as `= TEXT`, functions as `FILE FUNCTION`, and under
    each its lines as `PLACES | LINE`.
    """
    explained, reason, function = Explained(), "", ("", "")
    for line in filter(None, text.splitlines()):
        if line.startswith("  "):
            places, _, code = line.partition(" | ")
            explained.reasons[reason][(*function, code)] += int(places)
        elif line.startswith("= "):
            reason = line.removeprefix("= ")
            explained.reasons[reason] = Counter()
        elif line.startswith("floor "):
            *part, percent = line.removeprefix("floor ").split()
            explained.floors[" ".join(part)] = float(percent)
        elif not line.startswith("#"):
            file, name = line.split()
            function = file, name
    return explained


def unexplained(figures: Figures, explained: Explained) -> Counter[Place]:
    """How many places of each line have no reason."""
    return Counter(
        {place: n - explained.allowed(place) for place, n in sorted(figures.open.items())}
    ) & Counter(figures.open)


def verdict(figures: Figures, explained: Explained) -> list[str]:
    """What is wrong, a line each."""
    wrong = [
        f"{part}: {figures.percent(part):.1f} %, below the floor of {floor:g} %"
        for part, floor in explained.floors.items()
        if figures.percent(part) < floor
    ]
    return wrong + [
        f"{file} {name}: {places} of `{code}` not passed and not explained"
        for (file, name, code), places in unexplained(figures, explained).items()
    ]


def draft(places: Counter[Place]) -> list[str]:
    """*places* as `explained.txt` has them."""
    told: list[str] = []
    function = ("", "")
    for (file, name, code), n in sorted(places.items()):
        if function != (file, name):
            told.append(f"{file} {name}")
            function = file, name
        told.append(f"  {n} | {code}")
    return told


def table(figures: Figures, floors: dict[str, float]) -> list[str]:
    """The figures, as Markdown."""
    rows = [
        f"| {part} | {figures.passed[part]:,} | {figures.there[part]:,}"
        f" | {figures.percent(part):.1f} | {floors.get(part, 0):g} |"
        for part in PARTS
    ]
    return ["| what | passed | of | % | floor |", "|---|---|---|---|---|", *rows]


def page(figures: Figures, explained: Explained) -> str:
    """docs/reference/coverage.md: what stands in page.md, the figures, and the reasons."""
    told = ["", "## The figures", "", *table(figures, explained.floors), ""]
    told += ["## What is not passed, and why", ""]
    for reason, places in explained.reasons.items():
        told += [f"### {reason}", "", "```text", *draft(places), "```", ""]
    return (HERE / "page.md").read_text() + "\n".join(told)


def main(out: Path, form: str) -> int:
    """Prints the verdict, or what *form* asks for; 1 when something is wrong."""
    figures = Figures()
    of_python(json.loads((out / "python.json").read_text()), figures)
    of_core(json.loads((out / "native.json").read_text()), figures)
    explained = read_explained((HERE / "explained.txt").read_text())
    if form == "--page":
        print(page(figures, explained), end="")
        return 0
    if form == "--draft":
        print("\n".join(draft(unexplained(figures, explained))))
        return 0
    wrong = verdict(figures, explained)
    print("\n".join([*table(figures, explained.floors), *wrong]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), "".join(sys.argv[2:3])))

"""Judges what `measure` has found: the floors, and that each place not passed has its reason.

    python judge.py OUT [--page]

OUT/python.json is coverage.py's report, OUT/native.json that of native.py. `explained.txt` beside
this file has the floors and the reasons. A place is a line that no test has passed, or a branch of
a line that was passed; they are counted by function, so that an edit above moves nothing.
Exits 1 when a figure is below its floor or a function has more places than are explained.
--page prints docs/reference/coverage.md instead.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PARTS = ("python lines", "python branches", "core lines", "core branches")

Function = tuple[str, str]  # file, name in it


@dataclass
class Figures:
    """How much of what there is was passed, and by function what was not."""

    passed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PARTS, 0))
    there: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PARTS, 0))
    open: dict[Function, list[str]] = field(default_factory=dict)

    def count(self, part: str, passed: int, there: int) -> None:
        """Adds to one of PARTS."""
        self.passed[part] += passed
        self.there[part] += there

    def percent(self, part: str) -> float:
        """Of one of PARTS; the share of nothing is all of it."""
        return 100.0 * self.passed[part] / self.there[part] if self.there[part] else 100.0


@dataclass
class Explained:
    """The floors, and the reasons: each with its functions, and how many places one may have."""

    floors: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, dict[Function, int]] = field(default_factory=dict)

    def allowed(self, function: Function) -> int:
        """How many places of *function* are explained."""
        return sum(places.get(function, 0) for places in self.reasons.values())


def of_python(report: dict[str, Any], figures: Figures) -> None:
    """Adds what coverage.py has counted."""
    for file, found in report["files"].items():
        total = found["summary"]
        lines, branches = total["num_statements"], total["num_branches"]
        figures.count("python lines", total["covered_lines"], lines)
        figures.count("python branches", total["covered_branches"], branches)
        for name, part in found["functions"].items():
            missing = set(part["missing_lines"])
            places = [str(line) for line in sorted(missing)]
            places += [f"{a}->{b}" for a, b in part["missing_branches"] if a not in missing]
            if places:
                figures.open[file, name or "(module)"] = places


def of_core(report: dict[str, Any], figures: Figures) -> None:
    """Adds what gcov has counted."""
    for file, functions in report.items():
        for name, counted in functions.items():
            lines, branches = counted["lines"], counted["branches"]
            figures.count("core lines", sum(n > 0 for n in lines.values()), len(lines))
            figures.count("core branches", sum(n > 0 for n in branches.values()), len(branches))
            missing = {line for line, n in lines.items() if not n}
            places = sorted(missing, key=int)
            places += [
                at for at, n in branches.items() if not n and at.split(".")[0] not in missing
            ]
            if places:
                figures.open[file, name or "(file)"] = places


def read_explained(text: str) -> Explained:
    """Floors as `floor PART PERCENT`, reasons as `= TEXT`, under each `FILE FUNCTION PLACES`."""
    explained, reason = Explained(), ""
    for line in filter(None, text.splitlines()):
        words = line.split()
        if line.startswith("="):
            reason = line.removeprefix("=").strip()
            explained.reasons[reason] = {}
        elif words[0] == "floor":
            explained.floors[" ".join(words[1:-1])] = float(words[-1])
        elif words[0] != "#":
            file, function, places = words
            explained.reasons[reason][file, function] = int(places)
    return explained


def verdict(figures: Figures, explained: Explained) -> list[str]:
    """What is wrong, a line each."""
    wrong = [
        f"{part}: {figures.percent(part):.1f} %, below the floor of {floor:g} %"
        for part, floor in explained.floors.items()
        if figures.percent(part) < floor
    ]
    for function, places in sorted(figures.open.items()):
        allowed = explained.allowed(function)
        if len(places) > allowed:
            wrong.append(
                f"{function[0]} {function[1]}: {len(places)} places are not passed,"
                f" {allowed} of them explained: {' '.join(places)}"
            )
    return wrong


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
    for reason, functions in explained.reasons.items():
        told += [f"### {reason}", "", "| file | function: places |", "|---|---|"]
        files: dict[str, list[str]] = {}
        for (file, name), places in functions.items():
            files.setdefault(file, []).append(f"`{name}`: {places}")
        told += [f"| {file} | {', '.join(names)} |" for file, names in files.items()] + [""]
    return (HERE / "page.md").read_text() + "\n".join(told)


def main(out: Path, as_page: bool) -> int:
    """Prints the verdict, or the page; 1 when something is wrong."""
    figures = Figures()
    of_python(json.loads((out / "python.json").read_text()), figures)
    of_core(json.loads((out / "native.json").read_text()), figures)
    explained = read_explained((HERE / "explained.txt").read_text())
    if as_page:
        print(page(figures, explained), end="")
        return 0
    wrong = verdict(figures, explained)
    print("\n".join([*table(figures, explained.floors), *wrong]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), "--page" in sys.argv))

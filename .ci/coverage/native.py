"""What gcov has counted in native/core, as JSON: file → function → lines and branches with counts.

    python native.py TREE

The core is built twice, into the extension and into the C programs, from the same sources with the
same options: a line or branch counts as passed where either has passed it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CORE = "native/core/"
LEFT_OUT = "native/core/fault."  # the tests' own points of failure: nothing in other builds

Counts = dict[str, dict[str, dict[str, dict[str, int]]]]


def reports(tree: Path) -> Iterator[dict[str, Any]]:
    """One of gcov's reports for each object that has counts."""
    for counts in sorted(tree.rglob("*.gcda")):
        if not counts.stat().st_size or not counts.with_suffix(".gcno").exists():
            continue
        command = ["gcov", "--json-format", "--branch-probabilities", "--stdout", str(counts)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tree)
        for line in filter(None, done.stdout.splitlines()):
            yield json.loads(line)


def merge(tree: Path) -> Counts:
    """The counts of all objects together, by file below *tree* and by function."""
    found: Counts = {}
    for report in reports(tree):
        for file in report["files"]:
            path = Path(report["current_working_directory"], file["file"]).resolve()
            name = str(path.relative_to(tree)) if path.is_relative_to(tree) else ""
            if name.startswith(CORE) and not name.startswith(LEFT_OUT):
                for line in file["lines"]:
                    add(found.setdefault(name, {}), line)
    return found


def add(functions: dict[str, dict[str, dict[str, int]]], line: dict[str, Any]) -> None:
    """Adds the counts of one *line*; a branch has its line and its place in it for a name."""
    function = functions.setdefault(line.get("function_name", ""), {"lines": {}, "branches": {}})
    number = str(line["line_number"])
    function["lines"][number] = function["lines"].get(number, 0) + line["count"]
    for place, branch in enumerate(line["branches"]):
        name = f"{number}.{place}"
        function["branches"][name] = function["branches"].get(name, 0) + branch["count"]


if __name__ == "__main__":
    json.dump(merge(Path(sys.argv[1]).resolve()), sys.stdout)

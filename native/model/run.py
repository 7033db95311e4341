"""Check every model with Spin: the true one passes a search of all its states, each mutant fails.

    run.py [--jobs N] [MODEL ...]

A model is a `.pml` beside this file. Its first comment lists its mutants, one a line
(`* MUTANT_name   what is wrong with it`); each is compiled in by a macro of that name.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
MAX_DEPTH = 1_000_000
MAX_MEMORY_MB = 4_000
LIMIT_S = 600.0
SHORT = 2
_LISTED = re.compile(r"^ \* (MUTANT_\w+) {2,}\S", re.MULTILINE)
_NAMED = re.compile(r"\bMUTANT_\w+")


class Verdict(NamedTuple):
    """What one search has shown.

    Attributes:
        passed: every state was searched and nothing is wrong in any.
        failed: Spin has found a wrong one; neither means that the search shows nothing.
    """

    passed: bool
    failed: bool
    why: str
    states: int


class Result(NamedTuple):
    """One variant of a model, and what became of it; `mutant` is empty for the true one."""

    model: str
    mutant: str
    verdict: Verdict
    took_s: float

    @property
    def good(self) -> bool:
        """Whether it did what it should."""
        return self.verdict.failed if self.mutant else self.verdict.passed


def mutants(source: str) -> list[str]:
    """The macros of a model's mutants, as its first comment lists them.

    Raises:
        ValueError: the list and the code do not name the same ones.
    """
    listed = _LISTED.findall(source.partition("*/")[0])
    used = set(_NAMED.findall(source.partition("*/")[2]))
    if len(set(listed)) != len(listed) or set(listed) != used:
        raise ValueError(f"listed and used differ: {sorted(set(listed) ^ used) or 'one twice'}")
    return listed


def unreached(output: str) -> list[str]:
    """Assertions that no state has come to, but for those that say that nothing comes there."""
    section = output.partition("unreached in")[2]
    lines = [line.strip() for line in section.splitlines()]
    return [line for line in lines if '"assert(' in line and '"assert(0)"' not in line]


def verdict(output: str) -> Verdict:
    """What the output of a verifier says."""
    found = re.search(r"(\d+) states, stored", output)
    errors = re.search(r"errors: (\d+)", output)
    wrong = re.search(r"^pan:\d+: (.*?) \(at depth", output, re.MULTILINE)
    states = int(found[1]) if found else 0
    if errors and int(errors[1]) and wrong:
        # An index out of bounds is a mistake of the model's, whatever the mutant.
        broken = "invalid array index" in wrong[1]
        return Verdict(False, not broken, wrong[1], states)
    why = ""
    if not errors or int(errors[1]) or not states or wrong:
        why = f"no search: {output.strip()[-300:]}"
    elif "Search not completed" in output or "max search depth too small" in output:
        why = "the search was cut short"
    elif unreached(output):
        why = f"never reached: {unreached(output)[0]}"
    return Verdict(not why, False, why or "every state is right", states)


def _run(command: list[str], folder: str) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    return done.stdout + done.stderr


def check(model: Path, mutant: str) -> Result:
    """Search one variant; never raises for what it finds."""
    began = time.monotonic()
    # A mutant is found out within few states, fewer in this order: to compile it well would take
    # longer than its search.
    effort = ["-O0", "-DT_REVERSE"] if mutant else ["-O2"]
    compiler = ["gcc", *effort, "-w", "-DSAFETY", f"-DMEMLIM={MAX_MEMORY_MB}"]
    said = ""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(model, folder)
        try:
            said += _run(["spin", *([f"-D{mutant}"] if mutant else []), "-a", model.name], folder)
            said += _run([*compiler, "-o", "pan", "pan.c"], folder)
            shown = verdict(_run(["./pan", f"-m{MAX_DEPTH}"], folder))
        except FileNotFoundError as missing:
            shown = Verdict(False, False, f"{missing}: {said.strip()[:300]}", 0)
        except subprocess.TimeoutExpired:
            shown = Verdict(False, False, f"not searched in {LIMIT_S:.0f} s", 0)
    return Result(model.stem, mutant, shown, time.monotonic() - began)


def rows(results: Iterator[Result]) -> Iterator[tuple[Result, str]]:
    """A line of the table for each result, as they come."""
    for result in results:
        name = f"{result.model}: {result.mutant.removeprefix('MUTANT_') or 'the true one'}"
        found = result.verdict
        word = "passed" if found.passed else "failed" if found.failed else "BROKEN"
        mark = "" if result.good else "  <-- WRONG"
        figures = f"{name:<42} {found.states:>10,} states {result.took_s:>6.1f} s"
        yield result, f"{figures}  {word}: {found.why}{mark}"


def main(arguments: list[str]) -> int:
    """Print the table; 1 when anything did not do what it should."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--short", action="store_true", help="only the first mutants of each")
    parser.add_argument("models", nargs="*", help="names without .pml; all of them if none")
    chosen = parser.parse_args(arguments)
    models = [HERE / f"{name}.pml" for name in chosen.models] or sorted(HERE.glob("*.pml"))
    most = SHORT if chosen.short else None
    variants = [
        (model, mutant)
        for model in models
        for mutant in ["", *mutants(model.read_text(encoding="utf-8"))[:most]]
    ]
    began, wrong = time.monotonic(), 0
    with ThreadPoolExecutor(chosen.jobs) as pool:
        for result, line in rows(pool.map(lambda variant: check(*variant), variants)):
            wrong += not result.good
            print(line, flush=True)
    true = sum(not mutant for _, mutant in variants)
    took_s = time.monotonic() - began
    print(f"{true} models, {len(variants) - true} mutants, {wrong} wrong, {took_s:.0f} s")
    return 1 if wrong or not true else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

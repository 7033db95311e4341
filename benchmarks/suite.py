"""What all benchmarks share: each cell in a fresh interpreter, repetitions interleaved, medians,
figures with their targets on the terminal, and one JSON file.

A benchmark names its cells, measures one of them, and makes figures from all repetitions. Run by
hand, a script measures every cell; `--cell` is how it starts itself for one.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import machine
from figures import Figure, Row, Runs, ranged, spread, summary, verdict, wanted
from place import private_place

SCRATCH = Path(__file__).parent / "results" / "performance"
CELL_TIMEOUT_S = 600
PYTHON = ".".join(platform.python_version_tuple()[:2])


@dataclass(frozen=True)
class Plan:
    """How much is measured: in full, or quickly to see that all works."""

    quick: bool = False
    repeat: int | None = None
    directory: str | None = None
    only: tuple[str, ...] = ()

    def pick(self, full: int, quick: int) -> int:
        """*full*, or *quick* in a quick run."""
        return quick if self.quick else full


class Benchmark:
    """One script; `name` is its file's."""

    name = ""
    title = ""
    method = ""
    repeat = 5

    def cells(self, plan: Plan) -> list[str]:
        """What is measured, in the order of each repetition."""
        raise NotImplementedError

    def label(self, cell: str) -> str:
        """How *cell* is called where people read it."""
        return cell

    def missing(self, cell: str) -> str:
        """Why *cell* cannot be measured here; empty when it can."""
        return ""

    def measure(self, cell: str, plan: Plan, logs: Path) -> Row:
        """One repetition of *cell*, in an interpreter of its own; logs go below *logs*."""
        raise NotImplementedError

    def figures(self, runs: Runs) -> list[Figure]:
        """The numbers that may be quoted."""
        raise NotImplementedError

    def axes(self, plan: Plan) -> dict[str, list[float]]:
        """The x of every curve that rows hold, by the name of the curve."""
        return {}


def measured(benchmark: Benchmark, plan: Plan) -> tuple[Runs, dict[str, str]]:
    """The rows of every cell, and why some have none."""
    cells = [cell for cell in benchmark.cells(plan) if not plan.only or cell in plan.only]
    missing = {cell: why for cell in cells if (why := benchmark.missing(cell))}
    runs: dict[str, list[Row]] = {cell: [] for cell in cells if cell not in missing}
    repeat = plan.repeat or (1 if plan.quick else benchmark.repeat)
    for turn in range(repeat):
        for cell in runs:
            print(f"{benchmark.name} {turn + 1}/{repeat} {cell} …", file=sys.stderr, flush=True)
            runs[cell].append(_in_fresh_interpreter(benchmark, cell, plan))
    return runs, missing


def _in_fresh_interpreter(benchmark: Benchmark, cell: str, plan: Plan) -> Row:
    script = Path(sys.modules[type(benchmark).__module__].__file__ or "")
    command = [sys.executable, str(script), "--cell", cell]
    command += ["--quick"] if plan.quick else []
    command += ["--dir", plan.directory] if plan.directory else []
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=CELL_TIMEOUT_S)
    if done.returncode != 0:
        raise SystemExit(f"{benchmark.name}, {cell}: ended with {done.returncode}")
    row: Row = json.loads(done.stdout.splitlines()[-1])
    return row


def one_cell(benchmark: Benchmark, cell: str, plan: Plan) -> Row:
    """The body of a fresh interpreter."""
    spin_ms = min(machine.spin_ms() for _ in range(3))
    with private_place(plan.directory) as (logs, _memory):
        row = benchmark.measure(cell, plan, logs)
    return {**row, "_spin_ms": spin_ms}


def run(benchmark: Benchmark, plan: Plan) -> dict[str, Any]:
    """Measure everything: what is written as JSON."""
    load, start_s = machine.load(), time.monotonic()
    runs, missing = measured(benchmark, plan)
    spins = [row["_spin_ms"] for rows in runs.values() for row in rows]
    return {
        "name": benchmark.name,
        "title": benchmark.title,
        "method": benchmark.method,
        "python": PYTHON,
        "quick": plan.quick,
        "repetitions": max((len(rows) for rows in runs.values()), default=0),
        "seconds": round(time.monotonic() - start_s, 1),
        "machine": machine.machine(),
        "versions": machine.versions(),
        "logs_on": machine.file_system(plan.directory or tempfile.gettempdir()),
        "noise": {"load": round(load, 2), "spin_ms": asdict(spread(spins)) if spins else None},
        "missing": {benchmark.label(cell): why for cell, why in missing.items()},
        "axes": benchmark.axes(plan),
        "cells": {
            cell: {"label": benchmark.label(cell), **summary(rows)} for cell, rows in runs.items()
        },
        "figures": [asdict(figure) for figure in benchmark.figures(runs)],
    }


def rounded(value: Any) -> Any:
    """*value* with its floats cut to five figures: the rest is noise, and makes files change."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return [rounded(one) for one in value] if isinstance(value, list) else value


def result_name(name: str, python: str = PYTHON) -> str:
    """The file that holds one benchmark's figures on one CPython."""
    return f"{name}-{python}.json"


def save(result: dict[str, Any], directory: Path) -> Path:
    """Write *result* below *directory*; its path."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / result_name(result["name"], result["python"])
    path.write_text(json.dumps(rounded(result), indent=1) + "\n", encoding="utf-8")
    return path


def told(result: dict[str, Any]) -> str:
    """The figures of one benchmark, a line each, for the terminal."""
    lines = [f"{result['title']} (CPython {result['versions']['CPython']})"]
    for figure in result["figures"]:
        words = [f"  {figure['title']}:"]
        words += [ranged(figure["ratio"], "×")] if figure["ratio"] else []
        words += [ranged(figure["value"], f" {figure['unit']}")] if figure["value"] else []
        words += [f"[{wanted(figure['target'])}]"] if figure["target"] else []
        lines.append(" ".join([*words, verdict(figure), figure["note"]]).rstrip())
    lines += [f"  NOT MEASURED: {label}: {why}" for label, why in result["missing"].items()]
    return "\n".join(lines)


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line of every benchmark."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a rehearsal: few events, one turn")
    parser.add_argument("--repeat", type=int, help="how many repetitions")
    parser.add_argument("--dir", help="where the log files go (default: the temporary directory)")
    parser.add_argument("--results", type=Path, default=SCRATCH, help="where the JSON goes")
    parser.add_argument("--only", default="", help="these cells, with commas between")
    parser.add_argument("--cell", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def main(benchmark: Benchmark) -> int:
    """Run one benchmark by hand; 0 also where a target is missed, which is told in words."""
    given = options()
    only = tuple(cell for cell in given.only.split(",") if cell)
    plan = Plan(given.quick, given.repeat, given.dir, only)
    if given.cell:
        print(json.dumps(one_cell(benchmark, given.cell, plan)))
        return 0
    result = run(benchmark, plan)
    print(told(result))
    print(save(result, given.results))
    return 0

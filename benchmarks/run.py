"""Every benchmark, one after the other: JSON, plots, and the page that quotes them.

The names choose some of them. `--publish` puts the results where they are committed, beside those
of other benchmarks and of other CPythons that stand there already, and makes the page anew from all
of them; without it, the same is done in benchmarks/results/, which git does not see.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import page
import plots
from suite import SCRATCH, Benchmark, Plan, run, save, told

PUBLISHED = Path(__file__).resolve().parents[1] / "docs" / "reference" / "performance"
SCRIPTS = {
    "call_latency": "CallLatency",
    "call_paced": "CallPaced",
    "call_disabled": "CallDisabled",
    "call_fields": "CallFields",
    "call_tail": "CallTail",
    "throughput": "Throughput",
    "scaling": "Scaling",
    "burst": "Burst",
    "durable": "Durable",
    "stdlib_handler": "StdlibHandler",
    "accounting": "Accounting",
    "presence": "Presence",
    "shutdown": "Shutdown",
    "beside": "Beside",
    "breaker": "Back",
}


def benchmark(name: str) -> Benchmark:
    """The benchmark of the script *name*."""
    made: Benchmark = getattr(importlib.import_module(name), SCRIPTS[name])()
    return made


def results_in(directory: Path) -> list[dict[str, Any]]:
    """What stands in *directory*, in the order of SCRIPTS; of one benchmark, the oldest CPython
    first.
    """
    found = [json.loads(path.read_text(encoding="utf-8")) for path in directory.glob("*.json")]
    order = list(SCRIPTS)
    return sorted(
        (result for result in found if result["name"] in order),
        key=lambda result: (order.index(result["name"]), int(result["python"].split(".")[1])),
    )


def write_page(directory: Path) -> Path:
    """Make the page of the results in *directory*: beside it, as its links expect."""
    path = directory.with_suffix(".md")
    drawn = [image.name for image in sorted(directory.glob("*.svg"))]
    path.write_text(page.page(results_in(directory), directory.name, drawn), encoding="utf-8")
    return path


def arguments() -> argparse.Namespace:
    """The command line; a name that is no benchmark ends the program."""
    parser = argparse.ArgumentParser(description="all benchmarks, or those that are named")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SCRIPTS))
    parser.add_argument("--quick", action="store_true", help="a rehearsal: few events, one turn")
    parser.add_argument("--repeat", type=int, help="how many repetitions")
    parser.add_argument("--dir", help="where the log files go (default: the temporary directory)")
    parser.add_argument("--publish", action="store_true", help=f"into {PUBLISHED.name}/, and .md")
    parser.add_argument("--results", type=Path, default=SCRATCH, help="where else the results go")
    parser.add_argument("--page", action="store_true", help="measure nothing, make the page anew")
    given = parser.parse_args()
    if unknown := set(given.names) - SCRIPTS.keys():
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(SCRIPTS)}")
    return given


def main() -> int:
    """Measure what was asked for, or everything; 0 also where a target is missed."""
    given = arguments()
    directory = PUBLISHED if given.publish else given.results
    start_s = time.monotonic()
    for name in [] if given.page else given.names or SCRIPTS:
        result = run(benchmark(name), Plan(given.quick, given.repeat, given.dir))
        print(told(result), flush=True)
        save(result, directory)
    if problem := plots.missing():
        print(f"NOT DRAWN: {problem}", file=sys.stderr)
    else:
        plots.draw(results_in(directory), directory)
    print(f"{write_page(directory)}: {time.monotonic() - start_s:.0f} s in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())

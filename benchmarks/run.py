"""Every benchmark, one after the other: JSON, plots and the page that quotes them."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path

from suite import SCRATCH, Benchmark, Plan, run, save, told

SCRIPTS = {"call_latency": "CallLatency", "throughput": "Throughput"}


def benchmark(name: str) -> Benchmark:
    """The benchmark of the script *name*."""
    made: Benchmark = getattr(importlib.import_module(name), SCRIPTS[name])()
    return made


def main() -> int:
    """Measure what was asked for, or everything."""
    parser = argparse.ArgumentParser(description="all benchmarks, or those that are named")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SCRIPTS))
    parser.add_argument("--quick", action="store_true", help="a rehearsal: few events, one turn")
    parser.add_argument("--repeat", type=int, help="how many repetitions")
    parser.add_argument("--dir", help="where the log files go (default: the temporary directory)")
    parser.add_argument("--results", type=Path, default=SCRATCH, help="where the JSON goes")
    given = parser.parse_args()
    if unknown := set(given.names) - SCRIPTS.keys():
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(SCRIPTS)}")
    start_s = time.monotonic()
    for name in given.names or SCRIPTS:
        result = run(benchmark(name), Plan(given.quick, given.repeat, given.dir))
        print(told(result), flush=True)
        save(result, given.results)
    print(f"{time.monotonic() - start_s:.0f} s in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())

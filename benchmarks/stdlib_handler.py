"""What standard logging costs through mplog.Handler, beside a handler that does nothing."""

from __future__ import annotations

import importlib
import logging
import sys
from pathlib import Path
from typing import Any

from figures import Figure, Row, Runs, Spread, Target, ratio_by, spread_of
from loops import LANE_TURNS, WARM_TURNS, Pair, empty, end, fill, in_turns, loop
from suite import Benchmark, Plan, main

CALLS = 40
SHAPES = {
    "args": (
        "'user %s logged in from %s, attempt %d', 'alice', '10.0.0.1', number",
        "template, user, ip, attempt, /",
    ),
    "extra": (
        "'user %s logged in from %s', 'alice', '10.0.0.1', "
        "extra={'user': 'alice', 'ip': '10.0.0.1', 'attempt': number}",
        "template, user, ip, /, *, extra",
    ),
}
WORDS = {"args": "three arguments", "extra": "two arguments and three fields in extra"}
EMPTY_EMIT = "a logging.Handler with an empty emit()"
NOT_THERE = "mplog.accelerate() is not there yet"


class Nothing(logging.Handler):
    """A handler that does nothing with a record: what mplog.Handler is held against."""

    def emit(self, record: logging.LogRecord) -> None:
        """Nothing."""


def logger(name: str, handler: logging.Handler) -> logging.Logger:
    """A logger of its own with this handler and no other."""
    made = logging.getLogger(name)
    made.setLevel(logging.INFO)
    made.propagate = False
    made.handlers = [handler]
    return made


class StdlibHandler(Benchmark):
    """`logging.getLogger(…).info(…)` through three handlers, and accelerated."""

    name = "stdlib_handler"
    title = "Standard logging through mplog.Handler"
    method = (
        f"Loops of {CALLS} calls in turns in one process, with an empty lane before each turn, "
        "less the same loop around an empty Python function with the same arguments; the median of "
        "the turns. The handler that does nothing is a logging.Handler with an empty emit(); a "
        "NullHandler, which also leaves out the lock and the filters, is shown beside it."
    )

    def cells(self, plan: Plan) -> list[str]:
        return ["plain", "accelerated"]

    def label(self, cell: str) -> str:
        return {"plain": "as it is", "accelerated": "after mplog.accelerate()"}[cell]

    def missing(self, cell: str) -> str:
        mplog: Any = importlib.import_module("mplog")
        return NOT_THERE if cell == "accelerated" and not hasattr(mplog, "accelerate") else ""

    def measure(self, cell: str, plan: Plan, logs: Path) -> Row:
        mplog: Any = importlib.import_module("mplog")
        mplog.configure(str(logs / "app.jsonl"), level="INFO", when_full="block")
        handlers = {"handler": mplog.Handler()}
        if cell == "plain":
            handlers |= {"nothing": Nothing(), "null": logging.NullHandler()}
        loggers = {kind: logger(f"bench.{kind}", one) for kind, one in handlers.items()}
        if cell == "accelerated":
            mplog.accelerate()
        pairs: dict[str, Pair] = {}
        for shape, (arguments, parameters) in SHAPES.items():
            around = loop(arguments)
            pairs[f"{shape}_empty"] = (around, empty(parameters))
            pairs |= {f"{shape}_{kind}": (around, one.info) for kind, one in loggers.items()}
        fill(pairs["extra_handler"], CALLS, mplog.flush)
        rounds = plan.pick(200, 20)
        found = in_turns(pairs, CALLS, rounds, mplog.flush)
        end(mplog, CALLS, LANE_TURNS + (WARM_TURNS + rounds) * len(SHAPES))
        row: Row = {
            f"{shape}_{kind}_ns": found[f"{shape}_{kind}"] - found[f"{shape}_empty"]
            for shape in SHAPES
            for kind in loggers
        }
        return {**row, "samples": rounds * CALLS}

    def figures(self, runs: Runs) -> list[Figure]:
        return [figure for shape in SHAPES for figure in _of(shape, runs)]


def _of(shape: str, runs: Runs) -> list[Figure]:
    def ratio(over: tuple[str, str], under: tuple[str, str]) -> Spread | None:
        (a, a_kind), (b, b_kind) = over, under
        keys = f"{shape}_{a_kind}_ns", f"{shape}_{b_kind}_ns"
        return ratio_by(runs, lambda turn: (turn[a][keys[0]], turn[b][keys[1]]), {a, b})

    handler, nothing = ("plain", "handler"), ("plain", "nothing")
    fast, words = ("accelerated", "handler"), WORDS[shape]
    value = spread_of(runs, "plain", f"{shape}_handler_ns")
    value_fast = spread_of(runs, "accelerated", f"{shape}_handler_ns")
    note = "" if value_fast else NOT_THERE
    return [
        Figure(
            f"{shape}_nothing", f"mplog.Handler, times a handler that does nothing ({words})",
            value, "ns", ratio(handler, nothing), EMPTY_EMIT, Target(at_most=1.15),
        ),
        Figure(
            f"{shape}_null", f"mplog.Handler, times a NullHandler ({words})",
            value, "ns", ratio(handler, ("plain", "null")), "logging.NullHandler",
        ),
        Figure(
            f"{shape}_accelerated",
            f"accelerated, times below a handler that does nothing ({words})",
            value_fast, "ns", ratio(nothing, fast), EMPTY_EMIT, Target(at_least=3), note,
        ),
        Figure(
            f"{shape}_gained", f"accelerated, times below mplog.Handler as it is ({words})",
            value_fast, "ns", ratio(handler, fast), "mplog.Handler", None, note,
        ),
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(StdlibHandler()))

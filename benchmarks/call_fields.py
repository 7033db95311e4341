"""What a call costs over the number of its fields and over the size of its message."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from figures import Figure, Row, Runs, Spread, Target, slope, spread
from loops import LANE_TURNS, WARM_TURNS, Loop, empty, end, fill, in_turns, loop, names
from suite import Benchmark, Plan, main

FIELDS = [0, 1, 2, 3, 4, 6, 8, 10, 12, 14, 16]
SIZES_BYTES = [16, 64, 256, 1024, 4096, 16384]
PLAIN = ("'alice'", "number", "2.5", "True")  # str, int, float, bool in turns
CALLS = {"fields": 200, "sizes": 16}  # so that their events fit a lane of 64 KiB, or of 1 MiB


def with_fields(count: int) -> tuple[Loop, Any]:
    """A loop around a call with *count* plain fields, and the empty function that takes them."""
    given = "".join(
        f", {name}={PLAIN[index % len(PLAIN)]}" for index, name in enumerate(names(count))
    )
    taken = "".join(f", {name}" for name in names(count))
    return loop(f"'order packed'{given}"), empty(f"template, /{', *' if count else ''}{taken}")


def with_size(size_bytes: int) -> tuple[Loop, Any]:
    """A loop around a call with a message of *size_bytes*, and its empty function."""
    return loop(repr("x" * size_bytes)), empty("template, /")


class CallFields(Benchmark):
    """Fields of plain values from 0 to 16, messages from 16 bytes to 16 KiB."""

    name = "call_fields"
    title = "What fields and size cost"
    method = (
        "Loops of 200 calls (16 for sizes) in turns in one process, with an empty lane before each "
        "turn, less the same loop around an empty Python function with the same arguments; the "
        "median of the turns. Fields are str, int, float and bool in turns. The cost of a field is "
        "the slope from 0 to 16 fields by least squares; the empty function's own slope, which is "
        "taken off, is not small, so the slope is also told with nothing taken off."
    )

    def cells(self, plan: Plan) -> list[str]:
        return ["fields", "sizes"]

    def label(self, cell: str) -> str:
        return {"fields": "over the number of fields", "sizes": "over the message's size"}[cell]

    def axes(self, plan: Plan) -> dict[str, list[float]]:
        return {"fields_ns": [*map(float, FIELDS)], "sizes_ns": [*map(float, SIZES_BYTES)]}

    def measure(self, cell: str, plan: Plan, logs: Path) -> Row:
        mplog: Any = importlib.import_module("mplog")
        mplog.configure(str(logs / "app.jsonl"), level="INFO", when_full="block")
        info = mplog.get_logger("bench").info
        made = (
            {count: with_fields(count) for count in FIELDS}
            if cell == "fields"
            else {size: with_size(size) for size in SIZES_BYTES}
        )
        pairs = {f"empty {x}": (around, nothing) for x, (around, nothing) in made.items()}
        pairs |= {f"mplog {x}": (around, info) for x, (around, _) in made.items()}
        fill((made[max(made)][0], info), CALLS[cell], mplog.flush)
        rounds = plan.pick(100, 10)
        found = in_turns(pairs, CALLS[cell], rounds, mplog.flush)
        end(mplog, CALLS[cell], LANE_TURNS + (WARM_TURNS + rounds) * len(made))
        net = [found[f"mplog {x}"] - found[f"empty {x}"] for x in made]
        gross = [found[f"mplog {x}"] for x in made]
        samples = rounds * CALLS[cell] * len(made)
        return {f"{cell}_ns": net, f"{cell}_gross_ns": gross, "samples": samples}

    def figures(self, runs: Runs) -> list[Figure]:
        return [
            Figure(
                "field", "one more plain field", rise(runs, "fields", "fields_ns", 1), "ns",
                target=Target(at_most=25, of="value"),
            ),
            Figure(
                "field_gross", "one more plain field, with nothing taken off",
                rise(runs, "fields", "fields_gross_ns", 1), "ns",
            ),
            Figure(
                "kib", "one more KiB of message", rise(runs, "sizes", "sizes_ns", 1024), "ns"
            ),
        ]  # fmt: skip


def rise(runs: Runs, cell: str, key: str, step: int) -> Spread | None:
    """By how much the cost rises with each *step* fields or bytes."""
    xs = FIELDS if cell == "fields" else SIZES_BYTES
    found = [slope([*zip(xs, row[key], strict=True)]) * step for row in runs.get(cell, ())]
    return spread(found) if found else None


if __name__ == "__main__":
    sys.exit(main(CallFields()))

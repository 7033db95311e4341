"""The files that others have taken a log apart into, in their order, and the gaps in them."""

from __future__ import annotations

import json
from pathlib import Path

from oracle import lines_of


def pieces_of(log_file: Path) -> list[Path]:
    """All files of the log that hold an event, by the time of their first one."""
    found = []
    for path in log_file.parent.iterdir():
        if path.name.startswith(log_file.stem):
            times = (time for _, raw in lines_of([path]) if (time := _time(raw)))
            found.append((next(times, ""), path))
    return [path for time, path in sorted(found) if time]


def _time(raw: bytes) -> str:
    try:
        line = json.loads(raw)
    except ValueError:
        return ""
    return str(line["timestamp"]) if "producer" in line else ""


def gaps(files: list[Path]) -> tuple[int, list[str]]:
    """How many numbers of all producers are missing between one file and the next, and where any is
    missing within a file.
    """
    last: dict[int, int] = {}
    between, within = 0, []
    for path in files:
        met: set[int] = set()
        for place, raw in lines_of([path]):
            try:
                line = json.loads(raw)
            except ValueError:
                continue
            if "producer" not in line:
                continue
            producer, n = line["producer"], line["n"]
            skipped = n - last.get(producer, 0) - 1
            if skipped and producer in met:
                within.append(f"{place}: {skipped} of producer {producer} before {n}")
            between += 0 if producer in met else skipped
            met.add(producer)
            last[producer] = n
    return between, within

"""The page that peers.py prints: a Markdown table, the ratios, and every line that went missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from contenders import CONTENDERS

Row = dict[str, Any]


def micro(value_ns: float) -> str:
    """Nanoseconds as microseconds with three figures."""
    value_us = value_ns / 1_000
    return f"{value_us:.2f}" if value_us < 10 else f"{value_us:,.0f}"


def ratio(value: float, base: float | None) -> str:
    """How many times *base* goes into *value*; a dash without a base."""
    return f"{value / base:.1f}×" if base else "–"


def table(rows: dict[str, Row]) -> Iterator[str]:
    """One line a contender."""
    queue = rows.get("queue", {})
    yield (
        "| | p50 µs | p99 µs | p99.9 µs | QueueHandler's p50 ÷ this | events/s | ÷ QueueHandler's "
        "| events | bytes a line | lost · doubled · broken |"
    )
    yield "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    for name, row in rows.items():
        cells = [
            CONTENDERS[name].title,
            micro(row["p50_ns"]), micro(row["p99_ns"]), micro(row["p999_ns"]),
            ratio(queue.get("p50_ns", 0), row["p50_ns"]) if queue else "–",
            f"{row['events_per_s']:,.0f}", ratio(row["events_per_s"], queue.get("events_per_s")),
            f"{row['events']:,.0f}", f"{row['line_bytes']:.0f}",
            f"{row['lost']:,} · {row['doubled']:,} · {row['broken']:,}",
        ]  # fmt: skip
        yield f"| {' | '.join(cells)} |"


def claims(rows: dict[str, Row]) -> Iterator[str]:
    """The ratios that may be quoted."""
    ours = rows.get("mplog")
    if ours is None:
        return
    if "queue" in rows:
        times = ratio(rows["queue"]["p50_ns"], ours["p50_ns"])
        yield f"Call: QueueHandler's p50 is {times} mplog's."
    safe = {
        name: row["events_per_s"]
        for name, row in rows.items()
        if CONTENDERS[name].safe and name != "mplog"
    }
    if safe:
        best = max(safe, key=lambda name: safe[name])
        yield (
            f"Delivery: mplog is {ratio(ours['events_per_s'], safe[best])} "
            f"the best safe peer ({CONTENDERS[best].title})."
        )


def faults(rows: dict[str, Row], missing: dict[str, str]) -> Iterator[str]:
    """Who was not measured, and who did not keep what it was given."""
    for name, why in missing.items():
        yield f"NOT MEASURED: {CONTENDERS[name].title}: {why}"
    for name, row in rows.items():
        if row["lost"] or row["doubled"] or row["broken"]:
            yield (
                f"{CONTENDERS[name].title} lost {row['lost']:,} events, doubled {row['doubled']:,} "
                f"and broke {row['broken']:,} lines."
            )


def page(rows: dict[str, Row], about: dict[str, Any], missing: dict[str, str]) -> str:
    """Everything, as Markdown."""
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    head = (
        f"CPython {about['python']}, {about['cores']} cores, {about['machine']}; "
        f"call: 1 process; delivery: {about['processes']} processes; "
        f"median of {about['repeat']}; events a process. {versions}."
    )
    parts = ["\n".join(table(rows)), "\n".join(claims(rows)), "\n".join(faults(rows, missing))]
    return "\n\n".join([head, *(part for part in parts if part)])

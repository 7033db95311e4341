"""The plots of the page, as SVG: the same bytes for the same JSON and matplotlib."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

Result = dict[str, Any]
STYLE = {
    "svg.hashsalt": "mplog", "svg.fonttype": "none", "font.size": 9, "axes.grid": True,
    "grid.alpha": 0.3, "axes.spines.top": False, "axes.spines.right": False,
    "legend.frameon": False, "legend.fontsize": 8,
}  # fmt: skip
SIZE_INCHES = (7.5, 4.0)
RED, GREY = "#c1272d", "#9aa5b1"
OURS = {"color": RED, "linewidth": 2.2}
OTHERS = ["#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#17becf"]
FLOOR_NS = 10.0  # what is below it is told as it, for a logarithm's sake


def missing() -> str:
    """Why nothing can be drawn here; empty when it can."""
    try:
        importlib.import_module("matplotlib")
    except ImportError as error:
        return str(error)
    return ""


def draw(results: list[Result], directory: Path) -> None:
    """Draw every result that has a plot into *directory*."""
    matplotlib: Any = importlib.import_module("matplotlib")
    matplotlib.use("svg")
    pyplot: Any = importlib.import_module("matplotlib.pyplot")
    with pyplot.rc_context({**STYLE, "axes.prop_cycle": matplotlib.cycler(color=OTHERS)}):
        for result in results:
            painter = PAINTERS.get(result["name"])
            if painter is None or not result["cells"]:
                continue
            figure = painter(pyplot, result)
            figure.suptitle(f"{result['title']} (CPython {result['python']})", fontsize=10)
            figure.tight_layout()
            path = directory / f"{result['name']}-{result['python']}.svg"
            figure.savefig(path, metadata={"Date": None, "Creator": None})
            pyplot.close(figure)


def distribution(pyplot: Any, result: Result) -> Any:
    """Latency over percentile, both so that the tail is seen."""
    figure, axes = pyplot.subplots(figsize=SIZE_INCHES)
    parts = result["axes"]["curve_ns"]
    xs = [1 / (1 - part) for part in parts]
    for name, row in result["cells"].items():
        ys_us = [max(ns, FLOOR_NS) / 1_000 for ns in row["curve_ns"]]
        line = "--" if name.endswith(" busy") else "-"
        look = OURS if name.startswith("mplog") else {}
        axes.plot(xs, ys_us, line, label=row["label"], **look)
    axes.set_xscale("log")
    axes.set_yscale("log")
    ticks = {"50 %": 2, "90 %": 10, "99 %": 100, "99.9 %": 1_000, "99.99 %": 10_000}
    axes.set_xticks(list(ticks.values()), list(ticks))
    axes.minorticks_off()
    axes.set_xlabel("percentile")
    axes.set_ylabel("a call, µs")
    axes.legend()
    return figure


def scaling(pyplot: Any, result: Result) -> Any:
    """Events a second over the number of processes, a line a library."""
    figure, axes = pyplot.subplots(figsize=SIZE_INCHES)
    lines: dict[str, list[tuple[int, float, str]]] = {}
    for cell, row in result["cells"].items():
        name, count = cell.split()
        label = row["label"].rpartition(",")[0]
        lines.setdefault(name, []).append((int(count), row["events_per_s"]["median"], label))
    for name, points in lines.items():
        xs, ys, labels = zip(*points, strict=True)
        axes.plot(xs, ys, marker="o", label=labels[0], **(OURS if name == "mplog" else {}))
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    counts = sorted({x for points in lines.values() for x, _, _ in points})
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.set_xlabel("processes")
    axes.set_ylabel("events/s into the file")
    axes.legend()
    return figure


def fields(pyplot: Any, result: Result) -> Any:
    """The cost of a call over its fields, and over its message."""
    figure, pair = pyplot.subplots(1, 2, figsize=SIZE_INCHES)
    for axes, key, what in zip(
        pair, ("fields_ns", "sizes_ns"), ("fields", "bytes of message"), strict=True
    ):
        rows = [row for row in result["cells"].values() if key in row]
        for row in rows:
            axes.plot(result["axes"][key], row[key], marker="o", **OURS)
        axes.set_xlabel(what)
        axes.set_ylabel("a call, ns")
        axes.set_ylim(bottom=0)
        if key == "sizes_ns":
            axes.set_xscale("log", base=2)
    return figure


def burst(pyplot: Any, result: Result) -> Any:
    """The burst and the drain after it, one bar a library."""
    figure, axes = pyplot.subplots(figsize=SIZE_INCHES)
    rows = list(result["cells"].values())[::-1]
    labels = [row["label"] for row in rows]
    logging_s = [row["logging_s"]["median"] for row in rows]
    drain_s = [row["drain_s"]["median"] for row in rows]
    axes.barh(labels, logging_s, label="the burst: the program logs", color=RED)
    axes.barh(labels, drain_s, left=logging_s, label="the drain into the file", color=GREY)
    axes.set_xscale("symlog", linthresh=0.05)
    axes.set_xlabel("s")
    axes.legend()
    return figure


def throughput(pyplot: Any, result: Result) -> Any:
    """Events a second into the file, one bar a library."""
    figure, axes = pyplot.subplots(figsize=SIZE_INCHES)
    rows = list(result["cells"].values())[::-1]
    rates = [row["events_per_s"]["median"] for row in rows]
    names = list(result["cells"])[::-1]
    colors = [RED if name == "mplog" else GREY for name in names]
    bars = axes.barh([row["label"] for row in rows], rates, color=colors)
    axes.bar_label(bars, [f"{rate:,.0f}" for rate in rates], padding=3, fontsize=8)
    axes.set_xscale("log")
    axes.set_xlabel("events/s into the file, four processes")
    return figure


PAINTERS: dict[str, Callable[[Any, Result], Any]] = {
    "call_latency": distribution,
    "call_paced": distribution,
    "call_tail": distribution,
    "call_fields": fields,
    "scaling": scaling,
    "burst": burst,
    "throughput": throughput,
}

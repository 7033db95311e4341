"""docs/reference/performance.md from the JSON of the benchmarks. Pure: the same text for the same
results, whoever makes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from figures import Row, number, ranged, verdict, wanted

HEAD = """# Performance

<!-- Made by `make bench ARGS=--publish` from the JSON in {folder}/: measure again, do not edit. -->

What mplog promises about its speed, and what was measured. The ratios are the claim: both sides of
one were taken in the same run on the same machine, repetition by repetition. Absolute figures are
this machine's, and decoration.

`make bench` gives yours, in benchmarks/results/. `ARGS=--quick` is a rehearsal of less than a
minute, `ARGS=call_latency` measures that alone, and another CPython gets an environment of its own:
`make bench VENV=.venvs/3.13 PYTHON=python3.13`.
"""
QUICK = """
**A rehearsal.** {names}: few events and one repetition, which shows that the
benchmarks work and little more.
"""
METHOD = """
Each cell of a benchmark (one library, one number of processes) is measured in a fresh interpreter.
The cells of a repetition run one after the other, and then all again, so that a machine that slows
down meanwhile slows all of them. A figure is the median of the repetitions, with the lowest and the
highest behind it. A ratio is taken within a repetition, and then the median of those.

The call has a template, three fields, and the caller's location. Latencies are net of an empty
Python function that takes the same arguments, timed in the same way. Where lines are read back,
each (process, number) was there once and whole unless it says otherwise.

How quiet the machine was stands under each benchmark: the load when it began, and how long the same
piece of Python work took before each cell.
"""
MARKS = {"met": "met", "not met": "**not met**", "not measured": "not measured", "shown": ""}
UNITS = {"ns": "µs", "s": "s", "mb": "MB", "ms": "ms", "us": "µs", "percent": "%", "bytes": "bytes"}
WORDS = {"p999": "p99.9", "max": "worst"}
CURVE = "curve_ns"
Result = dict[str, Any]


def page(results: list[Result], folder: str, drawn: list[str]) -> str:
    """The whole page.

    Args:
        results: what the benchmarks have written, in the order in which they are told.
        folder: the directory of results and plots, as the page's links name it.
        drawn: the plots that are there.
    """
    parts = [HEAD.format(folder=folder), *_rehearsed(results)]
    parts += ["\n## Promised and measured\n\n", *_lines(promises(results))]
    parts += ["\n## Machine and versions\n\n", *_lines(machines(results))]
    parts += ["\n## Method\n", METHOD]
    told = ""
    for result in results:
        if result["name"] != told:
            told = result["name"]
            parts.append(f"\n## {result['title']}\n\n`benchmarks/{told}.py`. {result['method']}\n")
        parts += ["\n", *_lines(section(result, folder, drawn))]
    return "".join(parts)


def _lines(lines: Iterator[str]) -> Iterator[str]:
    return (f"{line}\n" for line in lines)


def _rehearsed(results: list[Result]) -> Iterator[str]:
    quick = [f"`{one['name']}` on {one['python']}" for one in results if one["quick"]]
    if quick:
        names = "everything" if len(quick) == len(results) else ", ".join(quick)
        yield QUICK.format(names=names[0].upper() + names[1:])


def promises(results: list[Result]) -> Iterator[str]:
    """Every figure that has a target, with what became of it."""
    told = [
        (result, figure)
        for result in results
        for figure in result["figures"]
        if figure["target"] is not None
    ]
    verdicts = [verdict(figure) for _, figure in told]
    counts = (f"{verdicts.count(kind)} {kind}" for kind in ("met", "not met", "not measured"))
    yield f"{len(told)} promises: {', '.join(counts)}."
    yield ""
    yield "| what | CPython | promised | measured | absolute | | script |"
    yield "|---|--:|---|--:|--:|---|---|"
    for result, figure in told:
        target = figure["target"]
        of_ratio = target["of"] == "ratio"
        unit = "×" if of_ratio else f" {figure['unit']}"
        measured = figure[target["of"]]
        cells = [
            figure["title"], result["python"], f"{wanted(target)}{unit}",
            ranged(measured, unit) if measured else figure["note"] or "–",
            _absolute(figure) if of_ratio else "", MARKS[verdict(figure)], f"`{result['name']}`",
        ]  # fmt: skip
        yield f"| {' | '.join(cells)} |"


def _absolute(figure: Row) -> str:
    if not figure["value"]:
        return ""
    middle = figure["value"]["median"]
    return ranged(dict.fromkeys(("low", "median", "high"), middle), f" {figure['unit']}")


def machines(results: list[Result]) -> Iterator[str]:
    """Each machine with its versions once, and which benchmarks ran there."""
    seen: list[tuple[Row, Row, list[str]]] = []
    for result in results:
        for machine, versions, names in seen:
            if (machine, versions) == (result["machine"], result["versions"]):
                names.append(result["name"])
                break
        else:
            seen.append((result["machine"], result["versions"], [result["name"]]))
    for machine, versions, names in seen:
        kind = "virtual machine" if machine["virtual"] else "machine"
        software = ", ".join(f"{name} {version}" for name, version in versions.items())
        yield (
            f"- {machine['cores']} cores of a {kind} ({machine['cpu']}, "
            f"{machine['architecture']}), {machine['memory_gib']} GiB; {machine['kernel']}, "
            f"{machine['libc']}; {software}. There: {', '.join(names)}."
        )


def section(result: Result, folder: str, drawn: list[str]) -> Iterator[str]:
    """One benchmark on one CPython: figures, cells, plot, and how quiet the machine was."""
    yield f"### CPython {result['versions']['CPython']}"
    yield ""
    yield from _figures(result)
    yield from _cells(result)
    yield from _curves(result)
    plot = f"{result['name']}-{result['python']}.svg"
    if plot in drawn:
        yield f"![{result['title']}, CPython {result['python']}]({folder}/{plot})"
        yield ""
    for label, why in result["missing"].items():
        yield f"Not measured: {label} ({why})."
        yield ""
    yield _noise(result)


def _figures(result: Result) -> Iterator[str]:
    shown = [one for one in result["figures"] if one["ratio"] or one["value"]]
    if not shown:
        return
    yield "| figure | ratio | against | absolute |"
    yield "|---|--:|---|--:|"
    for figure in shown:
        ratio = ranged(figure["ratio"], "×") if figure["ratio"] else ""
        value = ranged(figure["value"], f" {figure['unit']}") if figure["value"] else ""
        yield f"| {figure['title']} | {ratio} | {figure['against']} | {value} |"
    yield ""


def heading(key: str) -> str:
    """A row's key as a column's heading: `p50_ns` is `p50, µs`."""
    if key == "events_per_s":
        return "events/s"
    name, _, unit = key.rpartition("_")
    if unit not in UNITS or not name:
        return key.replace("_", " ")
    return f"{WORDS.get(name, name.replace('_', ' '))}, {UNITS[unit]}"


def _cells(result: Result) -> Iterator[str]:
    """A table where the cells have the same figures; where each has its own, they stand above."""
    rows = list(result["cells"].values())
    scalars = [
        [key for key, value in row.items() if key != "label" and not isinstance(value, list)]
        for row in rows
    ]
    keys = [key for key in scalars[0] if all(key in row for row in scalars)] if rows else []
    keys = [key for key in keys if key not in {"samples", "last_end", "faults"}]
    if len(rows) < 2 or not keys:
        return
    yield f"| | {' | '.join(heading(key) for key in keys)} | samples |"
    yield f"|---|{'--:|' * (len(keys) + 1)}"
    for row in rows:
        values = [_value(key, row[key]) for key in [*keys, "samples"]]
        yield f"| {row['label']} | {' | '.join(values)} |"
    yield ""


def _value(key: str, found: Any) -> str:
    middle = found["median"] if isinstance(found, dict) else found
    return number(middle / 1_000 if key.endswith("_ns") else middle)


def _curves(result: Result) -> Iterator[str]:
    """Short curves as a table each; those of a distribution are only drawn."""
    for key, xs in result["axes"].items():
        rows = [row for row in result["cells"].values() if key in row and key != CURVE]
        for row in rows:
            yield f"| {row['label']} | {' | '.join(number(x) for x in xs)} |"
            yield f"|---|{'--:|' * len(xs)}"
            yield f"| ns | {' | '.join(number(y) for y in row[key])} |"
            yield ""


def _noise(result: Result) -> str:
    spin, turns = result["noise"]["spin_ms"], result["repetitions"]
    quiet = f"; the same work took {ranged(spin, ' ms')}" if spin else ""
    times = "one repetition" if turns == 1 else f"{turns} repetitions"
    return (
        f"{times[0].upper()}{times[1:]} in {number(result['seconds'])} s; logs on "
        f"{result['logs_on']}; load "
        f"{number(result['noise']['load'])} at the start{quiet}."
    )

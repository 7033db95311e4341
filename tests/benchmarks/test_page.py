"""docs/reference/performance.md, from the JSON of the benchmarks."""

from __future__ import annotations

import json
from pathlib import Path

import plots
import pytest
import run
from figures import Figure, Row, Runs, Spread, Target
from page import heading, machines, page, promises
from suite import Benchmark, Plan, result_name, rounded, save


class Pretended(Benchmark):
    """Two cells, whose rows are given."""

    name = "call_latency"
    title = "A pretended call"
    method = "None."

    def cells(self, plan: Plan) -> list[str]:
        return ["mplog", "queue"]

    def figures(self, runs: Runs) -> list[Figure]:
        return []


def result(**changed: object) -> Row:
    """What a benchmark has written."""
    spread = {"median": 20.0, "low": 10.0, "high": 30.0}
    figure = {
        "name": "p50", "title": "the call", "value": {"median": 90.0, "low": 80.0, "high": 99.0},
        "unit": "ns", "ratio": spread, "against": "QueueHandler", "note": "",
        "target": {"at_least": 18, "at_most": None, "of": "ratio"},
    }  # fmt: skip
    row = {"label": "mplog", "samples": spread, "p50_ns": spread, "lost": 0}
    return {
        "name": "call_latency", "title": "A log call", "method": "Timed.", "python": "3.11",
        "quick": False, "repetitions": 5, "seconds": 12.3, "logs_on": "ext4",
        "machine": {
            "cpu": "A CPU", "cores": 2, "memory_gib": 8, "architecture": "x86_64",
            "kernel": "Linux 6", "libc": "glibc 2", "virtual": True,
        },
        "versions": {"CPython": "3.11.7", "mplog": "0.1.0", "commit": "abc"},
        "noise": {"load": 0.5, "spin_ms": spread}, "missing": {}, "axes": {},
        "cells": {"mplog": row, "queue": {**row, "label": "QueueHandler"}}, "figures": [figure],
    } | changed  # fmt: skip


def test_the_page_is_what_the_committed_json_gives() -> None:
    """Nobody has edited it, and no result was committed without it."""
    published = run.PUBLISHED
    drawn = [path.name for path in sorted(published.glob("*.svg"))]

    assert list(published.glob("*.json"))
    assert page(run.results_in(published), published.name, drawn) == published.with_suffix(
        ".md"
    ).read_text(encoding="utf-8")


def test_every_committed_result_is_of_a_benchmark_and_under_its_name() -> None:
    """A renamed script leaves no orphan on the page."""
    for path in run.PUBLISHED.glob("*.json"):
        found = json.loads(path.read_text(encoding="utf-8"))
        assert found["name"] in run.SCRIPTS
        assert path.name == result_name(found["name"], found["python"])


def test_every_script_has_the_name_of_its_benchmark() -> None:
    """What `run.py` calls it, what its file is called, and what its JSON says are one."""
    for name in run.SCRIPTS:
        made = run.benchmark(name)
        assert name == made.name
        assert made.title
        assert made.method


def test_a_promise_is_told_with_its_verdict() -> None:
    """Ratio first, absolute after; and how many were met stands above."""
    text = "\n".join(promises([result()]))

    assert "1 promises: 1 met, 0 not met, 0 not measured." in text
    assert "| the call | 3.11 | at least 18× | 20× (10–30) | 90 ns | met | `call_latency` |" in text


def test_a_promise_that_was_not_measured_says_why() -> None:
    """An absent figure is told, never left out."""
    figure = {**result()["figures"][0], "ratio": None, "value": None, "note": "no such peer"}

    assert "| no such peer |  | not measured |" in "\n".join(promises([result(figures=[figure])]))


def test_a_missed_promise_stands_out() -> None:
    """The page says it as plainly as a met one."""
    figure = {**result()["figures"][0], "ratio": {"median": 17.0, "low": 17.0, "high": 17.0}}

    assert "**not met**" in "\n".join(promises([result(figures=[figure])]))


def test_machines_with_the_same_versions_are_told_once() -> None:
    """Two benchmarks of one run are one line; another CPython is another."""
    other = {**result()["versions"], "CPython": "3.13.0"}

    assert 1 == len(list(machines([result(), result(name="burst")])))
    assert 2 == len(list(machines([result(), result(versions=other)])))


def test_a_rehearsal_says_that_it_is_one() -> None:
    """Figures of a quick run are never mistaken for measured ones."""
    assert "**A rehearsal.** Everything:" in page([result(quick=True)], "performance", [])
    assert "**A rehearsal" not in page([result()], "performance", [])


def test_a_plot_is_shown_where_it_was_drawn() -> None:
    """No link leads nowhere."""
    there = page([result()], "performance", ["call_latency-3.11.svg"])

    assert "(performance/call_latency-3.11.svg)" in there
    assert ".svg" not in page([result()], "performance", [])


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("p50_ns", "p50, µs"), ("p999_ns", "p99.9, µs"), ("events_per_s", "events/s"),
        ("line_bytes", "line, bytes"), ("lost", "lost"), ("elapsed_s", "elapsed, s"),
    ],
)  # fmt: skip
def test_a_column_is_named_with_its_unit(key: str, expected: str) -> None:
    """From the key, whose suffix is the unit."""
    assert expected == heading(key)


def test_a_result_is_saved_under_its_name_and_its_python(tmp_path: Path) -> None:
    """Floats have five figures, so that a file changes with its measurement alone."""
    path = save(result(seconds=1.23456789), tmp_path)

    assert tmp_path / "call_latency-3.11.json" == path
    assert 1.2346 == json.loads(path.read_text())["seconds"]
    assert {"a": [0.33333, 7, None]} == rounded({"a": [1 / 3, 7, None]})


def test_results_come_in_the_order_of_the_scripts_and_of_the_pythons(tmp_path: Path) -> None:
    """3.9 before 3.13, as numbers; what is no benchmark's is left out."""
    for name, python in (("burst", "3.11"), ("call_latency", "3.13"), ("call_latency", "3.9")):
        save(result(name=name, python=python), tmp_path)
    save(result(name="unknown"), tmp_path)

    found = [(one["name"], one["python"]) for one in run.results_in(tmp_path)]
    assert [("call_latency", "3.9"), ("call_latency", "3.13"), ("burst", "3.11")] == found


@pytest.mark.skipif(bool(plots.missing()), reason="matplotlib is not installed")
def test_a_plot_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    """No date, no random names."""
    parts = [0.5, 0.99, 0.999]
    drawn = []
    cells = {"mplog": {**result()["cells"]["mplog"], "curve_ns": [90.0, 200.0, 900.0]}}
    for turn in ("first", "second"):
        place = tmp_path / turn
        place.mkdir()
        plots.draw([result(axes={"curve_ns": parts}, cells=cells)], place)
        drawn.append((place / "call_latency-3.11.svg").read_bytes())

    assert drawn[0] == drawn[1]


def test_a_figure_without_a_ratio_is_a_row_too() -> None:
    """What is only shown stands in its section with its value."""
    shown = Figure("a", "an idle service", Spread(0.05, 0.05, 0.05), "%", target=Target(at_most=1))
    from dataclasses import asdict

    assert "| an idle service |  |  | 0.05 % |" in page(
        [result(figures=[asdict(shown)])], "performance", []
    )
